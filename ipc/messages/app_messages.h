// Requests and replies about apps. Every record is described once, by its field list; docs/protocol.md is generated from it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/record.h"
#include "core/model/app_spec.h"
#include "core/model/exit_status.h"
#include "core/model/file_stamp.h"
#include "ipc/messages/instance_messages.h"

namespace roost::ipc {

// Words that name instances: id, name, name#slot, ns/name, glob, all.
struct TargetsRequest {
  std::vector<std::string> targets;
  std::string command;
  static constexpr auto fields() {
    return std::tuple{opt("targets", &TargetsRequest::targets, "selectors; empty means all where that makes sense"),
                      opt("command", &TargetsRequest::command, "delete: the user's command, for the history")};
  }
};

// A configuration file that apps came from.
struct ConfigFile {
  std::string file;
  std::vector<std::string> apps;
  model::FileStamp stamp;
  bool changed = false;
  static constexpr auto fields() {
    return std::tuple{req("file", &ConfigFile::file, "its absolute path"), req("apps", &ConfigFile::apps, "which apps"),
                      req("stamp", &ConfigFile::stamp, "what it was like when it was applied"),
                      opt("changed", &ConfigFile::changed, "it is not like that any more: found out by the command, never by the daemon")};
  }
};

struct ListReply {
  std::vector<InstanceInfo> instances;
  bool suspended = false;
  std::optional<std::vector<ConfigFile>> files;
  static constexpr auto fields() {
    return std::tuple{req("instances", &ListReply::instances, "by name, then slot"),
                      opt("suspended", &ListReply::suspended, "after `kill`: apps are kept down until resumed"),
                      opt("files", &ListReply::files, "configuration files that the apps came from")};
  }
};

// `start`: existing instances named by `targets`; if none matches, the new app `app`.
struct StartRequest {
  std::vector<std::string> targets;
  std::optional<model::AppSpec> app;
  bool wait = true;
  std::string command{};
  bool autostart = true;
  static constexpr auto fields() {
    return std::tuple{opt("targets", &StartRequest::targets, "existing apps to start"),
                      opt("app", &StartRequest::app, "spec of a new app, used when no target matches"),
                      opt("wait", &StartRequest::wait, "reply when every instance has proved itself or failed"),
                      opt("command", &StartRequest::command, "the user's command, for the history"),
                      opt("autostart", &StartRequest::autostart, "false: a new app is added and not started; what is known stays up or down")};
  }
};

// Several of these at once: begun together, waited for together.
struct StartAllRequest {
  std::vector<StartRequest> items;
  static constexpr auto fields() { return std::tuple{req("items", &StartAllRequest::items, "what to start; one that is refused keeps no other back")}; }
};

// One item that was refused.
struct Refusal {
  std::uint32_t item = 0;
  std::string code;
  std::string message;
  std::string hint;
  static constexpr auto fields() {
    return std::tuple{req("item", &Refusal::item, "which one, from 0"), req("code", &Refusal::code, "kind of error"),
                      req("message", &Refusal::message, "what happened"), opt("hint", &Refusal::hint, "what to do about it")};
  }
};

// Why an instance rests after a request that begins things.
enum class RestsAs : std::uint8_t {
  ended,    // its run is over, as it should be
  added,    // it is new, and is not to be started
  left,     // it was down, and stays so
  stopped   // it was stopped for this
};

}  // namespace roost::ipc

template <>
struct roost::EnumNames<roost::ipc::RestsAs> {
  using As = roost::ipc::RestsAs;
  static constexpr std::array<std::pair<As, std::string_view>, 4> values{
      {{As::ended, "ended"}, {As::added, "added"}, {As::left, "left"}, {As::stopped, "stopped"}}};
};

