// Every cap of the program, in one place. A limit that is hit says so by name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace roost::model::limits {

using namespace std::chrono_literals;

// IPC
inline constexpr std::size_t kMaxRequestBytes = 1U << 20;  // refused at the frame header
inline constexpr std::size_t kMaxFramePayload =
    64U << 10;  // replies and documents are split into frames of this size
inline constexpr std::size_t kMaxReplyBytes = 64U << 20;  // what a client assembles
inline constexpr std::size_t kMaxClients = 1024;  // further ones get an error frame and are closed
inline constexpr std::size_t kMaxUnreadBytes =
    8U << 20;  // output a client has not read; then it is dropped
inline constexpr std::size_t kMaxPendingRequests = 64;  // unanswered requests of one client
inline constexpr auto kRequestDeadline = 5s;            // to complete a frame once its header came
inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxStartItems = 256;  // of one request
inline constexpr std::size_t kMaxHomeBytes = 440;   // of its path: SQLite takes files up to 512

// Apps
inline constexpr std::size_t kMaxNameBytes = 128;
inline constexpr std::size_t kMaxArgs = 1024;
inline constexpr std::size_t kMaxSpecBytes = 512U << 10;  // one app's spec, environment included
inline constexpr std::size_t kMaxLabels = 64;             // of one app
inline constexpr std::size_t kMaxLabelBytes = 256;        // of a label's name, and of its value
inline constexpr std::uint32_t kMaxInstancesPerApp = 10'000;
inline constexpr std::uint32_t kMaxInstances =
    20'000;                                     // and what descriptors allow: see kFdsPerRun
inline constexpr std::uint32_t kFdsPerRun = 3;  // pidfd, stdout, stderr; in keeper and daemon each
inline constexpr std::uint32_t kMaxKeptOutputs = 32;   // for runs whose successors get their pipes
inline constexpr std::uint32_t kFdsPerKeptOutput =
    6;  // both ends, its cgroup and what tells whether that is empty; in the daemon
inline constexpr std::uint32_t kFdReserve =
    160;  // kept for the socket, SQLite, the relay, restarts, inotify; and two for each of
          // kMaxProbes, kMaxLooks and kMaxStopCommands

// Secrets (env_from)
inline constexpr std::size_t kMaxSecrets = 64;             // of one app
inline constexpr std::size_t kMaxSecretBytes = 64U << 10;  // of one
inline constexpr auto kSecretTime = 30s;                   // for a command to print it

// Configuration files
inline constexpr std::size_t kMaxConfigBytes = 4U << 20;
inline constexpr std::size_t kMaxConfigValues =
    200'000;  // YAML's aliases as often as they are used
inline constexpr std::size_t kMaxEnvFileBytes = 1U << 20;
inline constexpr auto kConfigScriptLimit = 10s;  // for JavaScript to give its value

// Of the shell that starts keeper and daemon.
inline constexpr std::uint64_t kLeastDescriptors = 64;

// Keeper: it pings every 4.8 s while runs are stored.
inline constexpr auto kKeeperSilence = 12s;   // without a sign of life, then it is continued
inline constexpr auto kKeeperPatience = 10s;  // after that, then it is killed

// `roost run`
inline constexpr std::size_t kMaxForegroundLine = 64U
                                                  << 10;  // of a JSON line; longer ones are cut up
inline constexpr std::size_t kMaxForegroundBytes = 256U
                                                   << 10;  // nobody has read yet; the apps wait

// Logs
inline constexpr std::size_t kPipeBytes = 1U << 20;  // grown to this at a run's first output
inline constexpr std::size_t kBusyPipeBytes =
    64U << 10;  // of an app that fills its pipe, and of the relay between such pipes and the files
inline constexpr std::size_t kMaxOpenLogFiles = 256;  // least recently written ones are closed
inline constexpr std::size_t kMaxHeldAcks =
    16;                                   // exits acknowledged, but not yet told to the keeper
inline constexpr auto kExitGate = 500ms;  // how long output may follow the exit
inline constexpr std::size_t kMaxLogLine =
    64U << 10;  // of a file with times, JSON or several writers; a longer one comes in pieces
inline constexpr std::size_t kMaxLinesAtOnce = 1024;  // are made into text there
inline constexpr auto kUnendedLine = 1s;            // then what there is of a line is written there
inline constexpr std::size_t kMaxDateFormat = 128;  // bytes of log_date_format
inline constexpr std::size_t kLogLedgerBytes = 1U << 20;  // then it begins anew
inline constexpr int kStderrTailLines = 20;
inline constexpr std::size_t kStderrTailBytes = 16U << 10;

// What apps say about themselves
inline constexpr std::size_t kMaxChannelMessage = 64U << 10;  // a longer one is skipped
inline constexpr auto kChannelMessageTime = 30s;      // to complete one; then what came is skipped
inline constexpr std::size_t kMaxNotifyBytes = 4096;  // of a datagram; a longer one is ignored
inline constexpr int kNotifyPerTurn = 64;             // datagrams, of anybody
inline constexpr int kNotifyStrangers = 8;  // of them, by senders of no app; then there is a pause

// Health
inline constexpr std::size_t kMaxProbes = 16;             // at once; others wait for their turn
inline constexpr std::size_t kMaxProbeOutput = 4U << 10;  // kept of the last one of an instance
inline constexpr int kHealthRestarts = 4;  // of all apps, within kHealthRestartsWithin
inline constexpr auto kHealthRestartsWithin = 30s;
inline constexpr std::size_t kMaxDependencies = 64;  // depends_on and wait_for of one app, each

inline constexpr std::size_t kMaxLooks = 16;  // at what apps wait for, at once
inline constexpr std::size_t kMaxStopCommands =
    16;  // at once; others wait for their turn, while their time runs

// Schedules
inline constexpr std::size_t kMaxZones = 700;  // time zones known at once; then all are read anew
inline constexpr std::uint32_t kMaxRetries = 100;  // of a job

// Records
inline constexpr int kExitsKeptPerInstance = 50;
inline constexpr std::size_t kHistoryKept = 200;        // changes that can be undone
inline constexpr std::size_t kHistoryBytes = 8U << 20;  // of what they changed, all together
inline constexpr std::size_t kMaxCommandBytes = 1024;   // of a command told with a change
inline constexpr std::size_t kEventsKept = 1000;        // past events that `events` can show
inline constexpr std::size_t kStoreQueue = 65'536;      // operations waiting for SQLite

// Watched files
inline constexpr std::size_t kMaxWatchedDirectories = 200'000;  // of all apps together
inline constexpr std::size_t kMaxHeldChanges =
    4096;  // seen while new directories are looked into; more of them count as a change of all
inline constexpr std::size_t kMaxIgnoreBytes = 64U << 10;  // of a .gitignore
inline constexpr auto kLongestWatchDelay = 10s;            // for files that change all the time

// Processes
inline constexpr auto kMemoryLook = 2s;  // between two looks at apps with max_memory_restart
inline constexpr std::size_t kMaxTreeProcesses = 10'000;   // of one run, when it is stopped
inline constexpr std::size_t kMaxMeasuredProcesses = 256;  // of one run, for cpu and memory

}  // namespace roost::model::limits
