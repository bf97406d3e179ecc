#include "cli/logs/follower.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/logs/line_assembler.h"
#include "cli/logs/log_file_view.h"
#include "cli/logs/marks_reader.h"
#include "core/base/time.h"
#include "core/base/unique_fd.h"

namespace roost::cli {
namespace {
// How long a file that was renamed away is still read: whoever writes it may notice late.
constexpr Duration kOldFileGrace = 2s;
constexpr Duration kLookAgain = 1s;  // for directories that do not exist yet

struct OpenFile {
  UniqueFd fd;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::optional<MarksReader> marks;
  LineAssembler lines;
  int watch = -1;
};

struct Followed {
  LogPosition position;
  std::string directory;
  std::string name;
  OpenFile now;
  OpenFile old;  // renamed away, until old_until
  TimePoint old_until;
  bool dirty = true;  // to be looked at
};

std::pair<std::string, std::string> split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}
}  // namespace

class Follower::Impl {
 public:
  Impl(std::vector<LogPosition> positions, Output output) : output_(std::move(output)) {
    for (LogPosition& position : positions)
      append(std::move(position));
  }

  void add(std::vector<LogPosition> positions) {
    const std::size_t before = files_.size();
    for (LogPosition& position : positions)
      append(std::move(position));
    watch_directories();
    for (std::size_t i = before; i < files_.size(); ++i)
      open_from(files_[i], files_[i].position.offset);
  }

  Status start() {
    inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return errno_error("cannot watch log files", errno);
    watch_directories();
    for (Followed& file : files_)
      open_from(file, file.position.offset);
    return ok();
  }

  [[nodiscard]] int fd() const { return inotify_.get(); }

