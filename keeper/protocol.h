// The protocol between roost-keeper and roostd, and the format of the keeper's table when it is handed over by memfd.
//
// Transport: one AF_UNIX SOCK_SEQPACKET socket pair; every datagram is one Message, little endian as in memory, with
// descriptors by SCM_RIGHTS. Unknown message types are ignored; labels are opaque bytes to the keeper. The keeper never
// blocks on the daemon: what it cannot send now it sends when the socket is writable again (its table is the queue).
//
// This header includes nothing of roost: keeper and daemon share it, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::keeper {

inline constexpr std::uint32_t kMagic = 0x54534f52;  // "ROST"
inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kLabelBytes = 192;
inline constexpr std::size_t kMaxRunFds = 5;

// Descriptors inherited by roostd at exec, by number.
inline constexpr int kDaemonSocketFd = 3;
inline constexpr int kDaemonLockFd = 4;

// Which descriptors come with a run; they travel in the order of the bits.
enum FdBit : std::uint32_t {
  kFdPidfd = 1U << 0,
  kFdStdout = 1U << 1,   // read end of the pipe
  kFdStderr = 1U << 2,   // read end of the pipe
  kFdStdin = 1U << 3,    // write end of the pipe
  kFdChannel = 1U << 4,  // the daemon's end of the app's IPC socket pair
};

enum RunFlag : std::uint32_t {
  kRunForeign = 1U << 8,  // not a child of this keeper: its death is seen by its pidfd, its status may be unknown
  kRunExited = 1U << 9,   // dead, exit not acknowledged yet
};

enum class Type : std::uint16_t {
  // keeper -> daemon. Order after start: hello, specs?, entry*, run*, exit*, ready; then exit, ping, stored as they come.
  hello = 1,    // value: protocol version; key: epoch; seq: serial of this daemon under this epoch; status: capacity (runs)
  specs = 2,    // fd: the sealed memfd with all specs
  entry = 3,    // key, label[, fd]: a stored entry
  run = 4,      // key, label, flags, fds
  exit = 5,     // key, seq, label; value: si_code (CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0 = unknown); status: si_status
  window = 6,   // seq: answer with window_ack before more of the hand-over is sent
  ready = 7,    // hand-over complete; seq: processes reaped that were not runs
  ping = 8,     // seq: answer with pong
  stored = 9,   // key; value: 0 stored, 1 full. Answers store and register_run
  // daemon (or its child before exec) -> keeper
  daemon_hello = 64,  // value: protocol version
  register_run = 65,  // key, label, flags, fds: sent by the child itself before exec
  adopt_run = 66,     // the same for a process that is not the keeper's child; kRunForeign is set by the keeper
  ack_exit = 67,      // key, seq: the exit is recorded and the output drained; the run's slot is freed
  store = 68,         // key, label[, fd]: keeps or replaces an entry
  drop = 69,          // key: forgets an entry
  drop_fds = 70,      // key, flags: closes these descriptors of a run
  put_specs = 71,     // fd: replaces the specs memfd
  pong = 72,          // seq
  window_ack = 73,    // seq
  watchdog = 74,      // value: 0 off, 1 on
  quit = 75,          // when the last run is gone (now, if there is none): the daemon may exit, and the keeper follows it
  upgrade = 76,       // exec the keeper again in place (its own path), with the table in a memfd
};

struct Message {
  std::uint32_t magic = kMagic;
  Type type{};
  std::uint16_t reserved = 0;
  std::uint64_t key = 0;
  std::uint64_t seq = 0;
  std::uint32_t flags = 0;  // FdBit and RunFlag
  std::int32_t value = 0;
  std::int32_t status = 0;
  std::int32_t reserved2 = 0;
  std::uint8_t label[kLabelBytes] = {};
};
static_assert(sizeof(Message) == 40 + kLabelBytes);

// ---- the table in a memfd: keeper upgrade, and roostd becoming the keeper when the keeper was killed -------------------
// Layout: TableHeader, then `runs` + `entries` TableRecords. Descriptors are numbers in the process that execs; they are
// inherited (close-on-exec cleared just before exec). -1 = none.
inline constexpr std::uint32_t kTableMagic = 0x4c425452;  // "RTBL"
inline constexpr std::uint16_t kTableVersion = 1;

struct TableHeader {
  std::uint32_t magic = kTableMagic;
  std::uint16_t version = kTableVersion;
  std::uint16_t record_size = 0;  // sizeof(TableRecord) of the writer
  std::uint64_t epoch = 0;
  std::uint64_t serial = 0;    // daemons started so far under this epoch
  std::uint64_t next_seq = 1;  // of exits
  std::uint64_t reaped = 0;
  std::uint32_t runs = 0;
  std::uint32_t entries = 0;
  std::int32_t specs_fd = -1;
  std::int32_t lock_fd = -1;
  std::int32_t daemon_pid = 0;     // a daemon that is alive and whose socket is kept (upgrade); 0 = start a new one
  std::int32_t daemon_socket = -1;
};

struct TableRecord {
  std::uint64_t key = 0;
  std::uint64_t exit_seq = 0;  // of an exit not acknowledged; 0 = none
  std::uint32_t flags = 0;     // FdBit and RunFlag
  std::int32_t pid = 0;        // runs that are children of this keeper; 0 for foreign runs and entries
  std::int32_t code = 0;
  std::int32_t status = 0;
  std::int32_t fds[kMaxRunFds] = {-1, -1, -1, -1, -1};  // entries use fds[0]
  std::int32_t reserved = 0;
  std::uint8_t label[kLabelBytes] = {};
};

}  // namespace roost::keeper
