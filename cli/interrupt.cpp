#include "cli/interrupt.h"

#include <csignal>
#include <cstring>

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

}  // namespace

void on_interrupt(const char* message) {
  interrupt_message = message;

  struct sigaction before {};

  if (::sigaction(SIGINT, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;

  struct sigaction action {};

  action.sa_handler = interrupted;
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace roost::cli
