// Follower: gives what is added to log files as it comes, by inotify. Files may appear later, be
// truncated (reading starts again at 0), or be renamed away and made anew (the old one is read to
// its end first). Single-threaded, for a program that waits in poll(): watch fd(), and call
// handle() when it is readable or timeout_ms() has passed.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "cli/logs/log_reader.h"
#include "core/base/result.h"

namespace roost::cli {

class Follower {
 public:
  // Exactly one of the two is set: whole lines (a piece without newline after 200 ms, lines cut at
  // kMaxShownLine), or bytes verbatim. Callbacks run inside handle().
  struct Output {
    OnLine on_line;
    OnBytes on_bytes;
  };

  // Goes on from `positions` (LogReader::positions()): nothing is missed or given twice in between.
  Follower(std::vector<LogPosition> positions, Output output);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  Status start();
  // Further files, once it has begun.
  void add(std::vector<LogPosition> positions);
  // Whether it reads the source's merged files already; their lines of its slot are of source
  // `number` from now on.
  [[nodiscard]] bool shares(const LogSource& source, std::size_t number);
  [[nodiscard]] int fd() const;
  // For poll(): until a piece of a line is due or files have to be looked at again; -1 = no limit.
  [[nodiscard]] int timeout_ms() const;
  // Gives what has come. Fails only when inotify itself fails.
  Status handle();
  // handle() in a loop until keep_going() is false, looked at at least every second.
  Status run(const std::function<bool()>& keep_going);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost::cli