  [[nodiscard]] int timeout_ms() const {
    TimePoint next = TimePoint::max();
    const TimePoint now = Monotonic::now();
    for (const Followed& file : files_) {
      if (file.dirty) return 0;
      if (file.now.lines.is_waiting()) next = std::min(next, file.now.lines.due());
      if (file.old.fd) next = std::min(next, file.old_until);
    }
    if (!unwatched_.empty()) next = std::min(next, look_again_);
    if (next == TimePoint::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  Status handle() {
    if (Status read = read_events(); !read) return read;
    const TimePoint now = Monotonic::now();
    if (!unwatched_.empty() && now >= look_again_) watch_directories();
    for (Followed& file : files_) {
      if (std::exchange(file.dirty, false)) look_at(file, now);
      if (file.old.fd) look_at_old(file, now);
      if (output_.on_line && file.now.lines.is_waiting())
        file.now.lines.flush_due(now, text_sink(file, file.now));
    }
    return ok();
  }

  bool shares(const LogSource& source, std::size_t number) {
    bool found = false;
    for (Followed& file : files_) {
      LogPosition& at = file.position;
      const bool same = at.path == source.out_path || at.path == source.err_path;
      if (!same || !source.slot || at.by_slot.empty()) continue;
      at.by_slot.emplace(*source.slot, number);
      found = true;
    }
    return found;
  }

 private:
  void append(LogPosition position) {
    Followed file;
    std::tie(file.directory, file.name) = split_path(position.path);
    file.position = std::move(position);
    files_.push_back(std::move(file));
  }

  // ---- watching ----
  void watch_directories() {
    unwatched_.clear();
    for (Followed& file : files_) {
      if (directories_.contains(file.directory) || unwatched_.contains(file.directory)) continue;
      constexpr std::uint32_t kMask =
          IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR;
      const int watch = ::inotify_add_watch(inotify_.get(), file.directory.c_str(), kMask);
      if (watch < 0) {
        unwatched_.insert(file.directory);
        continue;
      }
      directories_[file.directory] = watch;
      mark_directory_dirty(watch, {});
    }
    look_again_ = Monotonic::now() + kLookAgain;
  }

  void mark_directory_dirty(int watch, std::string_view name) {
    for (Followed& file : files_) {
      const auto found = directories_.find(file.directory);
      if (found != directories_.end() && found->second == watch &&
          (name.empty() || name == file.name))
        file.dirty = true;
    }
  }

  void lose_directory(int watch) {
    for (auto it = directories_.begin(); it != directories_.end(); ++it) {
      if (it->second != watch) continue;
      unwatched_.insert(it->first);
      directories_.erase(it);
      return;
    }
  }

  Status read_events() {
    alignas(inotify_event) std::array<char, 16U << 10> buffer;
    for (;;) {
      const ssize_t n = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return ok();
      if (n <= 0) return errno_error("cannot watch log files", errno);
      for (ssize_t at = 0; at < n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        on_event(*event);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
  }

  void on_event(const inotify_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      for (Followed& file : files_)
        file.dirty = true;
      return;
    }
    const auto [begin, end] = by_watch_.equal_range(event.wd);
    for (auto it = begin; it != end; ++it)
      files_[it->second].dirty = true;
    if (begin != end) return;
    if ((event.mask & (IN_DELETE_SELF | IN_IGNORED)) != 0) return lose_directory(event.wd);
    mark_directory_dirty(event.wd,
                         event.len > 0 ? std::string_view(event.name) : std::string_view());
  }

  // ---- files ----
  // Opens what the path names now; false if there is nothing.
  bool open_from(Followed& file, std::uint64_t offset) {
    auto view = open_log_file(file.position.path);
    if (!view || !view->fd) return false;
    OpenFile& open = file.now;
    const bool same = view->device == file.position.device && view->inode == file.position.inode;
    open.device = view->device;
    open.inode = view->inode;
    open.offset = same ? offset : 0;
    open.fd = std::move(view->fd);
    open.lines.clear();
    open.marks.emplace(file.position.path, open.device, open.inode);
    open.watch = ::inotify_add_watch(inotify_.get(), file.position.path.c_str(), IN_MODIFY);
    if (open.watch >= 0) by_watch_.emplace(open.watch, index_of(file));
    file.dirty = true;  // what was written before the watch was there
    return true;
  }

  [[nodiscard]] std::size_t index_of(const Followed& file) const {
    return static_cast<std::size_t>(&file - files_.data());
  }

  void unwatch(Followed& file, OpenFile& open) {
    const auto [begin, end] = by_watch_.equal_range(open.watch);
    for (auto it = begin; it != end; ++it) {
      if (it->second != index_of(file)) continue;
      by_watch_.erase(it);
      break;
    }
    if (open.watch >= 0 && !by_watch_.contains(open.watch))
      ::inotify_rm_watch(inotify_.get(), open.watch);
    open.watch = -1;
  }

  void look_at(Followed& file, TimePoint now) {
    if (file.now.fd) {
      read_new(file, file.now, now);
      if (!is_named(file)) retire(file, now);
    }
    if (!file.now.fd && open_from(file, file.position.offset)) {
      file.dirty = false;
      read_new(file, file.now, now);
    }
  }

  // Whether the path still leads to the open file. While nothing else has its name, it stays the
  // one that is read.
  [[nodiscard]] bool is_named(const Followed& file) const {
    struct stat st {};

    if (::stat(file.position.path.c_str(), &st) != 0) return true;
    return static_cast<std::uint64_t>(st.st_ino) == file.now.inode &&
           static_cast<std::uint64_t>(st.st_dev) == file.now.device;
  }

  void retire(Followed& file, TimePoint now) {
    if (file.old.fd) close(file, file.old, now);
    file.old = std::move(file.now);
    file.now = OpenFile{};
    file.old_until = now + kOldFileGrace;
    file.position.device = file.position.inode = file.position.offset = 0;
  }

  void look_at_old(Followed& file, TimePoint now) {
    if (now >= file.old_until) return close(file, file.old, now);
    read_new(file, file.old, now);
  }

  void close(Followed& file, OpenFile& open, TimePoint now) {
    read_new(file, open, now);
    if (output_.on_line) open.lines.flush(text_sink(file, open));
    unwatch(file, open);
    open = OpenFile{};
  }

  void read_new(Followed& file, OpenFile& open, TimePoint now) {
    struct stat st {};

    if (::fstat(open.fd.get(), &st) != 0) return;
    if (static_cast<std::uint64_t>(st.st_size) <
        open.offset) {  // truncated: what is there now is new
      open.offset = 0;
      open.lines.clear();
      open.marks.emplace(file.position.path, open.device, open.inode);
    }
    for (;;) {
      const ssize_t n =
          ::pread(open.fd.get(), block_.data(), block_.size(), static_cast<off_t>(open.offset));
      if (n <= 0) return;
      const std::string_view bytes(block_.data(), static_cast<std::size_t>(n));
      if (output_.on_bytes) output_.on_bytes(file.position.source, file.position.stream, bytes);
      if (output_.on_line) open.lines.add(open.offset, bytes, now, text_sink(file, open));
      open.offset += bytes.size();
      if (bytes.size() < block_.size()) return;
    }
  }

  LineAssembler::OnText text_sink(Followed& file, OpenFile& open) {
    return [this, &file, &open](std::uint64_t begin, std::string_view text, bool ended) {
      LogLine line;
      line.ended = ended;
      line.text = text;
      const auto mark = open.marks->at(begin);
      if (mark) {
        line.wall_ns = mark->wall_ns;
        line.estimated = (mark->flags & model::kMarkEstimated) != 0;
      }
      const auto origin = origin_of(file.position, mark ? &*mark : nullptr);
      if (!origin) return;
      line.source = origin->source;
      line.stream = origin->stream;
      output_.on_line(line);
    };
  }

  Output output_;
  std::vector<Followed> files_;
  UniqueFd inotify_;
  std::map<std::string, int> directories_;  // watched ones
  std::set<std::string> unwatched_;         // do not exist (yet)
  std::multimap<int, std::size_t>
      by_watch_;  // inotify gives one watch per inode, whatever its names
  TimePoint look_again_;
  std::array<char, 64U << 10> block_{};
};

Follower::Follower(std::vector<LogPosition> positions, Output output)
    : impl_(std::make_unique<Impl>(std::move(positions), std::move(output))) {}

Follower::~Follower() = default;

Status Follower::start() {
  return impl_->start();
}

void Follower::add(std::vector<LogPosition> positions) {
  impl_->add(std::move(positions));
}

bool Follower::shares(const LogSource& source, std::size_t number) {
  return impl_->shares(source, number);
}

int Follower::fd() const {
  return impl_->fd();
}

int Follower::timeout_ms() const {
  return impl_->timeout_ms();
}

Status Follower::handle() {
  return impl_->handle();
}

Status Follower::run(const std::function<bool()>& keep_going) {
  constexpr int kLookMs = 1000;
  while (keep_going()) {
    const int timeout = timeout_ms();
    pollfd entry{fd(), POLLIN, 0};
    (void)::poll(&entry, 1,
                 timeout < 0 ? kLookMs : std::min(timeout, kLookMs));  // a signal ends it early
    if (Status handled = handle(); !handled) return handled;
  }
  return ok();
}

}  // namespace roost::cli
