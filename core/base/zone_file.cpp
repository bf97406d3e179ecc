#include "core/base/zone_file.h"

#include <algorithm>
#include <cstdlib>

#include "core/base/fs.h"

namespace roost {
namespace {

constexpr std::size_t kMaxBytes = 256U << 10;
constexpr std::string_view kDirectory = "/usr/share/zoneinfo/";

bool is_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && name.front() != '/' && name.size() < 64 &&
         std::all_of(name.begin(), name.end(), plain);
}

}  // namespace

Result<std::string> read_zone_file(std::string_view name) {
  const Error unknown{
      Errc::not_found, "there is no time zone '" + std::string(name.substr(0, 40)) + "'",
      "names are those of /usr/share/zoneinfo (package tzdata): Europe/Berlin, UTC"};
  if (!is_name(name)) return unknown;
  auto bytes = read_file(std::string(kDirectory) + std::string(name), kMaxBytes);
  if (!bytes) return unknown;
  return bytes;
}

std::string read_local_zone() {
  if (const char* set = std::getenv("TZ"); set != nullptr) {
    const std::string_view zone = *set == ':' ? set + 1 : set;
    if (auto bytes =
            zone.starts_with('/') ? read_file(std::string(zone), kMaxBytes) : read_zone_file(zone))
      return *bytes;
    return std::string(zone);
  }
  auto bytes = read_file("/etc/localtime", kMaxBytes);
  return bytes ? *bytes : std::string();
}

}  // namespace roost
