#include "daemon/logs/log_problems.h"

#include <utility>

namespace roost::daemon {

LogProblems::Note LogProblems::add(LogProblem problem) {
  const std::lock_guard lock(mutex_);
  std::string path = problem.path;
  const auto at = found_.emplace(std::move(path), std::move(problem));
  ++count_;
  return {nullptr, [this, at](std::nullptr_t) {
            const std::lock_guard again(mutex_);
            found_.erase(at);
            --count_;
          }};
}

std::optional<LogProblem> LogProblems::find(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto at = found_.find(path);
  if (at == found_.end()) return std::nullopt;
  return at->second;
}

}  // namespace roost::daemon
