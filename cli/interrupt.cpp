#include "cli/interrupt.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/time.h>
#include <unistd.h>

#include "cli/exit_codes.h"

namespace roost::cli {
namespace {

// What a signal handler may look at; written before the handler is installed.
const char* volatile interrupt_message = "";

extern "C" void interrupted(int /*signal*/) {
  const char* message = interrupt_message;
  (void)!::write(STDERR_FILENO, message, std::strlen(message));  // nothing else could be done
  ::_exit(static_cast<int>(ExitCode::interrupted));
}

constexpr char kStillWaiting[] =
    "roost: this takes a while; Ctrl-C ends the waiting, what was asked for goes on\n";
constexpr time_t kSlow = 3;  // s

extern "C" void still_waiting(int /*signal*/) {
  const int error = errno;
  (void)!::write(STDERR_FILENO, kStillWaiting, sizeof kStillWaiting - 1);
  errno = error;
}

void remark_when_slow() {
  struct sigaction action {};

  action.sa_handler = still_waiting;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval once{{0, 0}, {kSlow, 0}};
  ::setitimer(ITIMER_REAL, &once, nullptr);
}

}  // namespace

void on_interrupt(const char* message, const GlobalOptions& options) {
  interrupt_message = message;
  if (*message != '\0' && !options.silent && !options.json && ::isatty(STDERR_FILENO) == 1)
    remark_when_slow();

  struct sigaction before {};

  if (::sigaction(SIGINT, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;

  struct sigaction action {};

  action.sa_handler = interrupted;
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace roost::cli
