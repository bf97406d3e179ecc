#include "cli/output/log_view.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "cli/output/app_naming.h"
#include "cli/output/colour.h"
#include "cli/output/width.h"
#include "core/base/json.h"
#include "core/base/json_writer.h"

namespace roost::cli {
namespace {

constexpr std::size_t kWidestPrefix = 24;  // longer labels are not padded to

ipc::InstanceInfo as_instance(const ipc::LogFiles& files) {
  ipc::InstanceInfo instance;
  instance.id = files.id;
  instance.name = files.name;
  instance.slot = files.slot;
  return instance;
}

std::string utc_text(std::int64_t wall_ns) {
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000);
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return {};
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), wall_ns / 1'000'000 % 1000);
}

// What the app wrote, out of a line of a file that holds objects; else the line.
std::string message_of(const ipc::LogFiles& files, std::string_view line) {
  if (files.log_type == model::LogType::json)
    if (const auto object = parse_json(line))
      if (auto message = object->root().find("message").as_string()) {
        if (message->ends_with('\n')) message->remove_suffix(1);
        return std::string(*message);
      }
  return std::string(line);
}

}  // namespace

std::vector<LogSource> log_sources(const ipc::LogFilesReply& reply) {
  SeveralInstances several;
  for (const auto& files : reply.instances)
    several.add(as_instance(files));
  std::vector<LogSource> sources;
  for (const auto& files : reply.instances)
    sources.push_back({several.name_of(as_instance(files)), files.out_file, files.error_file,
                       files.merged ? std::optional(files.slot) : std::nullopt});
  return sources;
}

LogView::LogView(const ipc::LogFilesReply& reply, const std::vector<LogSource>& sources,
                 const Terminal& terminal)
    : terminal_(terminal) {
  for (const auto& source : sources)
    widest_ = std::max(widest_, std::min(display_width(source.label), kWidestPrefix));
  for (std::size_t i = 0; i < sources.size(); ++i)
    add_source(reply.instances[i].name, sources[i].label);
}

void LogView::add_source(std::string_view app, std::string_view label) {
  const auto colouring = terminal_.colour ? Colouring::on : Colouring::off;
  const auto used = display_width(label);
  const std::string padding(widest_ > used ? widest_ - used : 0, ' ');
  prefixes_.push_back(paint(label, colour_for_name(app), colouring) + padding);
}

void LogView::add(const LogLine& line, std::string& out) {
  const bool goes_on = open_ && open_source_ == line.source && open_stream_ == line.stream;
  if (open_ && !goes_on) out += '\n';
  if (!goes_on) {
    const auto mark = line.stream == model::Stream::err ? Colour::red : Colour::dim;
    out += prefixes_[line.source] +
           paint(" | ", mark, terminal_.colour ? Colouring::on : Colouring::off);
  }
  auto text = line.text;
  // "\r\n" ends a line for many programs; on a terminal that is nothing to make visible.
  if (terminal_.tty && line.ended && text.ends_with('\r')) text.remove_suffix(1);
  out += shown(text, terminal_);
  open_ = !line.ended;
  open_source_ = line.source;
  open_stream_ = line.stream;
  if (line.ended) out += '\n';
}

void add_json_line(const ipc::LogFilesReply& reply, const LogLine& line, std::string& out) {
  const auto& files = reply.instances[line.source];
  JsonWriter json(out);
  json.begin_object();
  json.key("message");
  json.string(message_of(files, line.text));
  json.key("timestamp");
  if (line.wall_ns == 0)
    json.null();
  else
    json.string(utc_text(line.wall_ns));
  json.key("type");
  json.string(line.stream == model::Stream::err ? "err" : "out");
  json.key("process_id");
  json.unsigned_integer(files.id);
  json.key("app_name");
  json.string(files.name);
  json.key("slot");
  json.unsigned_integer(files.slot);
  json.end_object();
  out += '\n';
}

}  // namespace roost::cli
