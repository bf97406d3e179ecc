// Changes of what is configured, for the history: who, when, why, what, and what it was before. A
// change is begun before anything is done, so that the states of that moment are in it, and
// recorded together with the first thing that it changes in the book. Loop thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/supervisor/supervisor.h"
#include "ipc/messages/app_messages.h"

namespace roost::daemon {

// Who asks for a change, and by which command.
struct Asker {
  std::uint32_t uid = 0;
  std::string command;
  std::string file{};     // that the command is about
  WallMs first_sent = 0;  // ReplyTo::first_sent()
};

// One app before the change; without an entry there was none of the name.
struct FormerApp {
  std::string name;
  std::optional<AppEntry> entry;

  static constexpr auto fields() {
    return std::tuple{req("name", &FormerApp::name, "name of the app"),
                      opt("entry", &FormerApp::entry, "what it was; absent: it was not there")};
  }
};

struct DownSlots {
  std::string app;
  std::vector<std::uint32_t> slots;

  static constexpr auto fields() {
    return std::tuple{req("app", &DownSlots::app, "name of the app"),
                      req("slots", &DownSlots::slots, "which of its instances")};
  }
};

// The former state, as far as it is not what it is now: with the later changes and the book it
// gives all of it.
struct Former {
  std::vector<FormerApp> apps;  // that the change touches
  std::vector<DownSlots> down;  // of all apps: what was not wanted up

  static constexpr auto fields() {
    return std::tuple{req("apps", &Former::apps, "the apps that were changed"),
                      opt("down", &Former::down, "instances that were not to be up")};
  }
};

struct Change {
  std::int64_t at_ms = 0;
  std::uint32_t uid = 0;
  std::string command;
  std::string file;
  std::vector<ipc::PlanItem> items;
  std::uint64_t undone = 0;  // the number of the change that it takes back; 0: none
  Former former{};

  // What state.db has in a row's json.
  static constexpr auto fields() {
    return std::tuple{req("at_ms", &Change::at_ms, "when, ms since the epoch"),
                      req("uid", &Change::uid, "who"),
                      opt("command", &Change::command, "why"),
                      opt("file", &Change::file, "of which file"),
                      req("items", &Change::items, "what"),
                      opt("undone", &Change::undone, "the change that this takes back")};
  }
};

// Of the items those that change what is configured; nothing when there are none.
[[nodiscard]] std::optional<Change> begin_change(const Supervisor& supervisor, const Asker& asker,
                                                 const std::vector<ipc::PlanItem>& items);
// It becomes the newest of the history, with the next thing that goes to the book.
void record_change(Supervisor& supervisor, const std::optional<Change>& change);

// The taking away of these instances, as items.
[[nodiscard]] std::vector<ipc::PlanItem> removal_items(const Supervisor& supervisor,
                                                       const std::vector<model::InstanceId>& ids);

// An app of a former state.
struct FormerState {
  AppEntry entry;
  std::vector<std::uint32_t> up;  // slots
};

// All apps as they were before the oldest of these rows, which are the newest of the history, with
// the newest first.
[[nodiscard]] Result<std::map<std::string, FormerState>> state_before(
    const SpecBook& book, const std::vector<store::AddChange>& rows);

}  // namespace roost::daemon