namespace roost::ipc {

// What became of one instance of a start or restart.
struct StartOutcome {
  InstanceInfo instance;
  bool ok = false;
  bool already_running = false;
  bool changed = false;
  bool scheduled = false;
  std::string error;        // why it is not ok: "exit code 3 after 12ms"
  std::string stderr_tail;  // last lines of this run, when it failed
  RestsAs rests_as = RestsAs::ended;
  std::string needed_by;
  static constexpr auto fields() {
    return std::tuple{req("instance", &StartOutcome::instance, "the instance afterwards"),
                      req("ok", &StartOutcome::ok, "online, or started when not waited for"),
                      opt("already_running", &StartOutcome::already_running, "it ran before; nothing was done"),
                      opt("changed", &StartOutcome::changed, "its app was known, and has got other settings"),
                      opt("scheduled", &StartOutcome::scheduled, "a job: it is on its schedule, and was not run"),
                      opt("error", &StartOutcome::error, "why it is not ok"),
                      opt("stderr_tail", &StartOutcome::stderr_tail, "last lines the failed process wrote to stderr"),
                      opt("rests_as", &StartOutcome::rests_as, "when it is ok and has no process: ended (its run is over), added (and not to be started), left (down, as it was) or stopped (for this)"),
                      opt("needed_by", &StartOutcome::needed_by, "it was started because this app depends on it")};
  }
};

// What apply does with an app. `gone`: it came from this file before, is not in it any more, and stays.
enum class PlanAction : std::uint8_t { add, change, start, same, gone, remove, stop };

// Of tables such as env only the names are told: "+NEW ~CHANGED -GONE" in `after`.
struct PlanChange {
  std::string field;
  std::string before;
  std::string after;
  static constexpr auto fields() {
    return std::tuple{req("field", &PlanChange::field, "name of the field"), opt("before", &PlanChange::before, "its value, in words"),
                      opt("after", &PlanChange::after, "what it becomes; of tables the names: +NEW ~CHANGED -GONE")};
  }
};

struct PlanItem {
  std::string app;
  PlanAction action = PlanAction::same;
  std::vector<PlanChange> changes{};
  std::string note{};
  static constexpr auto fields();
};

}  // namespace roost::ipc

template <>
struct roost::EnumNames<roost::ipc::PlanAction> {
  using Action = roost::ipc::PlanAction;
  static constexpr std::array<std::pair<Action, std::string_view>, 7> values{{{Action::add, "add"},
                                                                              {Action::change, "change"},
                                                                              {Action::start, "start"},
                                                                              {Action::same, "same"},
                                                                              {Action::gone, "gone"},
                                                                              {Action::remove, "remove"},
                                                                              {Action::stop, "stop"}}};
};

