// THE table of methods: each gives the client its reply type, the daemon its decoder, the documentation its line and the
// coverage test its checklist.
#pragma once

#include "ipc/messages/app_messages.h"
#include "ipc/messages/daemon_messages.h"
#include "ipc/messages/event_messages.h"
#include "ipc/messages/history_messages.h"
#include "ipc/messages/job_messages.h"
#include "ipc/method.h"

namespace roost::ipc {

inline constexpr Method<EmptyRequest, PingReply> kPing{"daemon.ping", "Say who answers", Kind::call, Retry::safe};
inline constexpr Method<EmptyRequest, KillReply> kKill{"daemon.kill", "Stop every app, remember that, and end daemon and keeper",
                                                       Kind::wait, Retry::safe};
inline constexpr Method<StartRequest, StartReply> kStart{"app.start", "Start existing apps or a new one", Kind::wait, Retry::safe};
inline constexpr Method<StartAllRequest, StartReply> kStartAll{"app.start_all", "Start several existing apps or new ones at once", Kind::wait,
                                                               Retry::safe};
inline constexpr Method<ApplyRequest, StartReply> kApply{"app.apply", "Bring apps to what a configuration says; all or, when it is refused, nothing",
                                                         Kind::wait, Retry::safe};
inline constexpr Method<UndoRequest, StartReply> kUndo{"app.undo", "Go back to what was configured, and up, before a change", Kind::wait, Retry::safe};
inline constexpr Method<HistoryRequest, HistoryReply> kHistory{"app.history", "Changes of what is configured", Kind::wait, Retry::safe};
inline constexpr Method<RestartRequest, StartReply> kRestart{"app.restart", "Stop and start apps", Kind::wait, Retry::unsafe};
inline constexpr Method<TargetsRequest, StopReply> kStop{"app.stop", "Stop apps and keep their entries", Kind::wait, Retry::safe};
inline constexpr Method<TargetsRequest, StopReply> kDelete{"app.delete", "Stop apps and forget them", Kind::wait, Retry::unsafe};
inline constexpr Method<TargetsRequest, ListReply> kReset{"app.reset", "Set restart counters to 0", Kind::wait, Retry::safe};
inline constexpr Method<SignalRequest, ListReply> kSignal{"app.signal", "Send a signal to main processes", Kind::call, Retry::unsafe};
inline constexpr Method<TargetsRequest, ListReply> kList{"app.list", "State of instances", Kind::call, Retry::safe};
inline constexpr Method<DescribeRequest, DescribeReply> kDescribe{"app.describe", "Everything about instances", Kind::call, Retry::safe};
inline constexpr Method<TargetsRequest, JobsReply> kJobs{"app.jobs", "Jobs: their times and their last runs", Kind::call, Retry::safe};
inline constexpr Method<TargetsRequest, LogFilesReply> kLogFiles{"app.logs", "Log files of instances", Kind::call, Retry::safe};
inline constexpr Method<TargetsRequest, EmptyRequest> kJlist{"app.jlist", "The list in PM2's shape, as one JSON document", Kind::document,
                                                           Retry::safe};

inline constexpr Method<TargetsRequest, FlushReply> kFlush{"app.flush", "Empty log files", Kind::wait, Retry::safe};
inline constexpr Method<ScaleRequest, ScaleReply> kScale{"app.scale", "Change how many instances an app has", Kind::wait, Retry::unsafe};
inline constexpr Method<EmptyRequest, SaveReply> kSave{"daemon.save", "Remember all apps, and which of them are up, for app.resurrect", Kind::wait,
                                                       Retry::safe};
inline constexpr Method<EmptyRequest, StartReply> kResurrect{"app.resurrect", "Bring back what daemon.kill stopped and what daemon.save remembered",
                                                             Kind::wait, Retry::safe};
inline constexpr Method<EventsRequest, EventsReply> kEvents{"app.events", "What has happened to apps, and what happens", Kind::stream, Retry::safe};
inline constexpr Method<EmptyRequest, DaemonStats> kStats{"daemon.stats", "What roost uses itself", Kind::call, Retry::safe};
inline constexpr Method<EmptyRequest, UpdateReply> kUpdate{"daemon.update", "Replace keeper and daemon by the installed programs, in place", Kind::wait,
                                                           Retry::unsafe};

inline constexpr auto kMethods = std::tuple{kPing,     kKill,     kStart, kRestart, kStop,  kDelete,    kReset,  kSignal, kList,  kDescribe,
                                            kLogFiles, kJlist,    kFlush, kScale,   kSave,  kResurrect, kEvents, kStats,  kUpdate,
                                            kApply,    kUndo,     kHistory, kJobs,    kStartAll};

}  // namespace roost::ipc
