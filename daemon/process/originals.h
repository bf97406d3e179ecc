// What roost itself had when it was started: its children get it back, whatever keeper and daemon
// changed for themselves.
#pragma once

#include <string>

#include <sys/resource.h>
#include <sys/types.h>

#include "core/base/result.h"

namespace roost::daemon {

struct Originals {
  int oom_score_adj = 0;
  rlimit nofile{};  // soft limit is restored; the hard limit is never changed by roost
  mode_t umask = 022;
  int nice = 0;
};

// The values of the calling process, now. Changes and restores the umask: call it before there are
// threads.
[[nodiscard]] Originals read_originals();
// One word, "oom_score_adj:nofile_soft:nofile_hard:umask:nice", for handing them to the next
// process (argv or environment).
[[nodiscard]] std::string format_originals(const Originals& originals);
[[nodiscard]] Result<Originals> parse_originals(std::string_view text);

}  // namespace roost::daemon
