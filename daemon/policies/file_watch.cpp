#include "daemon/policies/file_watch.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

#include "core/loop/loop.h"
#include "core/model/limits.h"
#include "daemon/log.h"

namespace roost::daemon {
namespace {

namespace limits = model::limits;
using model::AppId;

constexpr Duration kLookAgain = 2s;  // for a path that is not there

bool is_gone(std::uint32_t mask) {
  return (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
}

}  // namespace

FileWatch::FileWatch(loop::Loop& loop, loop::Worker& worker, Changed changed)
    : loop_(loop), worker_(worker), changed_(std::move(changed)) {}

FileWatch::~FileWatch() = default;

// ---- beginning and ending

bool FileWatch::open(Watched& watched) {
  if (inotify_) return true;
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) {
    watched.problem = errno_error("inotify", errno).message +
                      "; raise it: sysctl -w fs.inotify.max_user_instances=1024";
    log_warning("watch", watched.problem);
    return false;
  }
  inotify_ = std::make_shared<UniqueFd>(std::move(fd));
  poll_.emplace(loop_, inotify_->get(), [this](unsigned) { on_readable(); });
  (void)poll_->start(loop::Poll::readable);  // an inotify can always be polled
  return true;
}

void FileWatch::watch(AppId app, const model::SpecPtr& spec,
                      const std::vector<std::string>& never) {
  const auto known = apps_.find(app);
  if (known != apps_.end() && known->second.spec == spec) return;
  forget(app);
  Watched& watched = apps_[app];
  watched.spec = spec;
  watched.quiet = std::make_unique<loop::Timer>(loop_, [this, app] { on_quiet(app); });
  watched.retry = std::make_unique<loop::Timer>(loop_, [this, app] {
    const auto at = apps_.find(app);
    if (at != apps_.end()) begin(app, at->second);
  });
  std::vector<std::string> paths = spec->watch_paths;
  if (paths.empty()) paths.push_back(spec->cwd);
  for (std::string& path : paths)
    watched.orders.push_back({std::move(path), spec->ignore_watch, never});
  begin(app, watched);
}

// From scratch: also when directories have been lost sight of.
void FileWatch::begin(AppId app, Watched& watched) {
  for (auto& [number, directory] : directories_)
    std::erase_if(directory.listeners, [app](const Listener& one) { return one.app == app; });
  garbage_ = true;
  watched.serial = ++serial_;
  watched.scans = 0;
  watched.directories = 0;
  watched.problem.clear();
  watched.missing = false;
  if (!open(watched)) return;
  for (const WatchOrder& order : watched.orders)
    scan(app, [order](int inotify, std::size_t most) { return begin_watch(inotify, order, most); });
}

void FileWatch::scan(AppId app, std::function<WatchScan(int, std::size_t)> work) {
  Watched& watched = apps_.at(app);
  const std::size_t used = directories_.size();
  const std::size_t most =
      limits::kMaxWatchedDirectories - std::min(used, limits::kMaxWatchedDirectories);
  auto found = std::make_shared<WatchScan>();
  const Status submitted =
      worker_.submit([found, most, inotify = inotify_,
                      work = std::move(work)] { *found = work(inotify->get(), most); },
                     [this, found, app, serial = watched.serial] {
                       --scans_;
                       on_scanned(app, serial, std::move(*found));
                     });
  if (!submitted) return again_later(app, watched);
  ++scans_;
  ++watched.scans;
}

void FileWatch::again_later(AppId /*app*/, Watched& watched) {
  watched.retry->start(kLookAgain);
}

void FileWatch::on_scanned(AppId app, std::uint64_t serial, WatchScan found) {
  const auto at = apps_.find(app);
  const bool current = at != apps_.end() && at->second.serial == serial;
  for (WatchedDirectory& one : found.directories) {
    Directory& directory = directories_[one.number];
    directory.path = std::move(one.path);
    const Listener listener{app, found.scope};
    const bool known = std::find(directory.listeners.begin(), directory.listeners.end(),
                                 listener) != directory.listeners.end();
    if (current && !known) {
      directory.listeners.push_back(listener);
      ++at->second.directories;
    }
  }
  garbage_ = true;
  if (current) {
    Watched& watched = at->second;
    --watched.scans;
    if (!found.problem.empty()) {
      if (found.problem != watched.problem)
        log_warning("watch", "app=" + watched.spec->name + " " + found.problem);
      watched.problem = std::move(found.problem);
    }
    if (!found.scope) {
      watched.missing = true;
      again_later(app, watched);
    }
  }
  if (scans_ > 0) return;
  for (const Change& change : std::exchange(held_, {}))
    apply(change);
  collect();
}

void FileWatch::drop(AppId app) {
  forget(app);
  collect();
}

void FileWatch::forget(AppId app) {
  if (apps_.erase(app) == 0) return;
  for (auto& [number, directory] : directories_)
    std::erase_if(directory.listeners, [app](const Listener& one) { return one.app == app; });
  garbage_ = true;
}

void FileWatch::keep_only(const std::function<bool(AppId)>& wanted) {
  std::vector<AppId> others;
  for (const auto& [app, watched] : apps_)
    if (!wanted(app)) others.push_back(app);
  for (AppId app : others)
    drop(app);
}

// Not while a scan is under way: it may have been given the number of a directory that is taken
// away here.
void FileWatch::collect() {
  if (!garbage_ || scans_ > 0 || !inotify_) return;
  garbage_ = false;
  std::erase_if(directories_, [this](const auto& entry) {
    if (!entry.second.listeners.empty()) return false;
    (void)::inotify_rm_watch(inotify_->get(), entry.first);  // it may be gone by itself
    return true;
  });
}

// ---- changes

void FileWatch::on_readable() {
  alignas(inotify_event) char buffer[32 << 10];
  const ssize_t size = ::read(inotify_->get(), buffer, sizeof buffer);
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    at += static_cast<ssize_t>(sizeof *event + event->len);
    if ((event->mask & IN_Q_OVERFLOW) != 0)
      overflow();
    else
      on_change({event->wd, event->mask, event->len > 0 ? event->name : ""});
  }
}

