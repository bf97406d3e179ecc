#include "daemon/process/originals.h"

#include <charconv>
#include <optional>

#include <sys/resource.h>
#include <sys/stat.h>

#include "core/base/fs.h"

namespace roost::daemon {
namespace {

template <class T>
bool parse_number(std::string_view text, T& out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// The value of "name=value" in a list separated by commas.
std::optional<std::string_view> find_field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto field = text.substr(0, comma);
    if (field.size() > name.size() && field.starts_with(name) && field[name.size()] == '=')
      return field.substr(name.size() + 1);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

}  // namespace

Originals read_priorities() {
  Originals originals;
  if (const auto text = read_file("/proc/self/oom_score_adj", 32)) {
    const std::string_view line = *text;
    (void)parse_number(line.substr(0, line.find('\n')), originals.oom_score_adj);  // stays 0
  }
  originals.nice = ::getpriority(PRIO_PROCESS, 0);
  return originals;
}

Originals read_originals() {
  Originals originals = read_priorities();
  rlimit nofile{};
  if (::getrlimit(RLIMIT_NOFILE, &nofile) == 0) originals.nofile = nofile.rlim_cur;
  originals.umask = ::umask(022);
  ::umask(originals.umask);
  return originals;
}

Result<Originals> parse_originals(std::string_view text) {
  Originals originals;
  const auto oom = find_field(text, "oom");
  const auto nofile = find_field(text, "nofile");
  const auto umask = find_field(text, "umask");
  const auto nice = find_field(text, "nice");
  const bool good = oom && nofile && umask && nice && parse_number(*oom, originals.oom_score_adj) &&
                    parse_number(*nofile, originals.nofile) &&
                    parse_number(*umask, originals.umask, 8) && parse_number(*nice, originals.nice);
  if (!good || originals.umask > 0777)
    return Error{Errc::invalid, "original limits '" + std::string(text) + "' not understood", ""};
  return originals;
}

}  // namespace roost::daemon
