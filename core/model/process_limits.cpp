#include "core/model/process_limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <sys/resource.h>

#include "core/base/bytes.h"
#include "core/base/suggest.h"

namespace roost::model {
namespace {

struct Known {
  std::string_view name;
  int resource;
  bool bytes;
};

constexpr std::array<Known, 16> kLimits{{{"as", RLIMIT_AS, true},
                                         {"core", RLIMIT_CORE, true},
                                         {"cpu", RLIMIT_CPU, false},
                                         {"data", RLIMIT_DATA, true},
                                         {"fsize", RLIMIT_FSIZE, true},
                                         {"locks", RLIMIT_LOCKS, false},
                                         {"memlock", RLIMIT_MEMLOCK, true},
                                         {"msgqueue", RLIMIT_MSGQUEUE, true},
                                         {"nice", RLIMIT_NICE, false},
                                         {"nofile", RLIMIT_NOFILE, false},
                                         {"nproc", RLIMIT_NPROC, false},
                                         {"rss", RLIMIT_RSS, true},
                                         {"rtprio", RLIMIT_RTPRIO, false},
                                         {"rttime", RLIMIT_RTTIME, false},
                                         {"sigpending", RLIMIT_SIGPENDING, false},
                                         {"stack", RLIMIT_STACK, true}}};

std::optional<std::uint64_t> value_of(std::string_view text, bool bytes) {
  if (text == "unlimited" || text == "infinity") return ProcessLimit::kUnlimited;
  if (bytes) {
    const auto size = parse_bytes(text);
    return size ? std::optional(*size) : std::nullopt;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error unknown(std::string_view name) {
  std::vector<std::string_view> names;
  std::string all;
  for (const Known& known : kLimits) {
    names.push_back(known.name);
    all.append(all.empty() ? "" : ", ").append(known.name);
  }
  const std::string hint = did_you_mean(name, names);
  return {Errc::invalid, "there is no limit '" + std::string(name.substr(0, 40)) + "'",
          hint.empty() ? "there are " + all : hint};
}

}  // namespace

Result<ProcessLimit> parse_limit(std::string_view name, std::string_view value) {
  const auto known = std::find_if(kLimits.begin(), kLimits.end(),
                                  [&](const Known& one) { return one.name == name; });
  if (known == kLimits.end()) return unknown(name);
  const auto colon = value.find(':');
  const auto soft = value_of(value.substr(0, colon), known->bytes);
  const auto hard =
      colon == std::string_view::npos ? soft : value_of(value.substr(colon + 1), known->bytes);
  const std::string limit = "limit " + std::string(name) + " ";
  if (!soft || !hard)
    return Error{Errc::invalid,
                 limit + "'" + std::string(value.substr(0, 40)) + "' is not understood",
                 "write SOFT:HARD or one number for both, or unlimited"};
  if (*soft > *hard) return Error{Errc::invalid, limit + "has a soft limit above its hard one", {}};
  return ProcessLimit{known->resource, *soft, *hard};
}

}  // namespace roost::model
