// What the apps of `roost run --log-format json` write, as JSON lines on our stdout. Bounded: while
// nobody reads our stdout the apps' pipes are not read either, so that they wait, as they would if
// they wrote there themselves. Single-threaded, for a program that waits in poll().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace roost::cli {

class LineOutput {
 public:
  // A new pipe of an app; the returned end is for the child.
  [[nodiscard]] Result<UniqueFd> open(std::string app, std::uint32_t slot, std::string_view type);

  // What to wait for; then what came of it.
  void add_to(std::vector<pollfd>& fds) const;
  void handle(const std::vector<pollfd>& fds);

  // Reads what is there, whoever still holds the other ends, and writes all of it, for a few
  // seconds at most.
  void finish();

 private:
  struct Source {
    std::string app;
    std::uint32_t slot = 0;
    std::string_view type;
    UniqueFd fd;
    std::string line;  // without its end so far
  };

  [[nodiscard]] bool full() const;
  void read_from(Source& source);
  void add_line(const Source& source, std::string_view line);
  void write_some();

  std::vector<Source> sources_;
  std::string pending_;
};

}  // namespace roost::cli
