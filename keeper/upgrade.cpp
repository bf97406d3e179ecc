#include "keeper/upgrade.h"

#include <csignal>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/kill_point.h"
#include "keeper/process.h"

namespace roost::keeper {
namespace {

constexpr std::uint32_t kSavedFlags = kFdMask | kRunForeign | kRunExited;
constexpr std::uint64_t kLastSeq = 1ULL << 62;
constexpr unsigned kCheckSeconds = 5;

template <typename Record>
bool write_record(int fd, const Record& record) {
  return ::write(fd, &record, sizeof record) == static_cast<ssize_t>(sizeof record);
}

template <typename Record>
bool read_record(int fd, std::uint64_t offset, Record& record) {
  return ::pread(fd, &record, sizeof record, static_cast<off_t>(offset)) ==
         static_cast<ssize_t>(sizeof record);
}

std::uint64_t offset_of(std::uint32_t record) {
  return sizeof(TableHeader) + std::uint64_t{record} * sizeof(TableRecord);
}

bool write_shelf(int fd, const Shelf& shelf) {
  std::uint32_t at = 0;
  for (const TableRecord* r = shelf.at_or_after(at); r != nullptr; r = shelf.at_or_after(++at)) {
    TableRecord record = *r;
    record.flags &= kSavedFlags;
    if (!write_record(fd, record)) return false;
  }
  return true;
}

const char* check_header(const TableHeader& h, std::uint64_t size) {
  if (h.magic != kTableMagic) return "not a table";
  if (h.version != kTableVersion) return "another version";
  if (h.record_size != sizeof(TableRecord)) return "another record size";
  if (h.runs > kMaxRuns || h.entries > kMaxEntries) return "too many records";
  if (size != offset_of(h.runs + h.entries)) return "the size does not fit the counts";
  if (h.next_seq == 0 || h.next_seq > kLastSeq || h.sent_seq >= h.next_seq)
    return "sequence numbers out of order";
  if (h.daemon_pid < 0 || (h.daemon_pid > 0) != (h.daemon_socket >= 0)) return "half a daemon";
  return nullptr;
}

// As a sum of bits: g++ 12 at -O1 and -O2 gets `(fd >= 0) != ((flags & bit) != 0)` wrong.
std::uint32_t present_fds(const TableRecord& r) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kMaxRunFds; ++i) {
    if (r.fds[i] >= 0) bits |= 1U << i;
  }
  return bits;
}

const char* check_record(const TableRecord& r, bool is_run, std::uint64_t next_seq) {
  if (r.key == 0) return "a record without key";
  if ((r.flags & ~kSavedFlags) != 0) return "unknown flags";
  if (present_fds(r) != (r.flags & kFdMask)) return "descriptors do not fit the flags";
  if (!is_run)
    return r.flags > 1 || r.pid != 0 || r.exit_seq != 0 ? "an entry like a run" : nullptr;
  const bool exited = (r.flags & kRunExited) != 0;
  if (exited != (r.exit_seq != 0) || r.exit_seq >= next_seq) return "an exit out of order";
  if (r.pid < 0 || (exited && r.pid != 0)) return "a pid that cannot be";
  if (r.code < 0 || r.code > CLD_DUMPED) return "an unknown kind of exit";
  return nullptr;
}

// What is not open (any more) is forgotten; the rest is ours alone.
void adopt_fds(TableRecord& record) {
  for (std::size_t i = 0; i < kMaxRunFds; ++i) {
    if (record.fds[i] < 0 || ::fcntl(record.fds[i], F_SETFD, FD_CLOEXEC) == 0) continue;
    record.fds[i] = -1;
    record.flags &= ~(1U << i);
  }
}

void load_record(const TableRecord& record, Table& table, Shelf& shelf) {
  TableRecord* r = shelf.add(record.key);
  *r = record;
  r->looks = 0;
  adopt_fds(*r);
  shelf.set_pid(r, record.pid);
  shelf.set_exit_seq(r, record.exit_seq);
  if (&shelf != &table.runs || (r->flags & kRunExited) != 0) return;
  if (is_child(r->pid)) {
    r->flags &= ~static_cast<std::uint32_t>(kRunForeign);
    return;
  }
  r->flags |= kRunForeign;
  shelf.set_pid(r, 0);
  if ((r->flags & kFdPidfd) == 0) table.record_exit(r, {});  // nothing can tell of its death
}

