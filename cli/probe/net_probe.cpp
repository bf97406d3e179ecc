// http and tcp: a plain blocking socket, and as much of HTTP/1.1 as one GET needs. Time is limited
// from outside, by the alarm.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/probe/probe.h"
#include "core/base/unique_fd.h"

namespace roost::cli {
namespace {

struct Endpoint {
  std::string host;
  std::string port;
};

// "host:port", "[::1]:port".
std::optional<Endpoint> parse_endpoint(std::string_view text, std::string_view default_port) {
  Endpoint at;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    at.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    at.host = text.substr(0, text.rfind(':'));
    text.remove_prefix(at.host.size());
  }
  at.port = text.starts_with(':') ? text.substr(1) : default_port;
  if (at.host.empty() || at.port.empty()) return std::nullopt;
  return at;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// Without a connection: why.
UniqueFd connect_to(const Endpoint& at, std::string& why) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(at.host.c_str(), at.port.c_str(), &wanted, &found);
  if (error != 0) {
    why = at.host + ":" + at.port + ": " + ::gai_strerror(error);
    return {};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    UniqueFd fd(::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol));
    if (fd && ::connect(fd.get(), each->ai_addr, each->ai_addrlen) == 0) return fd;
    why = at.host + ":" + at.port + ": " + std::strerror(errno);
  }
  return {};
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// "HTTP/1.1 200 OK" → 200; 0 when it is no such line.
int status_of(std::string_view line) {
  constexpr std::size_t kAt = 9;  // behind "HTTP/1.1 "
  if (!line.starts_with("HTTP/1.") || line.size() < kAt + 3) return 0;
  int status = 0;
  for (const char c : line.substr(kAt, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

bool is_good(int status) {
  return status >= 200 && status < 400;
}

// RFC 4648.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group =
          group << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      out += at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 0x3FU];
  }
  return out;
}

// RFC 3986, 2.1; what is no escape stays.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    const char* end = text.data() + std::min(at + 3, text.size());
    if (text[at] == '%' && text.size() - at >= 3 &&
        std::from_chars(text.data() + at + 1, end, value, 16).ptr == end) {
      out += static_cast<char>(value);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

// Takes "user:password@" off the authority; the header that says it (RFC 7617).
std::string take_credentials(std::string_view& authority) {
  const auto end = authority.rfind('@');
  if (end == authority.npos) return {};
  const std::string user = unescaped(authority.substr(0, end));
  authority.remove_prefix(end + 1);
  return "Authorization: Basic " + base64(user) + "\r\n";
}

// The head of the answer, and as much of what follows as comes with it or soon.
std::string receive(int fd) {
  constexpr std::size_t kMost = 4096;
  constexpr int kSoonMs = 200;
  std::string text(kMost, '\0');
  std::size_t size = 0;
  for (bool has_head = false; size < kMost;) {
    pollfd more{fd, POLLIN, 0};
    if (has_head && ::poll(&more, 1, kSoonMs) <= 0) break;
    const ssize_t n = ::recv(fd, text.data() + size, kMost - size, 0);
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
    has_head = text.find("\r\n\r\n") < size;
    if (has_head && is_good(status_of(text))) break;  // its words are not wanted
  }
  text.resize(size);
  return text;
}

// The status line, and what the server says about it.
std::string words_of(const std::string& answer) {
  std::string words = answer.substr(0, answer.find_first_of("\r\n"));
  const auto head = answer.find("\r\n\r\n");
  if (head != std::string::npos && head + 4 < answer.size())
    words += '\n' + answer.substr(head + 4);
  return words;
}

}  // namespace

int probe_tcp(const std::string& address) {
  const auto at = parse_endpoint(address, "");
  if (!at) return probe_failed("'" + address + "' is not host:port");
  std::string why;
  return connect_to(*at, why) ? 0 : probe_failed(why);
}

int probe_http(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest(url);
  if (!rest.starts_with(kScheme)) return probe_failed("'" + url + "' is not http://…");
  rest.remove_prefix(kScheme.size());
  std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  std::string path(rest.substr(authority.size()));
  const std::string credentials = take_credentials(authority);
  if (!path.starts_with('/')) path.insert(0, "/");
  const auto at = parse_endpoint(authority, "80");
  if (!at) return probe_failed("the URL names no host");
  std::string why;
  const UniqueFd fd = connect_to(*at, why);
  if (!fd) return probe_failed(why);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + std::string(authority) +
                              "\r\nUser-Agent: roost\r\nAccept: */*\r\nConnection: close\r\n" +
                              credentials + "\r\n";
  if (!send_all(fd.get(), request)) return probe_failed("the connection was closed");
  const std::string answer = receive(fd.get());
  const std::string line = answer.substr(0, answer.find_first_of("\r\n"));
  const int status = status_of(line);
  if (is_good(status)) return 0;
  if (answer.empty()) return probe_failed("no answer: the connection was closed");
  return probe_failed(status == 0 ? "no answer in HTTP/1.1: " + line.substr(0, 80)
                                  : words_of(answer));
}

}  // namespace roost::cli
