#include "daemon/process/run_key.h"

#include <charconv>
#include <limits>

namespace roost::daemon {
namespace {
constexpr std::size_t kMaxHomeIdDigits = 32;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <class T>
bool parse_whole(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// Takes the text up to the next dot; nothing when there is no dot.
std::optional<std::string_view> next_field(std::string_view& rest) {
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto field = rest.substr(0, dot);
  rest.remove_prefix(dot + 1);
  return field;
}
}  // namespace

std::string roost_id_entry(const RunKey& key) {
  return std::string(kRoostIdVariable) + "=" + key.home_id + "." + std::to_string(raw(key.app)) +
         "." + std::to_string(raw(key.instance)) + "." + std::to_string(raw(key.run)) + "." +
         std::string(kRoostIdPidDigits, '0');
}

std::optional<RoostId> parse_roost_id(std::string_view value) {
  const auto home = next_field(value);
  const auto app = next_field(value);
  const auto instance = next_field(value);
  const auto run = next_field(value);
  if (!home || !app || !instance || !run || value.size() != kRoostIdPidDigits) return std::nullopt;
  if (home->empty() || home->size() > kMaxHomeIdDigits || !is_hex(*home)) return std::nullopt;
  std::uint32_t app_id = 0;
  std::uint32_t instance_id = 0;
  std::uint64_t run_id = 0;
  std::uint64_t pid = 0;
  if (!parse_whole(*app, app_id) || !parse_whole(*instance, instance_id)) return std::nullopt;
  if (!parse_whole(*run, run_id) || !parse_whole(value, pid)) return std::nullopt;
  if (pid > static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max())) return std::nullopt;
  return RoostId{.key = {.home_id = std::string(*home),
                         .app = model::AppId{app_id},
                         .instance = model::InstanceId{instance_id},
                         .run = model::RunId{run_id}},
                 .root_pid = static_cast<pid_t>(pid)};
}

std::optional<RoostId> find_roost_id(std::string_view environ_block) {
  while (!environ_block.empty()) {
    const auto end = environ_block.find('\0');
    const auto entry = environ_block.substr(0, end);
    if (entry.size() > kRoostIdVariable.size() && entry.starts_with(kRoostIdVariable) &&
        entry[kRoostIdVariable.size()] == '=') {
      return parse_roost_id(entry.substr(kRoostIdVariable.size() + 1));
    }
    if (end == std::string_view::npos) break;
    environ_block.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace roost::daemon
