// The history of what is configured, and the way back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/record.h"
#include "ipc/messages/app_messages.h"

namespace roost::ipc {

// Back to what was configured, and up, before a change of the history.
struct UndoRequest {
  std::uint64_t number = 0;
  std::uint64_t newest = 0;
  bool wait = true;
  bool dry_run = false;
  std::string command;
  static constexpr auto fields() {
    return std::tuple{opt("number", &UndoRequest::number, "of the change; absent: the newest"),
                      opt("newest", &UndoRequest::newest, "refuse when this is not the newest change any more"),
                      opt("wait", &UndoRequest::wait, "reply when every started instance has proved itself or failed"),
                      opt("dry_run", &UndoRequest::dry_run, "tell the plan, and do nothing"),
                      opt("command", &UndoRequest::command, "the user's command, for the history")};
  }
};

struct HistoryRequest {
  std::uint32_t limit = 0;
  static constexpr auto fields() { return std::tuple{opt("limit", &HistoryRequest::limit, "at most so many; absent: all")}; }
};

// A change of what is configured.
struct HistoryEntry {
  std::uint64_t number = 0;
  std::int64_t at_ms = 0;
  std::uint32_t uid = 0;
  std::string user;
  std::string command;
  std::string file;
  std::vector<PlanItem> changes;
  std::uint64_t undone = 0;
  static constexpr auto fields() {
    return std::tuple{req("number", &HistoryEntry::number, "its number, counted up from 1"), req("at_ms", &HistoryEntry::at_ms, "when, ms since the epoch"),
                      req("uid", &HistoryEntry::uid, "who"), opt("user", &HistoryEntry::user, "their name"),
                      opt("command", &HistoryEntry::command, "by which command, secrets masked"),
                      opt("file", &HistoryEntry::file, "of which file"),
                      req("changes", &HistoryEntry::changes, "what was done with each app"),
                      opt("undone", &HistoryEntry::undone, "an undo: the change that it took back, with those after it")};
  }
};

struct HistoryReply {
  std::vector<HistoryEntry> entries;
  static constexpr auto fields() { return std::tuple{req("entries", &HistoryReply::entries, "newest first")}; }
};

}  // namespace roost::ipc
