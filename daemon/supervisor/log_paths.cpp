#include "daemon/supervisor/log_paths.h"

namespace roost::daemon {
namespace {
constexpr const char* kNowhere = "/dev/null";

// "app.log" of slot 2: "app-2.log".
std::string for_slot(const std::string& path, std::uint32_t slot) {
  if (slot == 0 || path == kNowhere) return path;
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  const bool has_extension =
      dot != std::string::npos && (slash == std::string::npos || dot > slash + 1);
  const std::size_t at = has_extension ? dot : path.size();
  return path.substr(0, at) + "-" + std::to_string(slot) + path.substr(at);
}
}  // namespace

LogPaths log_paths_of(const model::AppSpec& spec, std::uint32_t slot, const std::string& log_dir) {
  if (spec.disable_logs) return {.out = kNowhere, .err = kNowhere};
  const std::uint32_t of_file = spec.merge_logs ? 0 : slot;
  const std::string base = log_dir + "/" + spec.name;
  const std::string end = (of_file == 0 ? "" : "-" + std::to_string(of_file)) + ".log";
  const auto path = [&](const std::string& given, const std::string& by_default) {
    return given.empty() ? by_default : for_slot(given, of_file);
  };
  LogPaths paths{.out = path(spec.out_file, base + "-out" + end),
                 .err = path(spec.error_file, base + "-error" + end),
                 .merged = spec.merge_logs};
  if (spec.tty) paths.err = paths.out;
  if (spec.log_file == model::kDefaultLogFile)
    paths.both = base + end;
  else if (!spec.log_file.empty())
    paths.both = for_slot(spec.log_file, of_file);
  return paths;
}

// Bytes as they come are the quickest; lines are for files that hold more than these, or those of
// several.
LogTarget log_target_of(const model::AppSpec& spec, model::InstanceId id, std::uint32_t slot,
                        model::Stream stream, const LogPaths& paths) {
  LogTarget target{.path = stream == model::Stream::out ? paths.out : paths.err,
                   .owner = {},
                   .on_full = spec.on_full};
  const bool by_lines = paths.merged || !paths.both.empty() || !spec.log_date_format.empty() ||
                        spec.log_type != model::LogType::raw;
  if (!by_lines || (target.path == kNowhere && paths.both.empty())) return target;
  target.lines = model::LineRule{.type = spec.log_type,
                                 .date_format = spec.log_date_format,
                                 .app_name = spec.name,
                                 .process_id = static_cast<std::uint32_t>(raw(id)),
                                 .slot = slot};
  const bool only_both = target.path == kNowhere;
  (only_both ? target.path : target.also) = paths.both;
  return target;
}

}  // namespace roost::daemon
