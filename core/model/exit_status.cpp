#include "core/model/exit_status.h"

#include <charconv>

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

int signal_number(std::string_view word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc{} && end == word.data() + word.size())
    return number >= 1 && number < NSIG ? number : 0;
  std::string name(word);
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal)
    if (const char* known = ::sigabbrev_np(signal); known != nullptr && name == known)
      return signal;
  return 0;
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
