#include "ipc/frame.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::ipc;
namespace limits = roost::model::limits;

namespace {

std::string header(std::uint32_t length, int type, int flags = 0, int reserved = 0,
                   std::uint32_t id = 1) {
  std::string text;
  for (unsigned i = 0; i < 4; ++i)
    text += static_cast<char>(length >> (8 * i) & 0xFF);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  text += static_cast<char>(reserved);
  text += static_cast<char>(0);
  for (unsigned i = 0; i < 4; ++i)
    text += static_cast<char>(id >> (8 * i) & 0xFF);
  return text;
}

std::vector<Frame> all_frames(FrameDecoder& decoder) {
  std::vector<Frame> frames;
  for (;;) {
    Result<std::optional<Frame>> next = decoder.next();
    REQUIRE_MESSAGE(next, next.error().message);
    if (!*next) return frames;
    frames.push_back(std::move(**next));
  }
}

}  // namespace

TEST_CASE("frame: the bytes are those of the protocol") {
  std::string bytes;
  append_frame(bytes, FrameType::event, 0x01020304, "abc", true);
  CHECK(bytes == std::string("\x03\0\0\0\x05\x01\0\0\x04\x03\x02\x01"
                             "abc",
                             15));
}

TEST_CASE("frame: a stream cut at every byte gives the same frames") {
  std::string bytes;
  append_message(bytes, FrameType::result, 1, "hello");
  append_keep_alive(bytes);
  append_message(bytes, FrameType::error, 4'000'000'000, "");
  append_message(bytes, FrameType::document, 3, "tail");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameDecoder decoder(Side::client);
    decoder.feed(std::string_view(bytes).substr(0, cut));
    std::vector<Frame> frames = all_frames(decoder);
    decoder.feed(std::string_view(bytes).substr(cut));
    for (Frame& frame : all_frames(decoder))
      frames.push_back(std::move(frame));
    REQUIRE(frames.size() == 4);
    CHECK(frames[0].payload == "hello");
    CHECK(is_keep_alive(frames[1]));
    CHECK(frames[2].id == 4'000'000'000);
    CHECK(frames[3].payload == "tail");
    CHECK(decoder.pending() == 0);
  }
}

TEST_CASE("frame: read into the decoder's own memory, whatever the size of the pieces") {
  const std::string large(limits::kMaxFramePayload, 'l');
  std::string bytes;
  append_message(bytes, FrameType::result, 1, "small");
  append_message(bytes, FrameType::document, 2, large + large + "end");
  append_message(bytes, FrameType::result, 3, large);
  append_keep_alive(bytes);
  for (const std::size_t first : {std::size_t{1}, std::size_t{12}, std::size_t{4096}}) {
    FrameDecoder decoder(Side::client);
    std::string_view rest = bytes;
    std::vector<Frame> frames;
    while (!rest.empty()) {
      const std::size_t size = decoder.missing() > 0 ? decoder.missing() : first;
      const std::size_t came =
          std::min((size + 1) / 2, rest.size());  // less than there is room for
      std::memcpy(decoder.room(size), rest.data(), came);
      decoder.commit(came);
      rest.remove_prefix(came);
      for (Frame& frame : all_frames(decoder))
        frames.push_back(std::move(frame));
    }
    REQUIRE(frames.size() == 6);
    CHECK(frames[0].payload == "small");
    CHECK((frames[1].payload + frames[2].payload + frames[3].payload == large + large + "end"));
    CHECK((frames[4].payload == large));
    CHECK(is_keep_alive(frames[5]));
    CHECK(decoder.pending() == 0);
  }
}

TEST_CASE("frame: fed byte by byte, nothing is given before it is whole") {
  std::string bytes;
  append_frame(bytes, FrameType::request, 9, "{}", false);
  FrameDecoder decoder(Side::daemon);
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    decoder.feed(bytes.substr(i, 1));
    CHECK(all_frames(decoder).empty());
    CHECK(decoder.pending() == i + 1);
  }
  decoder.feed(bytes.substr(bytes.size() - 1));
  CHECK(all_frames(decoder).size() == 1);
}

