// Method: one operation of the protocol and its two messages, as a constant. The table of them is
// ipc/methods.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace roost::ipc {

enum class Kind : std::uint8_t {
  call,     // one reply, at once
  wait,     // one reply, when the thing asked for has come about; keep-alive events until then
  stream,   // a reply, then events until either side closes
  document  // the reply is raw bytes in document frames, for example a large JSON text
};

// Whether a client may send the request again when it does not know whether the daemon has carried
// it out.
enum class Retry : std::uint8_t { safe, unsafe };

template <class Req, class Rep>
struct Method {
  using Request = Req;
  using Reply = Rep;

  std::string_view name;
  std::string_view doc;
  Kind kind = Kind::call;
  Retry retry = Retry::unsafe;
};

[[nodiscard]] constexpr std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::call:
      return "call";
    case Kind::wait:
      return "wait";
    case Kind::stream:
      return "stream";
    case Kind::document:
      return "document";
  }
  return {};
}

}  // namespace roost::ipc
