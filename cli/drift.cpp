#include "cli/drift.h"

#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/model/limits.h"

namespace roost::cli {
namespace {

constexpr std::size_t kMostNames = 3;

// Without the hash.
std::optional<model::FileStamp> look_at(const std::string& path) {
  struct stat file {};

  if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return std::nullopt;
  model::FileStamp stamp;
  stamp.mtime_ns = file.st_mtim.tv_sec * 1'000'000'000LL + file.st_mtim.tv_nsec;
  stamp.size = static_cast<std::uint64_t>(file.st_size);
  return stamp;
}

bool has_changed(const ipc::ConfigFile& known) {
  const auto now = look_at(known.file);
  if (!now || now->size != known.stamp.size) return true;
  if (now->mtime_ns == known.stamp.mtime_ns) return false;
  const auto whole = stamp_of(known.file);
  return !whole || whole->hash != known.stamp.hash;
}

std::string names_of(const std::vector<std::string>& apps) {
  std::string names;
  for (std::size_t i = 0; i < apps.size() && i < kMostNames; ++i)
    names += (i == 0 ? "" : ", ") + apps[i];
  if (apps.size() > kMostNames)
    names += " and " + std::to_string(apps.size() - kMostNames) + " more";
  return names;
}

}  // namespace

std::optional<model::FileStamp> stamp_of(const std::string& path) {
  auto stamp = look_at(path);
  if (!stamp) return std::nullopt;
  const auto text = read_file(path, model::limits::kMaxConfigBytes);
  if (!text) return std::nullopt;
  stamp->hash = model::content_hash(*text);
  return stamp;
}

void find_drift(std::vector<ipc::ConfigFile>& files) {
  for (ipc::ConfigFile& file : files)
    file.changed = has_changed(file);
}

std::vector<std::string> drift_lines(const std::vector<ipc::ConfigFile>& files) {
  std::vector<std::string> lines;
  for (const ipc::ConfigFile& file : files) {
    if (!file.changed) continue;
    const bool gone = !look_at(file.file);
    lines.push_back(names_of(file.apps) + ": " + file.file +
                    (gone ? " cannot be read any more"
                          : " has changed since it was applied (roost plan " + file.file + ")"));
  }
  return lines;
}

}  // namespace roost::cli
