// LogProblems: the log files that cannot be written now, for whoever shows the apps. The pump's
// thread notes and forgets them; any thread may look.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace roost::daemon {

// A log file that cannot be written. Errors that room or time can cure (ENOSPC, EDQUOT, EIO, EROFS,
// EMFILE…) stop its pipes and it is tried again twice a second; a refused target (symbolic link,
// FIFO, device, hard link, no permission) gets its output discarded meanwhile; so does a full
// disk's of streams that ask for it (OnFull::drop), and the file then says how much.
struct LogProblem {
  std::string path;
  int errnum = 0;
  enum class Kind : std::uint8_t { stopped, discarding, resumed } kind = Kind::stopped;
};

class LogProblems {
 public:
  // While a copy of it lives, the problem is there. It does not outlive the LogProblems.
  using Note = std::shared_ptr<const void>;

  [[nodiscard]] Note add(LogProblem problem);

  // Of any file. Cheap.
  [[nodiscard]] bool any() const { return count_.load(std::memory_order_relaxed) > 0; }

  [[nodiscard]] std::optional<LogProblem> find(const std::string& path) const;

 private:
  mutable std::mutex mutex_;
  std::multimap<std::string, LogProblem> found_;  // by path; with another owner's rights once more
  std::atomic<std::size_t> count_{0};
};

}  // namespace roost::daemon
