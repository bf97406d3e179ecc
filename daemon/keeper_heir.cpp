#include "daemon/keeper_heir.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <unordered_map>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "daemon/process/proc_snapshot.h"
#include "keeper/protocol.h"

namespace roost::daemon {
namespace {

using keeper::TableHeader;
using keeper::TableRecord;

// The pump owns the read ends of the pipes; they are found among our descriptors by the inodes the
// runs remember.
std::unordered_map<std::uint64_t, int> pipes_by_inode() {
  std::unordered_map<std::uint64_t, int> pipes;
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return pipes;
  while (const dirent* entry = ::readdir(dir)) {
    int fd = -1;
    const std::string_view name(entry->d_name);
    if (std::from_chars(name.data(), name.data() + name.size(), fd).ec != std::errc{}) continue;

    struct stat info {};

    if (::fstat(fd, &info) != 0) continue;
    // The other ends are the pump's, of a terminal's pipe, and those kept for the next run.
    if (S_ISFIFO(info.st_mode) && (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY) continue;
    if (const std::uint64_t inode = pipe_inode(fd); inode != 0) pipes[inode] = fd;
  }
  ::closedir(dir);
  return pipes;
}

class TableBuilder {
 public:
  // The exits keep their numbers, so that what state.db has already is recognised. A new one gets
  // one above all that were given: no keeper has given one a nanosecond.
  explicit TableBuilder(std::uint64_t epoch) {
    header_.epoch = epoch;
    header_.next_seq = static_cast<std::uint64_t>(to_ns(Monotonic::now()));
  }

  void add_runs(const Supervisor& supervisor) {
    const auto pipes = pipes_by_inode();
    for (const auto& [id, run] : supervisor.runs()) {
      if (!run.spawned) continue;  // its child cannot register any more and ends itself
      TableRecord record;
      record.key = id;
      record.flags = keeper::kRunForeign;
      model::store_label(run.label, std::span<std::uint8_t, model::kLabelCapacity>(record.label));
      add_fd(record, 0, run.pidfd.get());
      if (!run.drained) {  // else its pipes may be those of the next
        add_pipe(record, 1, run.out_pipe, pipes);
        add_pipe(record, 2, run.err_pipe, pipes);
      }
      if (run.channel) add_fd(record, 4, run.channel->fd());
      if (run.exit) {
        record.flags |= keeper::kRunExited;
        record.exit_seq = run.exit->seq;
        record.code = run.exit->code;
        record.status = run.exit->status;
      }
      records_.push_back(record);
      ++header_.runs;
    }
  }

  void add_entry(std::uint64_t key, const LabelBytes& label, int fd = -1) {
    TableRecord record;
    record.key = key;
    std::copy(label.begin(), label.end(), record.label);
    if (fd >= 0) add_fd(record, 0, fd);
    records_.push_back(record);
    ++header_.entries;
  }

  void set_specs(int fd) { header_.specs_fd = inherit(fd); }

  void set_lock(int fd) { header_.lock_fd = inherit(fd); }

  Result<UniqueFd> to_memfd() {
    UniqueFd fd(::memfd_create("roost-table", MFD_ALLOW_SEALING));
    if (!fd) return errno_error("table", errno);
    header_.record_size = sizeof(TableRecord);
    std::string bytes(sizeof header_ + records_.size() * sizeof(TableRecord), '\0');
    std::memcpy(bytes.data(), &header_, sizeof header_);
    std::memcpy(bytes.data() + sizeof header_, records_.data(),
                records_.size() * sizeof(TableRecord));
    if (Status written = write_all(fd.get(), bytes); !written) return std::move(written).error();
    return fd;
  }

  // The exec failed: nothing may leak into the next app.
  void restore_cloexec() const {
    for (int fd : inherited_)
      (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }

 private:
  int inherit(int fd) {
    (void)::fcntl(fd, F_SETFD, 0);
    inherited_.push_back(fd);
    return fd;
  }

  void add_fd(TableRecord& record, unsigned bit, int fd) {
    if (fd < 0) return;
    record.flags |= 1U << bit;
    record.fds[bit] = inherit(fd);
  }

  void add_pipe(TableRecord& record, unsigned bit, std::uint64_t inode,
                const std::unordered_map<std::uint64_t, int>& pipes) {
    const auto it = pipes.find(inode);
    if (inode != 0 && it != pipes.end()) add_fd(record, bit, it->second);
  }

  TableHeader header_;
  std::vector<TableRecord> records_;
  std::vector<int> inherited_;
};

}  // namespace

bool can_inherit(const Supervisor& supervisor) {
  return std::all_of(supervisor.runs().begin(), supervisor.runs().end(),
                     [](const auto& entry) { return entry.second.spawned; });
}

Error become_keeper(const Supervisor& supervisor, const Inheritance& inheritance) {
  TableBuilder table(supervisor.keeper_epoch());
  Result<UniqueFd> specs = supervisor.book().to_memfd();
  if (!specs) return std::move(specs).error();
  table.set_specs(specs->get());
  table.set_lock(inheritance.lock_fd);
  table.add_runs(supervisor);
  for (const auto& [id, instance] : supervisor.instances())
    table.add_entry(kNoteKey + raw(id), supervisor.note_bytes(instance));
  if (inheritance.listener_fd >= 0)
    table.add_entry(kListenerKey, LabelBytes{}, inheritance.listener_fd);
  if (supervisor.notify_fd() >= 0)
    table.add_entry(kNotifyKey, LabelBytes{}, supervisor.notify_fd());
  if (const RelayFds& relay = supervisor.relay(); relay.pipe && relay.note) {
    table.add_entry(kRelayKey, LabelBytes{}, relay.pipe.get());
    table.add_entry(kRelayNoteKey, LabelBytes{}, relay.note.get());
  }
  Result<UniqueFd> memfd = table.to_memfd();
  if (!memfd) return std::move(memfd).error();

  const std::string lock = std::to_string(inheritance.lock_fd);
  const std::string handed = std::to_string(memfd->get());
  const std::array<const char*, 10> argv{inheritance.keeper_path.c_str(),
                                         "--home",
                                         inheritance.home.c_str(),
                                         "--daemon",
                                         inheritance.daemon_path.c_str(),
                                         "--lock-fd",
                                         lock.c_str(),
                                         "--table-fd",
                                         handed.c_str(),
                                         nullptr};
  ::execve(argv[0], const_cast<char* const*>(argv.data()),
           environ);  // NOLINT: execve does not write
  const int error = errno;
  table.restore_cloexec();
  return errno_error("exec of '" + inheritance.keeper_path + "'", error);
}

}  // namespace roost::daemon
