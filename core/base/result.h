// Result<T>: a value or an Error; Status: success or an Error. The surface follows std::expected,
// so that it can be replaced by it under C++23. Errors are values with context: nothing is thrown
// through C frames.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace roost {

// The closed set of error kinds. The same value travels on the wire (by name) and decides the CLI's
// exit status.
enum class Errc : std::uint8_t {
  invalid,      // the request or input is malformed
  not_found,    // no such app, file, program
  exists,       // already there
  conflict,     // not possible in the present state
  unavailable,  // the daemon, or a resource, is not there now
  timeout,
  denied,
  io,
  protocol,  // the peer speaks something else
  internal,  // a bug of ours
  unhealthy  // an app did not come up, or died while it was proving itself
};

[[nodiscard]] std::string_view to_string(Errc code);
// Inverse of to_string; unknown names (a newer peer) give Errc::internal.
[[nodiscard]] Errc errc_from(std::string_view name);

// Message: lower case, no full stop, user's strings in single quotes. Hint: what to do about it, or
// empty.
struct Error {
  Errc code = Errc::internal;
  std::string message;
  std::string hint;

  // Prepends the caller's view: "app 'api'" gives "app 'api': cwd '/srv/x': no such directory".
  [[nodiscard]] Error context(std::string_view what) &&;
};

// Error from errno: "<what>: <strerror>"; EACCES and EPERM map to denied, ENOENT to not_found, all
// else to io.
[[nodiscard]] Error errno_error(std::string_view what, int errnum);

struct Unit {};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design

  Result(Error error)
      : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool has_value() const { return v_.index() == 0; }

  explicit operator bool() const { return has_value(); }

  T& operator*() & { return std::get<0>(v_); }

  const T& operator*() const& { return std::get<0>(v_); }

  T&& operator*() && { return std::get<0>(std::move(v_)); }

  T* operator->() { return &std::get<0>(v_); }

  const T* operator->() const { return &std::get<0>(v_); }

  [[nodiscard]] const Error& error() const& { return std::get<1>(v_); }

  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(v_)); }

 private:
  std::variant<T, Error> v_;
};

using Status = Result<Unit>;

inline Status ok() {
  return Unit{};
}

}  // namespace roost
