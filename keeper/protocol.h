// The protocol between roost-keeper and roostd, and the format of the keeper's table when it is
// handed over by memfd.
//
// Transport: one AF_UNIX SOCK_SEQPACKET socket pair; every datagram is one Message, little endian
// as in memory, with descriptors by SCM_RIGHTS. Unknown message types are ignored; labels are
// opaque bytes to the keeper. The keeper never blocks on the daemon: what it cannot send now it
// sends when the socket is writable again (its table is the queue).
//
// Keys of runs and entries are chosen by the daemon and are never 0. A message has the size of
// Message, or it is ignored. Before `ready` a daemon answers (daemon_hello, window_ack) and sends
// nothing else.
//
// The keeper's environment reaches roostd unchanged, plus kOriginalVariable: what the keeper had
// when it was started, for the apps to get back. It is kept when a keeper or roostd execs a keeper
// (then it is already there).
//
// This header includes nothing of roost: keeper and daemon share it, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::keeper {

inline constexpr std::uint32_t kMagic = 0x54534f52;  // "ROST"
// Both versions are given by the build for the keepers that the tests of updates change to.
#ifndef ROOST_KEEPER_PROTOCOL
#define ROOST_KEEPER_PROTOCOL 1
#endif
#ifndef ROOST_KEEPER_TABLE
#define ROOST_KEEPER_TABLE 1
#endif
// Raised when messages are added. Either side ignores what it does not know, so a keeper serves an
// older daemon and the other way round.
inline constexpr std::uint16_t kProtocolVersion = ROOST_KEEPER_PROTOCOL;
inline constexpr std::size_t kLabelBytes = 192;
inline constexpr std::size_t kMaxRunFds = 5;

// "oom=0,nofile=1024,umask=22,nice=0": oom_score_adj, soft RLIMIT_NOFILE, umask in octal, nice.
inline constexpr char kOriginalVariable[] = "ROOST_ORIGINAL";

// Descriptors inherited by roostd at exec, by number.
inline constexpr int kDaemonSocketFd = 3;
inline constexpr int kDaemonLockFd = 4;

// Message::flags. First: which descriptors come with a run; they travel in the order of the bits.
inline constexpr std::uint32_t kFdPidfd = 1U << 0;
inline constexpr std::uint32_t kFdStdout = 1U << 1;   // read end of the pipe
inline constexpr std::uint32_t kFdStderr = 1U << 2;   // read end of the pipe; of a terminal: master
inline constexpr std::uint32_t kFdStdin = 1U << 3;    // write end of the pipe
inline constexpr std::uint32_t kFdChannel = 1U << 4;  // daemon end of the IPC socket pair
// Not a child of this keeper: its death is seen by its pidfd, its status may be unknown.
inline constexpr std::uint32_t kRunForeign = 1U << 8;
// Dead, exit not acknowledged yet.
inline constexpr std::uint32_t kRunExited = 1U << 9;

enum class Type : std::uint16_t {
  // ---- keeper -> daemon ----
  // After start: hello, specs?, entry*, run*, exit*, ready; then exit, ping, not_kept as they come.

  // value: protocol version; key: epoch; seq: serial of this daemon under this epoch;
  // status: capacity (runs); flags: capacity (descriptors of runs and entries together)
  hello = 1,
  // fd: the sealed memfd with all specs
  specs = 2,
  // key, label[, fd]: a stored entry
  entry = 3,
  // key, label, flags, fds
  run = 4,
  // key, seq, label; value: si_code (CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0 = unknown);
  // status: si_status
  exit = 5,
  // seq: answer with window_ack before more of the hand-over is sent
  window = 6,
  // hand-over complete; seq: processes reaped that were not runs
  ready = 7,
  // seq: answer with pong
  ping = 8,
  // key; value: a Verdict other than stored. Answers a store, register_run or adopt_run of which
  // something was lost; the others are not answered
  not_kept = 9,
  // value: 0 the keeper was replaced in place (status: its protocol version), 1 refused: the old
  // one goes on
  upgraded = 10,

