#include <algorithm>
#include <set>
#include <string_view>

#include "cli/output/app_naming.h"
#include "cli/output/table.h"
#include "cli/output/units.h"
#include "core/base/record_codec.h"

namespace roost::cli {
namespace {

using ipc::InstanceInfo;

constexpr std::size_t kMostColumns = 11;

// Which of the columns that are often empty or alike are worth their space.
struct Extras {
  bool namespaces = false;
  bool users = false;
  bool reasons = false;
};

Extras extras_of(const std::vector<InstanceInfo>& instances) {
  Extras extras;
  for (const auto& instance : instances) {
    extras.namespaces |= !instance.ns.empty() && instance.ns != "default";
    extras.users |= instance.user != instances.front().user;
    extras.reasons |= !reason_of(instance).empty();
  }
  return extras;
}

std::vector<Column> columns_for(const Extras& extras) {
  using Align = Column::Align;
  std::vector<Column> columns{{"id", Align::right}, {"name", Align::left, 0, 8}};
  if (extras.namespaces) columns.push_back({"namespace", Align::left, 5, 9});
  columns.insert(columns.end(), {{"state", Align::left},
                                 {"pid", Align::right, 2},
                                 {"uptime", Align::right},
                                 {"restarts", Align::right, 1},
                                 {"cpu", Align::right, 4},
                                 {"memory", Align::right, 3}});
  if (extras.users) columns.push_back({"user", Align::left, 6, 4});
  if (extras.reasons) columns.push_back({"reason", Align::left, 7});
  return columns;
}

Row row_for(const InstanceInfo& instance, std::string name, const Extras& extras,
            const Terminal& terminal) {
  const bool lives = instance.pid != 0;
  Row row;
  row.cells.reserve(kMostColumns);
  const auto add = [&row](std::string text, Colour colour = Colour::none) {
    row.cells.push_back({std::move(text), colour});
  };
  const auto add_living = [&](auto text) { add(lives ? text() : std::string("-")); };
  add(std::to_string(instance.id));
  add(std::move(name));
  if (extras.namespaces) add(instance.ns);
  add(std::string(codec::enum_name(instance.state)), colour_of(instance.state));
  add_living([&] { return std::to_string(instance.pid); });
  add_living([&] { return format_age(std::chrono::milliseconds(instance.uptime_ms)); });
  add(std::to_string(instance.restarts));
  add_living([&] { return format_percent(instance.cpu); });
  add_living([&] { return format_bytes(instance.memory); });
  if (extras.users) add(instance.user);
  if (extras.reasons) {
    row.below = shown(reason_of(instance), terminal);
    add(row.below);
  }
  return row;
}

// Whose file is not what it was when they got their settings from it.
std::set<std::string_view> drifted_apps(const ipc::ListReply& reply) {
  std::set<std::string_view> drifted;
  if (!reply.files) return drifted;
  for (const ipc::ConfigFile& file : *reply.files)
    if (file.changed) drifted.insert(file.apps.begin(), file.apps.end());
  return drifted;
}

}  // namespace

std::string list_text(const ipc::ListReply& reply, const Terminal& terminal) {
  if (reply.instances.empty()) return {};
  SeveralInstances several;
  for (const auto& instance : reply.instances)
    several.add(instance);
  const auto extras = extras_of(reply.instances);
  Table table{columns_for(extras), {}};
  table.rows.reserve(reply.instances.size());
  const std::set<std::string_view> drifted = drifted_apps(reply);
  for (const auto& instance : reply.instances) {
    std::string name = several.name_of(instance);
    if (terminal.width && drifted.contains(instance.name)) name += " *";  // no word for a pipe
    table.rows.push_back(row_for(instance, std::move(name), extras, terminal));
  }
  return render(table, terminal);
}

}  // namespace roost::cli