void set_inherited(const Shelf& shelf, int cloexec) {
  std::uint32_t at = 0;
  for (const TableRecord* r = shelf.at_or_after(at); r != nullptr; r = shelf.at_or_after(++at)) {
    for (const int fd : r->fds) {
      if (fd >= 0) ::fcntl(fd, F_SETFD, cloexec);
    }
  }
}

void set_inherited(const Table& table, int memfd, int cloexec) {
  set_inherited(table.runs, cloexec);
  set_inherited(table.entries, cloexec);
  const TableHeader& h = table.header;
  for (const int fd : {h.specs_fd, h.lock_fd, h.daemon_socket, memfd}) {
    if (fd >= 0) ::fcntl(fd, F_SETFD, cloexec);
  }
}

bool accepted_by(const char* keeper, int memfd) {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    char number[24];
    const char* argv[] = {"roost-keeper", "--check", write_number(number, memfd), nullptr};
    ::fcntl(memfd, F_SETFD, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::alarm(kCheckSeconds);  // whatever that file is, the keeper does not wait longer
    ::execv(keeper, const_cast<char* const*>(argv));
    ::_exit(127);
  }
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED) != 0) return false;
  return info.si_code == CLD_EXITED && info.si_status == 0;
}

}  // namespace

int save_table(const Table& table) {
  const int fd = ::memfd_create("roost-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  TableHeader header = table.header;
  header.record_size = sizeof(TableRecord);
  header.runs = table.runs.used();
  header.entries = table.entries.used();
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (write_record(fd, header) && write_shelf(fd, table.runs) && write_shelf(fd, table.entries) &&
      ::fcntl(fd, F_ADD_SEALS, kSeals) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

const char* check_table(int memfd) {
  struct stat file {};

  if (::fstat(memfd, &file) != 0) return "no such descriptor";
  TableHeader header;
  if (!read_record(memfd, 0, header)) return "too short";
  const char* reason = check_header(header, static_cast<std::uint64_t>(file.st_size));
  for (std::uint32_t i = 0; reason == nullptr && i < header.runs + header.entries; ++i) {
    TableRecord record;
    if (!read_record(memfd, offset_of(i), record)) return "unreadable";
    reason = check_record(record, i < header.runs, header.next_seq);
  }
  return reason;
}

const char* load_table(int memfd, Table& table, std::uint32_t run_capacity) {
  if (const char* reason = check_table(memfd); reason != nullptr) return reason;
  TableHeader& header = table.header;
  if (!read_record(memfd, 0, header)) return "unreadable";
  const std::uint32_t runs = header.runs > run_capacity ? header.runs : run_capacity;
  const std::uint32_t entries = header.entries > 2 * runs + 64 ? header.entries : 2 * runs + 64;
  if (!table.open(runs, entries)) return "no memory";
  if (header.epoch == 0) header.epoch = random_epoch();
  for (std::uint32_t i = 0; i < header.runs + header.entries; ++i) {
    TableRecord record;
    if (!read_record(memfd, offset_of(i), record)) return "unreadable";
    load_record(record, table, i < header.runs ? table.runs : table.entries);
  }
  if (!is_child(header.daemon_pid)) {
    header.daemon_pid = 0;
    header.daemon_socket = -1;
  }
  set_inherited(table, memfd, FD_CLOEXEC);
  return nullptr;
}

void exec_keeper(const Options& options, Table& table) {
  const int memfd = save_table(table);
  if (memfd < 0) return;
  if (accepted_by(options.self, memfd)) {
    char lock[24];
    char fd[24];
    char ping[24];
    char limit[24];
    const char* argv[] = {"roost-keeper",
                          "--home",
                          options.home,
                          "--daemon",
                          options.daemon,
                          "--lock-fd",
                          write_number(lock, options.lock_fd),
                          "--table-fd",
                          write_number(fd, memfd),
                          "--ping-ms",
                          write_number(ping, static_cast<int>(options.pace.ping)),
                          "--pong-limit-ms",
                          write_number(limit, static_cast<int>(options.pace.answer)),
                          nullptr};
    kill_point("keeper.upgrading");
    set_inherited(table, memfd, 0);
    ::execve(options.self, const_cast<char* const*>(argv), environ);
    set_inherited(table, memfd, FD_CLOEXEC);
  }
  ::close(memfd);
}

}  // namespace roost::keeper
