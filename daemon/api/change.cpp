#include "daemon/api/change.h"

#include <algorithm>
#include <set>

#include "core/base/record_codec.h"
#include "core/model/limits.h"
#include "core/model/spec_diff.h"

namespace roost::daemon {

namespace limits = model::limits;
using model::InstanceId;

namespace {

bool is_change(ipc::PlanAction action) {
  switch (action) {
    case ipc::PlanAction::add:
    case ipc::PlanAction::change:
    case ipc::PlanAction::remove:
      return true;
    case ipc::PlanAction::start:
    case ipc::PlanAction::stop:
    case ipc::PlanAction::same:
    case ipc::PlanAction::gone:
      return false;
  }
  return false;
}

bool wanted_up(const Instance& instance) {
  return instance.resume || should_be_up(instance);
}

std::vector<DownSlots> what_is_down(const Supervisor& supervisor) {
  std::vector<DownSlots> down;
  for (const auto& [id, app] : supervisor.book().apps()) {
    DownSlots here{app.entry.spec.name, {}};
    for (const InstanceEntry& at : app.entry.instances)
      if (!wanted_up(*supervisor.find(InstanceId{at.id}))) here.slots.push_back(at.slot);
    if (!here.slots.empty()) down.push_back(std::move(here));
  }
  return down;
}

// As it may be shown and kept.
std::string kept_command(std::string_view command) {
  std::string text = model::without_secrets(command);
  if (text.size() <= limits::kMaxCommandBytes) return text;
  std::size_t size = limits::kMaxCommandBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
    --size;  // not within a character
  return text.substr(0, size) + "…";
}

}  // namespace

std::optional<Change> begin_change(const Supervisor& supervisor, const Asker& asker,
                                   const std::vector<ipc::PlanItem>& items) {
  Change change;
  for (const ipc::PlanItem& item : items) {
    if (!is_change(item.action)) continue;
    const AppEntry* known = supervisor.book().find(item.app);
    change.items.push_back(item);
    change.former.apps.push_back(
        {item.app, known != nullptr ? std::optional(*known) : std::nullopt});
  }
  if (change.items.empty()) return std::nullopt;
  // Going back brings these down, or up, again.
  for (ipc::PlanItem item : items) {
    if (item.action != ipc::PlanAction::start && item.action != ipc::PlanAction::stop) continue;
    item.note = item.action == ipc::PlanAction::start ? "was down" : "was up";
    change.items.push_back(std::move(item));
  }
  change.at_ms = wall_now_ms();
  change.uid = asker.uid;
  change.command = kept_command(asker.command);
  change.file = asker.file;
  change.former.down = what_is_down(supervisor);
  return change;
}

// More than the history holds is kept without its former state: it cannot be undone, nor what was
// before it.
void record_change(Supervisor& supervisor, const std::optional<Change>& change) {
  if (!change) return;
  std::string former = to_json(change->former);
  if (former.size() > limits::kHistoryBytes) former.clear();
  supervisor.record_change(to_json(*change), std::move(former));
}

std::vector<ipc::PlanItem> removal_items(const Supervisor& supervisor,
                                         const std::vector<InstanceId>& ids) {
  std::map<model::AppId, std::size_t> gone;
  for (InstanceId id : ids)
    if (const Instance* instance = supervisor.find(id)) ++gone[instance->app];
  std::vector<ipc::PlanItem> items;
  for (const auto& [app, count] : gone) {
    const AppEntry& entry = supervisor.book().apps().at(app).entry;
    const std::size_t have = entry.instances.size();
    ipc::PlanItem& item = items.emplace_back(ipc::PlanItem{.app = entry.spec.name});
    item.action = count == have ? ipc::PlanAction::remove : ipc::PlanAction::change;
    if (count < have)
      item.changes.push_back({"instances", std::to_string(have), std::to_string(have - count)});
  }
  return items;
}

Result<std::map<std::string, FormerState>> state_before(const SpecBook& book,
                                                        const std::vector<store::AddChange>& rows) {
  std::map<std::string, FormerState> state;
  for (const auto& [id, app] : book.apps())
    state[app.entry.spec.name] = {app.entry, {}};
  std::map<std::string, std::set<std::uint32_t>> down;
  for (const store::AddChange& row : rows) {
    if (row.former.empty())
      return Error{Errc::conflict,
                   "change " + std::to_string(row.number) + " was too large to be kept",
                   "apply the file as it was then"};
    Result<Former> former = from_json<Former>(row.former, kBookLimits);
    if (!former) return std::move(former).error().context("change " + std::to_string(row.number));
    for (FormerApp& app : former->apps) {
      if (app.entry)
        state[app.name].entry = std::move(*app.entry);
      else
        state.erase(app.name);
    }
    down.clear();
    for (const DownSlots& at : former->down)
      down[at.app] = {at.slots.begin(), at.slots.end()};
  }
  for (auto& [name, app] : state)
    for (const InstanceEntry& at : app.entry.instances)
      if (!down[name].contains(at.slot)) app.up.push_back(at.slot);
  return state;
}

}  // namespace roost::daemon
