#include "core/model/exit_status.h"

#include <signal.h>
#include <string.h>

namespace roost::model {

ExitStatus exit_status_from(int cld_code, int status) {
  switch (cld_code) {
    case CLD_EXITED:
      return {.kind = ExitKind::exited, .code = status & 0xff};
    case CLD_KILLED:
      return {.kind = ExitKind::signaled, .signal = status};
    case CLD_DUMPED:
      return {.kind = ExitKind::signaled, .signal = status, .core = true};
    default:
      return {};
  }
}

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal); name != nullptr) return std::string("SIG") + name;
  return "signal " + std::to_string(signal);
}

std::string describe(const ExitStatus& status) {
  switch (status.kind) {
    case ExitKind::exited:
      return "exit code " + std::to_string(status.code);
    case ExitKind::signaled:
      return signal_name(status.signal) + (status.core ? " (core dumped)" : "");
    case ExitKind::unknown:
      break;
  }
  return "unknown exit status";
}

}  // namespace roost::model
