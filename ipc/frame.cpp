#include "ipc/frame.h"

#include <algorithm>
#include <utility>

namespace roost::ipc {
namespace {

namespace limits = model::limits;

constexpr std::size_t kMoveAt = 4096;  // a payload that ends the buffer is not copied out of it

void append_le32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(value >> shift & 0xFFU));
}

std::uint32_t le32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

Error protocol_error(std::string message) {
  return Error{Errc::protocol, std::move(message), {}};
}

}  // namespace

void append_frame(std::string& out, FrameType type, std::uint32_t id, std::string_view payload,
                  bool more) {
  out.reserve(out.size() + kFrameHeaderBytes + payload.size());
  append_le32(out, static_cast<std::uint32_t>(payload.size()));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(more ? kFlagMore : 0));
  out.append(2, '\0');
  append_le32(out, id);
  out += payload;
}

void append_message(std::string& out, FrameType type, std::uint32_t id, std::string_view payload) {
  const std::size_t piece =
      type == FrameType::request ? limits::kMaxRequestBytes : limits::kMaxFramePayload;
  do {
    const std::string_view part = payload.substr(0, piece);
    payload.remove_prefix(part.size());
    append_frame(out, type, id, part, !payload.empty());
  } while (!payload.empty());
}

void append_keep_alive(std::string& out) {
  append_frame(out, FrameType::event, 0, {}, false);
}

bool is_keep_alive(const Frame& frame) {
  return frame.type == FrameType::event && frame.id == 0 && frame.payload.empty() && !frame.more;
}

void FrameDecoder::feed(std::string_view bytes) {
  if (failed_) return;
  drop_consumed();
  buffer_ += bytes;
}

void FrameDecoder::drop_consumed() {
  if (start_ == 0 || (start_ < buffer_.size() && start_ < limits::kMaxFramePayload)) return;
  buffer_.erase(0, start_);
  start_ = 0;
}

char* FrameDecoder::room(std::size_t size) {
  drop_consumed();
  room_ = size;
  buffer_.resize(buffer_.size() + size);
  return buffer_.data() + buffer_.size() - size;
}

void FrameDecoder::commit(std::size_t came) {
  buffer_.resize(failed_ ? 0 : buffer_.size() - std::exchange(room_, 0) + came);
}

Status FrameDecoder::check_header(std::string_view header) const {
  const auto type = static_cast<unsigned char>(header[4]);
  const auto flags = static_cast<unsigned char>(header[5]);
  const bool request = type == static_cast<unsigned char>(FrameType::request);
  const std::size_t limit = request ? limits::kMaxRequestBytes : limits::kMaxFramePayload;
  const std::uint32_t length = le32(header);
  if (type < 1 || type > 5 || flags > kFlagMore || header[6] != 0 || header[7] != 0)
    return protocol_error("not a frame of roost's protocol");
  if (request != (side_ == Side::daemon)) return protocol_error("a frame of the wrong direction");
  if (request && flags != 0) return protocol_error("a request in several frames");
  if (length > limit)
    return protocol_error("a frame of " + std::to_string(length) + " bytes; at most " +
                          std::to_string(limit));
  return ok();
}

Result<std::optional<Frame>> FrameDecoder::next() {
  if (failed_) return *failed_;
  const std::string_view bytes = std::string_view(buffer_).substr(start_);
  missing_ = 0;
  if (bytes.size() < kFrameHeaderBytes) return std::optional<Frame>();
  if (Status header = check_header(bytes); !header) {
    failed_ = std::move(header).error();
    buffer_.clear();
    start_ = 0;
    return *failed_;
  }
  const std::uint32_t length = le32(bytes);
  if (bytes.size() - kFrameHeaderBytes < length) {
    missing_ = length - (bytes.size() - kFrameHeaderBytes);
    return std::optional<Frame>();
  }
  Frame frame;
  frame.type = static_cast<FrameType>(bytes[4]);
  frame.more = bytes[5] != 0;
  frame.id = le32(bytes.substr(8));
  start_ += kFrameHeaderBytes + length;
  if (start_ == buffer_.size() && length >= kMoveAt) {
    frame.payload = std::exchange(buffer_, {});
    frame.payload.erase(0, std::exchange(start_, 0) - length);
  } else {
    frame.payload = bytes.substr(kFrameHeaderBytes, length);
  }
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  }
  return std::optional<Frame>(std::move(frame));
}

Result<std::optional<Frame>> MessageAssembler::add(Frame frame) {
  const auto found = partial_.find(frame.id);
  if (found == partial_.end() && !frame.more) return std::optional<Frame>(std::move(frame));
  held_ += frame.payload.size() + (found == partial_.end() ? sizeof(Frame) : 0);
  if (held_ > limit_)
    return protocol_error("a reply of more than " + std::to_string(limit_) + " bytes");
  if (found == partial_.end()) {
    partial_.emplace(frame.id, std::move(frame));
    return std::optional<Frame>();
  }
  Frame& whole = found->second;
  if (whole.type != frame.type) return protocol_error("frames of different types in one message");
  whole.payload += frame.payload;
  if (frame.more) return std::optional<Frame>();
  whole.more = false;
  held_ -= whole.payload.size() + sizeof(Frame);
  std::optional<Frame> done(std::move(whole));
  partial_.erase(found);
  return done;
}

}  // namespace roost::ipc
