// Frames: what travels on the socket. 12 bytes of header, then the payload:
//   u32 length of the payload, u8 type, u8 flags (bit 0: more frames of this message follow), u16
//   0, u32 id; little endian.
// A message is one frame, or several of the same type and id with `more` on all but the last.
// Requests are a single frame of at most 1 MiB; replies, errors, documents and events are cut into
// frames of at most 64 KiB. The id is the request's, chosen by the client, above 0; replies to
// several requests may be interleaved, frame by frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/model/limits.h"

namespace roost::ipc {

enum class FrameType : std::uint8_t { request = 1, result = 2, error = 3, document = 4, event = 5 };

inline constexpr std::size_t kFrameHeaderBytes = 12;
inline constexpr std::uint8_t kFlagMore = 1;

struct Frame {
  FrameType type = FrameType::request;
  bool more = false;
  std::uint32_t id = 0;
  std::string payload;
};

// Appends the frames of one message. A request must fit limits::kMaxRequestBytes: check before.
void append_message(std::string& out, FrameType type, std::uint32_t id, std::string_view payload);
// Appends one frame of a message that is sent piece by piece; payload at most
// limits::kMaxFramePayload.
void append_frame(std::string& out, FrameType type, std::uint32_t id, std::string_view payload,
                  bool more);

// What daemon sessions send at least every kKeepAliveInterval while a `wait` request of the client
// is pending: an event of id 0 without payload. A client that hears nothing at all for
// kSilenceLimit takes the daemon for hung.
inline constexpr std::chrono::milliseconds kKeepAliveInterval{1000};
inline constexpr std::chrono::milliseconds kSilenceLimit{5000};
void append_keep_alive(std::string& out);
[[nodiscard]] bool is_keep_alive(const Frame& frame);

// Which frames a side accepts: a daemon only whole requests, a client all but requests.
enum class Side : std::uint8_t { daemon, client };

// Cuts a byte stream into frames. Memory grows with bytes that came, not with lengths that a header
// claims (but for room() asked for). After an error (Errc::protocol) the stream is lost and the
// decoder keeps giving that error.
class FrameDecoder {
 public:
  explicit FrameDecoder(Side side) : side_(side) {}

  void feed(std::string_view bytes);
  // The same without a copy: `size` bytes to read into, then how many have come. Nothing else in
  // between.
  [[nodiscard]] char* room(std::size_t size);
  void commit(std::size_t came);

  // Bytes that the frame still lacks which next() found incomplete; 0 when its header is not whole.
  [[nodiscard]] std::size_t missing() const { return missing_; }

  // The next whole frame; nothing when more bytes are needed.
  [[nodiscard]] Result<std::optional<Frame>> next();

  // Bytes of a frame that is not whole yet: above 0 means the peer is in the middle of one (for
  // limits::kRequestDeadline).
  [[nodiscard]] std::size_t pending() const { return buffer_.size() - start_; }

 private:
  [[nodiscard]] Status check_header(std::string_view header) const;
  void drop_consumed();

  Side side_;
  std::string buffer_;
  std::size_t start_ = 0;  // consumed bytes at the front of buffer_
  std::size_t missing_ = 0;
  std::size_t room_ = 0;  // bytes at the end of buffer_ that have not come yet
  std::optional<Error> failed_;
};

// Joins the frames of messages. Bounded: all incomplete messages together hold at most `limit`
// bytes (Errc::protocol beyond).
class MessageAssembler {
 public:
  explicit MessageAssembler(std::size_t limit = model::limits::kMaxReplyBytes) : limit_(limit) {}

  // The whole message if this frame completes one.
  [[nodiscard]] Result<std::optional<Frame>> add(Frame frame);

 private:
  std::size_t limit_;
  std::size_t held_ = 0;
  std::map<std::uint32_t, Frame> partial_;
};

}  // namespace roost::ipc
