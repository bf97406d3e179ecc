#include "core/base/result.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace roost {
namespace {
constexpr std::array<std::string_view, 11> kNames{
    "invalid", "not_found", "exists",   "conflict", "unavailable", "timeout",
    "denied",  "io",        "protocol", "internal", "unhealthy"};
}  // namespace

std::string_view to_string(Errc code) {
  return kNames[static_cast<std::size_t>(code)];
}

Errc errc_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Errc>(i);
  return Errc::internal;
}

Error Error::context(std::string_view what) && {
  message.insert(0, ": ");
  message.insert(0, what);
  return std::move(*this);
}

Error errno_error(std::string_view what, int errnum) {
  Errc code = Errc::io;
  if (errnum == EACCES || errnum == EPERM) code = Errc::denied;
  if (errnum == ENOENT) code = Errc::not_found;
  return Error{code, std::string(what) + ": " + std::strerror(errnum), {}};
}

}  // namespace roost
