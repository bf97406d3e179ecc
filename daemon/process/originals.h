// What roost itself had when it was started: its children get it back, whatever keeper and daemon
// changed for themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/base/result.h"

namespace roost::daemon {

struct Originals {
  int oom_score_adj = 0;
  std::uint64_t nofile = 1024;  // soft limit; the hard limit is never changed by roost
  mode_t umask = 022;
  int nice = 0;
};

// The values of the calling process, now. Changes and restores the umask: call it before there are
// threads.
[[nodiscard]] Originals read_originals();
// oom_score_adj and nice only; safe at any time.
[[nodiscard]] Originals read_priorities();
// The value of ROOST_ORIGINAL as the keeper sets it (keeper/protocol.h):
// "oom=0,nofile=1024,umask=22,nice=0". Every field must be there; unknown ones are ignored.
[[nodiscard]] Result<Originals> parse_originals(std::string_view text);

}  // namespace roost::daemon