namespace roost::ipc {

constexpr auto PlanItem::fields() {
  return std::tuple{req("app", &PlanItem::app, "name of the app"),
                    req("action", &PlanItem::action, "add, change, start, stop, same, gone (stays) or remove"),
                    opt("changes", &PlanItem::changes, "change: the fields that differ"),
                    opt("note", &PlanItem::note, "a remark for people: which apps depend on one that is removed")};
}

// What became of one instance that was stopped.
struct StopOutcome {
  InstanceInfo instance;
  std::int32_t pid = 0;
  bool already_stopped = false;
  std::uint32_t processes = 0;
  std::uint32_t killed = 0;
  static constexpr auto fields() {
    return std::tuple{req("instance", &StopOutcome::instance, "the instance afterwards"),
                      opt("pid", &StopOutcome::pid, "the process that was stopped"),
                      opt("already_stopped", &StopOutcome::already_stopped, "there was no process"),
                      opt("processes", &StopOutcome::processes, "processes of its tree that were ended"),
                      opt("killed", &StopOutcome::killed, "of these, how many needed SIGKILL")};
  }
};

struct StopReply {
  std::vector<StopOutcome> outcomes;
  std::string note{};
  static constexpr auto fields() {
    return std::tuple{req("outcomes", &StopReply::outcomes, "one per instance"), opt("note", &StopReply::note, "a remark for people")};
  }
};

struct StartReply {
  std::vector<StartOutcome> outcomes;
  std::string note;  // a remark for people, for example that other settings were not applied
  std::vector<PlanItem> plan;
  std::vector<StopOutcome> removed;
  std::uint64_t undone = 0;
  std::uint64_t newest = 0;
  std::vector<Refusal> refused{};
  static constexpr auto fields() {
    return std::tuple{req("outcomes", &StartReply::outcomes, "one per instance"),
                      opt("note", &StartReply::note, "a remark for people"),
                      opt("plan", &StartReply::plan, "apply: what was, or is to be, done with each app"),
                      opt("removed", &StartReply::removed, "apply with prune: one per instance that is gone"),
                      opt("undone", &StartReply::undone, "undo: the number of the change that is taken back, with those after it"),
                      opt("newest", &StartReply::newest, "undo: the number of the newest change before"),
                      opt("refused", &StartReply::refused, "app.start_all: items that were refused")};
  }
};

// Brings apps to what a file says of them: new ones are added, changed ones restarted, others left alone.
struct ApplyApp {
  model::AppSpec spec;
  bool start = true;
  static constexpr auto fields() {
    return std::tuple{req("spec", &ApplyApp::spec, "what the app shall be, instances included"),
                      opt("start", &ApplyApp::start, "false: add it down; an app that is known stays as it is, up or down")};
  }
};

struct ApplyRequest {
  std::vector<ApplyApp> apps;
  bool wait = true;
  std::string file;
  std::optional<model::FileStamp> stamp{};
  bool partial = false;
  bool prune = false;
  bool dry_run = false;
  std::string command{};
  static constexpr auto fields() {
    return std::tuple{req("apps", &ApplyRequest::apps, "by name; no name twice"),
                      opt("wait", &ApplyRequest::wait, "reply when every started instance has proved itself or failed"),
                      opt("file", &ApplyRequest::file, "where they come from, an absolute path; remembered with each"),
                      opt("stamp", &ApplyRequest::stamp, "what that file is like; remembered, too"),
                      opt("partial", &ApplyRequest::partial, "these are not all the apps of the file"),
                      opt("prune", &ApplyRequest::prune, "delete apps that came from the file before and are not among these"),
                      opt("dry_run", &ApplyRequest::dry_run, "tell the plan, and do nothing"),
                      opt("command", &ApplyRequest::command, "the user's command, for the history")};
  }
};

struct RestartRequest {
  std::vector<std::string> targets;
  bool wait = true;
  bool jobs = true;
  static constexpr auto fields() {
    return std::tuple{req("targets", &RestartRequest::targets, "apps to restart"),
                      opt("wait", &RestartRequest::wait, "reply when every instance has proved itself or failed"),
                      opt("jobs", &RestartRequest::jobs, "false: a job that does not run is not started, though it is named")};
  }
};

struct SignalRequest {
  std::int32_t signal = 0;
  std::vector<std::string> targets;
  static constexpr auto fields() {
    return std::tuple{req("signal", &SignalRequest::signal, "number of the signal, 1 to 64"),
                      req("targets", &SignalRequest::targets, "apps to signal; those without a process are left out of the reply")};
  }
};

// One recorded exit.
struct ExitInfo {
  std::int32_t pid = 0;
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  model::ExitStatus status;
  std::string decision;
  static constexpr auto fields() {
    return std::tuple{req("pid", &ExitInfo::pid, "process id"), req("started_ms", &ExitInfo::started_ms, "start, ms since the epoch"),
                      req("ended_ms", &ExitInfo::ended_ms, "end, ms since the epoch"),
                      req("status", &ExitInfo::status, "how it ended"),
                      opt("decision", &ExitInfo::decision, "what roost did about it, in words")};
  }
};

// What the last health probe has found.
struct HealthInfo {
  bool passed = false;
  std::uint32_t failures = 0;
  std::int64_t probed_ms = 0;
  std::int64_t took_ms = 0;
  std::string output;
  static constexpr auto fields() {
    return std::tuple{req("passed", &HealthInfo::passed, "whether the last probe passed"),
                      opt("failures", &HealthInfo::failures, "failures in a row since the start grace"),
                      opt("probed_ms", &HealthInfo::probed_ms, "its end, ms since the epoch"),
                      opt("took_ms", &HealthInfo::took_ms, "how long it took, ms"),
                      opt("output", &HealthInfo::output, "what it printed, at most 4 KiB")};
  }
};

struct Description {
  InstanceInfo instance;
  model::AppSpec spec;  // values of secret-looking variables masked
  std::int64_t created_ms = 0;
  std::string out_file;
  std::string error_file;
  std::string log_file;
  std::int64_t cron_due_ms = 0;  // 0: there is no schedule, or it is stopped
  std::string watching;          // how the watch is; empty: there is none
  std::vector<ExitInfo> exits;
  std::optional<HealthInfo> health;
  std::string source;
  static constexpr auto fields() {
    return std::tuple{req("instance", &Description::instance, "the instance"), req("spec", &Description::spec, "what it was asked to be"),
                      opt("created_ms", &Description::created_ms, "when the app was added, ms since the epoch"),
                      opt("out_file", &Description::out_file, "file of its stdout"),
                      opt("error_file", &Description::error_file, "file of its stderr"),
                      opt("log_file", &Description::log_file, "file of both; empty: none"),
                      opt("cron_due_ms", &Description::cron_due_ms, "when cron_restart or the schedule of a job comes next, ms since the epoch"),
                      opt("watching", &Description::watching, "how many directories are watched, or what is in the way"),
                      opt("exits", &Description::exits, "recorded exits, newest first"),
                      opt("health", &Description::health, "what the last health probe has found"),
                      opt("source", &Description::source, "configuration file it came from")};
  }
};

// `describe`, and `env`, which shows a part of it.
struct DescribeRequest {
  std::vector<std::string> targets;
  bool reveal = false;
  static constexpr auto fields() {
    return std::tuple{opt("targets", &DescribeRequest::targets, "selectors; empty means all"),
                      opt("reveal", &DescribeRequest::reveal, "values of secret-looking variables in clear")};
  }
};

struct DescribeReply {
  std::vector<Description> instances;
  static constexpr auto fields() { return std::tuple{req("instances", &DescribeReply::instances, "one per instance")}; }
};

struct LogFiles {
  std::uint32_t id = 0;
  std::string name;
  std::uint32_t slot = 0;
  std::string out_file;
  std::string error_file;
  bool merged = false;
  model::LogType log_type = model::LogType::raw;
  static constexpr auto fields() {
    return std::tuple{req("id", &LogFiles::id, "id of the instance"), req("name", &LogFiles::name, "name of the app"),
                      opt("slot", &LogFiles::slot, "number within the app"), req("out_file", &LogFiles::out_file, "file of its stdout"),
                      req("error_file", &LogFiles::error_file, "file of its stderr"),
                      opt("merged", &LogFiles::merged, "the files are those of all instances"), opt("log_type", &LogFiles::log_type, "what stands in them: raw or json")};
  }
};

struct LogFilesReply {
  std::vector<LogFiles> instances;
  static constexpr auto fields() { return std::tuple{req("instances", &LogFilesReply::instances, "one per instance")}; }
};

struct FlushReply {
  std::uint32_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> failed;
  static constexpr auto fields() {
    return std::tuple{req("files", &FlushReply::files, "log files emptied"), req("bytes", &FlushReply::bytes, "bytes they had"),
                      opt("failed", &FlushReply::failed, "files that could not be emptied, each with the reason")};
  }
};

struct ScaleRequest {
  std::string app;
  std::int32_t instances = 0;
  bool relative = false;
  bool wait = true;
  std::string command{};
  static constexpr auto fields() {
    return std::tuple{req("app", &ScaleRequest::app, "name of the app, or id of one of its instances"),
                      req("instances", &ScaleRequest::instances, "how many it shall have, at least 1; or the difference"),
                      opt("relative", &ScaleRequest::relative, "instances is a difference"),
                      opt("wait", &ScaleRequest::wait, "reply when every new instance has proved itself or failed"),
                      opt("command", &ScaleRequest::command, "the user's command, for the history")};
  }
};

// Instances are added at the lowest free slots and taken away from the highest.
struct ScaleReply {
  std::uint32_t before = 0;
  std::uint32_t after = 0;
  std::vector<StartOutcome> started;
  std::vector<StopOutcome> stopped;
  static constexpr auto fields() {
    return std::tuple{req("before", &ScaleReply::before, "instances the app had"), req("after", &ScaleReply::after, "instances it has now"),
                      opt("started", &ScaleReply::started, "one per new instance"),
                      opt("stopped", &ScaleReply::stopped, "one per instance that is gone")};
  }
};

}  // namespace roost::ipc
