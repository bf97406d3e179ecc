// LogFiles: finds the LogFile of a path, keeps one per (device, inode), and closes the least
// recently written ones so that no more than a given number of descriptors is open. Pump thread
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/logs/log_file.h"
#include "daemon/logs/log_problems.h"

namespace roost::daemon {

// One path that streams write to.
struct Destination {
  enum class State : std::uint8_t { fine, stopped, refused };

  LogTarget target;
  std::shared_ptr<LogFile>
      file;  // null before the first byte, and when the path has to be looked up again
  State state = State::fine;
  int errnum = 0;             // when not fine: why
  LogProblems::Note problem;  // when not fine: it, for others to see
  TimePoint retry_at;         // when not fine
  model::RunId last_run{};    // that was attached to it
  TimePoint names_at;         // when the names were checked
  // Bytes thrown away because there was no room, and of whom the last ones were; the file is told
  // as soon as there is room for that.
  std::uint64_t dropped = 0;
  Writer dropped_of;
};

class LogFiles {
 public:
  LogFiles(std::string log_dir, std::size_t max_fds)
      : log_dir_(std::move(log_dir)), max_fds_(max_fds) {}

  [[nodiscard]] std::shared_ptr<Destination> destination(LogTarget target);
  // Makes `to.file` open, checked, and the most recently used one. Returns 0 or why not.
  int make_ready(Destination& to, const Turn& turn);
  // Every path is looked up again at its next byte.
  void forget_names();
  // Below the daemon's own directory for logs, where nothing is another user's to change.
  [[nodiscard]] bool is_ours(const std::string& path) const;

  [[nodiscard]] Sequence& sequence() { return sequence_; }

  [[nodiscard]] std::size_t open_files() const;

  [[nodiscard]] std::uint64_t opens() const { return opens_; }  // so far

 private:
  int open(Destination& to, const Turn& turn);
  std::shared_ptr<LogFile> find_or_make(FileId id);
  void make_room(const LogFile* except);

  std::string log_dir_;
  std::size_t max_fds_;
  Sequence sequence_;
  std::uint64_t opens_ = 0;
  std::uint64_t uses_ = 0;                      // clock of LogFile::last_used
  std::vector<std::weak_ptr<LogFile>> opened_;  // those open, and some that were
  std::map<FileId, std::weak_ptr<LogFile>> files_;
  std::unordered_map<std::string, std::weak_ptr<Destination>> destinations_;
  std::size_t purge_at_ = 64;  // entries of the two maps together
};

}  // namespace roost::daemon
