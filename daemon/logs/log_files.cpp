#include "daemon/logs/log_files.h"

#include <algorithm>
#include <utility>

namespace roost::daemon {
namespace {
constexpr Duration kCheckNamesEvery = 1s;

template <class Map>
void purge(Map& map) {
  std::erase_if(map, [](const auto& entry) { return entry.second.expired(); });
}
}  // namespace

// Nothing below the daemon's directory is another user's to change; but ".." must not lead out of
// it.
bool LogFiles::is_ours(const std::string& path) const {
  return !log_dir_.empty() && path.starts_with(log_dir_ + "/") &&
         path.find("/../") == std::string::npos;
}

std::shared_ptr<Destination> LogFiles::destination(LogTarget target) {
  if (is_ours(target.path)) target.owner.reset();
  std::string key = target.path;
  if (target.owner) key += '\0' + std::to_string(target.owner->uid);
  std::weak_ptr<Destination>& known = destinations_[key];
  if (auto found = known.lock()) {
    found->names_at = TimePoint();  // whoever comes new goes where the path leads now
    return found;
  }
  auto made = std::make_shared<Destination>();
  made->target = std::move(target);
  known = made;
  if (destinations_.size() + files_.size() > purge_at_) {
    purge(destinations_);
    purge(files_);
    purge_at_ = 64 + 2 * (destinations_.size() + files_.size());
  }
  return made;
}

int LogFiles::make_ready(Destination& to, const Turn& turn) {
  if (to.file && to.file->is_open() && turn.now >= to.names_at) {
    to.names_at = turn.now + kCheckNamesEvery;
    if (!to.file->check_names(to.target, sequence_)) to.file.reset();  // renamed away or deleted
  }
  if (!to.file || !to.file->is_open()) {
    if (const int errnum = open(to, turn); errnum != 0) return errnum;
  }
  to.file->last_used = ++uses_;
  to.file->check_size(turn, sequence_);
  return 0;
}

int LogFiles::open(Destination& to, const Turn& turn) {
  if (!is_ours(to.target.path)) to.target.owner = owner_of_way(to.target.path);
  OpenedLog log = open_log(to.target);
  if (!log.fd) return log.errnum;
  to.file = find_or_make(log.id);
  to.names_at = turn.now + kCheckNamesEvery;
  if (to.file->is_open()) return 0;  // by another of its names
  to.file->open(std::move(log), to.target, sequence_);
  ++opens_;
  opened_.push_back(to.file);
  make_room(to.file.get());
  return 0;
}

std::shared_ptr<LogFile> LogFiles::find_or_make(FileId id) {
  std::weak_ptr<LogFile>& known = files_[id];
  auto file = known.lock();
  if (!file) known = file = std::make_shared<LogFile>(id);
  return file;
}

void LogFiles::make_room(const LogFile* except) {
  std::size_t fds = 0;
  std::erase_if(opened_, [&](const auto& weak) {
    const auto file = weak.lock();
    if (!file || !file->is_open()) return true;
    fds += file->descriptors();
    return false;
  });
  while (fds > max_fds_ && opened_.size() > 1) {
    const auto least = std::min_element(opened_.begin(), opened_.end(), [&](auto& a, auto& b) {
      const auto used = [&](auto& file) {
        return file.get() == except ? uses_ + 1 : file->last_used;
      };
      const auto first = a.lock();
      const auto second = b.lock();
      return used(first) < used(second);
    });
    const auto victim = least->lock();
    fds -= victim->descriptors();
    victim->close();
    opened_.erase(least);
  }
}

void LogFiles::forget_names() {
  for (auto& [key, weak] : destinations_)
    if (const auto destination = weak.lock()) destination->file.reset();
}

std::size_t LogFiles::open_files() const {
  return static_cast<std::size_t>(
      std::count_if(opened_.begin(), opened_.end(), [](const auto& weak) {
        const auto file = weak.lock();
        return file && file->is_open();
      }));
}

}  // namespace roost::daemon