void FileWatch::on_change(Change change) {
  if (scans_ == 0 || directories_.contains(change.number)) return apply(change);
  if (held_.size() < limits::kMaxHeldChanges) return held_.push_back(std::move(change));
  held_.clear();
  overflow();
}

void FileWatch::apply(const Change& change) {
  const auto at = directories_.find(change.number);
  if (at == directories_.end()) return;
  if ((change.mask & IN_IGNORED) != 0) {
    directories_.erase(at);
    return;
  }
  const std::string directory = at->second.path;
  const std::vector<Listener> listeners = at->second.listeners;
  if (is_gone(change.mask)) {
    for (const Listener& listener : listeners)
      if (const auto app = apps_.find(listener.app);
          app != apps_.end() && listener.scope->root == directory)
        app->second.retry->start(kLookAgain);  // the whole tree is gone, or has been replaced
    return;
  }
  const std::string path = directory + "/" + change.name;
  if ((change.mask & IN_ISDIR) != 0 && (change.mask & IN_MOVED_FROM) != 0) leave_below(path);
  for (const Listener& listener : listeners)
    tell(listener, path, change.mask);
}

void FileWatch::tell(const Listener& listener, const std::string& path, std::uint32_t mask) {
  const bool directory = (mask & IN_ISDIR) != 0;
  if (!apps_.contains(listener.app) || listener.scope->ignores(path, directory)) return;
  note(listener.app, listener.scope->name_of(path));
  const bool is_new = (mask & (IN_CREATE | IN_MOVED_TO)) != 0;
  if (directory && is_new && listener.scope->only.empty())
    scan(listener.app, [scope = listener.scope, path](int inotify, std::size_t most) {
      return extend_watch(inotify, scope, path, most);
    });
}

void FileWatch::note(AppId app, std::string_view file) {
  Watched& watched = apps_.at(app);
  const TimePoint now = Monotonic::now();
  if (watched.changes == 0) {
    watched.first_at = now;
    watched.first = file;
  }
  if (watched.changes == 0 || watched.last != file) ++watched.changes;
  watched.last = file;
  const Duration left = watched.first_at + limits::kLongestWatchDelay - now;
  watched.quiet->start(std::clamp<Duration>(left, 0s, watched.spec->watch_delay));
}

void FileWatch::on_quiet(AppId app) {
  const auto at = apps_.find(app);
  if (at == apps_.end()) return;
  Watched& watched = at->second;
  std::string what = std::exchange(watched.first, {});
  const std::size_t changes = std::exchange(watched.changes, 0);
  if (changes > 1) what += " and " + std::to_string(changes - 1) + " more";
  changed_(app, what + " changed");
}

// More has happened than the kernel has kept: everything may have changed, directories come up too.
void FileWatch::overflow() {
  log_warning("watch", "more changes than the kernel keeps; looking at everything anew");
  std::vector<AppId> all;
  for (const auto& [app, watched] : apps_)
    all.push_back(app);
  for (AppId app : all) {
    note(app, "more files than can be told");
    begin(app, apps_.at(app));
  }
}

// A directory was moved away with all that is in it: what happens there is not ours any more.
void FileWatch::leave_below(const std::string& path) {
  for (auto& [number, directory] : directories_) {
    const bool below = directory.path == path || directory.path.starts_with(path + "/");
    if (!below) continue;
    directory.listeners.clear();
    garbage_ = true;
  }
  collect();
}

// ---- questions

std::string FileWatch::state_of(AppId app) const {
  const auto at = apps_.find(app);
  if (at == apps_.end()) return {};
  const Watched& watched = at->second;
  if (watched.scans > 0) return "being looked into";
  std::string text = std::to_string(watched.directories) +
                     (watched.directories == 1 ? " directory" : " directories");
  return watched.problem.empty() ? text : text + "; " + watched.problem;
}

std::string FileWatch::problem_of(AppId app) const {
  const auto at = apps_.find(app);
  return at == apps_.end() || at->second.problem.empty() ? "" : "watch: " + at->second.problem;
}

}  // namespace roost::daemon