  // ---- daemon (or its child before exec) -> keeper ----
  // value: protocol version[; flags = kFdPidfd, fd: an eventfd, the bell. Then the keeper reads
  // when
  // it is rung, and else when it is awake for another reason: an exit, the time of the next ping]
  daemon_hello = 64,
  // key, label, flags, fds; value: pid. Sent by the child itself before exec
  register_run = 65,
  // the same for a process that is not the keeper's child (kFdPidfd is required); kRunForeign is
  // set by the keeper, also for a register_run whose pid turns out not to be its child
  adopt_run = 66,
  // key, seq: the exit is recorded and the output drained; the run's slot is freed
  ack_exit = 67,
  // key, label[, flags = kFdPidfd, fd]: keeps or replaces an entry
  store = 68,
  // key: forgets an entry
  drop = 69,
  // key, flags: closes these descriptors of a run (not the pidfd of a live foreign run)
  drop_fds = 70,
  // fd: replaces the specs memfd
  put_specs = 71,
  // seq
  pong = 72,
  // seq
  window_ack = 73,
  // value: 0 off, 1 on; holds for this daemon and this keeper (ROOST_WATCHDOG=off in the
  // environment: off from the start)
  watchdog = 74,
  // when the last run is gone (now, if there is none): the daemon may exit, and the keeper
  // follows it
  quit = 75,
  // exec the keeper again in place (its own path), with the table in a memfd; answered by upgraded
  upgrade = 76,
};

enum class Verdict : std::int32_t {
  stored = 0,
  // No room, or the key is in use or 0, or no pidfd for a foreign run: nothing was kept.
  refused = 1,
  // Kept, but some descriptors were lost: the keeper has no free descriptor left.
  stored_bare = 2,
};

struct Message {
  std::uint32_t magic = kMagic;
  Type type{};
  std::uint16_t reserved = 0;
  std::uint64_t key = 0;
  std::uint64_t seq = 0;
  std::uint32_t flags = 0;  // kFd… and kRun… bits
  std::int32_t value = 0;
  std::int32_t status = 0;
  std::int32_t reserved2 = 0;
  std::uint8_t label[kLabelBytes] = {};
};

static_assert(sizeof(Message) == 40 + kLabelBytes);

// ---- the table in a memfd ----
// For the keeper's upgrade, and for roostd becoming the keeper when the keeper was killed.
// Layout: TableHeader, then `runs` + `entries` TableRecords. Descriptors are numbers in the process
// that execs; they are inherited (close-on-exec cleared just before exec). -1 = none.
inline constexpr std::uint32_t kTableMagic = 0x4c425452;  // "RTBL"
// A keeper takes over tables of its own version only; the one before goes on with any other.
inline constexpr std::uint16_t kTableVersion = ROOST_KEEPER_TABLE;

struct TableHeader {
  std::uint32_t magic = kTableMagic;
  std::uint16_t version = kTableVersion;
  std::uint16_t record_size = 0;  // sizeof(TableRecord) of the writer
  std::uint64_t epoch = 0;     // 0: the loading keeper makes a new one (a table written by roostd)
  std::uint64_t serial = 0;    // daemons started so far under this epoch
  std::uint64_t next_seq = 1;  // of exits
  std::uint64_t sent_seq = 0;  // exits up to this one were sent to the daemon of daemon_socket
  std::uint64_t reaped = 0;    // processes that were not runs
  std::uint32_t runs = 0;
  std::uint32_t entries = 0;
  std::int32_t specs_fd = -1;
  std::int32_t lock_fd = -1;
  // A daemon that is alive and whose socket is kept (upgrade); 0 = start a new one.
  std::int32_t daemon_pid = 0;
  std::int32_t daemon_socket = -1;
};

struct TableRecord {
  std::uint64_t key = 0;
  std::uint64_t exit_seq = 0;  // of an exit not acknowledged, unique; 0 = none
  std::uint32_t flags = 0;     // kFd… and kRun… bits
  std::int32_t pid = 0;        // a live run that is a child of this keeper; else 0
  std::int32_t code = 0;
  std::int32_t status = 0;
  std::int32_t fds[kMaxRunFds] = {-1, -1, -1, -1, -1};  // entries use fds[0]
  std::int32_t looks = 0;  // the keeper's own: how often a dead foreign run had no status yet
  std::uint8_t label[kLabelBytes] = {};
};

}  // namespace roost::keeper
