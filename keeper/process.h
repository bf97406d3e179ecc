// What the keeper does to its own process and to files: log lines, pid file, priorities, exit
// status by pidfd. No heap, no stdio.
#pragma once

#include <initializer_list>

#include "keeper/table.h"

namespace roost::keeper {

struct Pair {
  const char* name;
  long long value;
};

// Appends one line to roostd.log in the directory `home`. Failures are ignored: there is nobody to
// tell.
void log_line(int home, const char* text, std::initializer_list<Pair> pairs);

// Puts kOriginalVariable into the environment (unless it is there), then takes what a keeper
// needs: umask 077, all descriptors the hard limit allows, the OOM killer's favour.
// Returns the number of descriptors this process may have.
std::uint32_t take_privileges();

// New session, subreaper, name, /dev/null as 0-2, signals.
void become_keeper();

bool write_pid_file(int home);
void remove_pid_file(int home);

// What a pidfd tells about a process that is not our child. The status needs Linux 6.15 and comes
// when its parent has reaped it; `final`: it will not become more exact.
struct PidfdView {
  bool dead = false;
  bool final = false;
  ExitFact fact;
};

PidfdView look_at_pidfd(int pidfd);

// Opens "/proc/<number><file>", or below another directory.
int open_proc(int number, const char* file, int flags, const char* directory = "/proc/");

// Decimal digits of `n` in `text`, which is returned.
const char* write_number(char (&text)[24], int n);

std::uint64_t monotonic_ms();
std::uint64_t random_epoch();

}  // namespace roost::keeper