TEST_CASE(
    "frame: a large reply is cut at 64 KiB and joined again; an exact multiple has no empty "
    "frame") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, limits::kMaxFramePayload,
                                 limits::kMaxFramePayload + 1, std::size_t{300'000}}) {
    const std::string payload(size, 'p');
    std::string bytes;
    append_message(bytes, FrameType::result, 7, payload);
    FrameDecoder decoder(Side::client);
    decoder.feed(bytes);
    const std::vector<Frame> frames = all_frames(decoder);
    CHECK(frames.size() == std::max<std::size_t>(1, (size + limits::kMaxFramePayload - 1) /
                                                        limits::kMaxFramePayload));
    MessageAssembler assembler;
    std::optional<Frame> whole;
    for (const Frame& frame : frames) {
      CHECK_FALSE(whole);
      whole = *assembler.add(frame);
    }
    REQUIRE(whole);
    CHECK((whole->payload == payload));
  }
}

TEST_CASE(
    "frame: hostile headers are refused at once, whatever follows, and the stream stays refused") {
  struct Case {
    Side side;
    std::string bytes;
  };

  for (const Case& hostile :
       {Case{Side::daemon, header(0xFFFFFFFF, 1)},
        Case{Side::daemon, header(limits::kMaxRequestBytes + 1, 1)},
        Case{Side::daemon, header(1, 2)}, Case{Side::daemon, header(1, 0)},
        Case{Side::daemon, header(1, 6)}, Case{Side::daemon, header(1, 1, 1)},
        Case{Side::daemon, header(1, 1, 2)}, Case{Side::daemon, header(1, 1, 0, 1)},
        Case{Side::client, header(1, 1)},
        Case{Side::client, header(limits::kMaxFramePayload + 1, 2)},
        Case{Side::client, header(0xFFFFFFFF, 4)}, Case{Side::daemon, "GET / HTTP/1.1\r\n"}}) {
    FrameDecoder decoder(hostile.side);
    decoder.feed(hostile.bytes);
    const Result<std::optional<Frame>> next = decoder.next();
    REQUIRE_FALSE(next);
    CHECK(next.error().code == Errc::protocol);
    std::string good;
    append_frame(good, hostile.side == Side::daemon ? FrameType::request : FrameType::result, 1,
                 "{}", false);
    decoder.feed(good);
    CHECK_FALSE(decoder.next());
    CHECK(decoder.pending() == 0);
  }
}

TEST_CASE("frame: the largest request passes, and many frames do not pile up in the buffer") {
  FrameDecoder decoder(Side::daemon);
  std::string bytes;
  append_message(bytes, FrameType::request, 1, std::string(limits::kMaxRequestBytes, 'r'));
  for (int round = 0; round < 20; ++round) {
    decoder.feed(bytes);
    const std::vector<Frame> frames = all_frames(decoder);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload.size() == limits::kMaxRequestBytes);
    CHECK(decoder.pending() == 0);
  }
}

TEST_CASE(
    "assembler: interleaved messages are told apart; too much, or a change of type, is refused") {
  MessageAssembler assembler(1000);
  const auto frame = [](std::uint32_t id, bool more, std::string payload,
                        FrameType type = FrameType::result) {
    return Frame{type, more, id, std::move(payload)};
  };
  CHECK_FALSE(*assembler.add(frame(1, true, "a")));
  CHECK_FALSE(*assembler.add(frame(2, true, "x")));
  CHECK((*assembler.add(frame(1, false, "b")))->payload == "ab");
  CHECK((*assembler.add(frame(2, false, "y")))->payload == "xy");
  for (int i = 0; i < 1000; ++i) {  // what is done no longer counts
    CHECK_FALSE(*assembler.add(frame(3, true, std::string(100, 'z'))));
    CHECK(*assembler.add(frame(3, false, "")));
  }
  CHECK_FALSE(*assembler.add(frame(4, true, "a")));
  CHECK_FALSE(assembler.add(frame(4, true, "a", FrameType::error)));
  CHECK_FALSE(assembler.add(frame(5, true, std::string(1000, 'z'))));
}
