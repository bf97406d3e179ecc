// How a process ended, exactly; and what could not be known is said to be unknown, never 0.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/record.h"

namespace roost::model {

enum class ExitKind : std::uint8_t { exited, signaled, unknown };

struct ExitStatus {
  ExitKind kind = ExitKind::unknown;
  int code = 0;    // exited: 0–255
  int signal = 0;  // signaled
  bool core = false;

  static constexpr auto fields();
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// From siginfo's si_code (CLD_*; anything else is unknown) and si_status, as the keeper reports
// them.
[[nodiscard]] ExitStatus exit_status_from(int cld_code, int status);
// "exit code 7", "SIGSEGV (core dumped)", "unknown exit status".
[[nodiscard]] std::string describe(const ExitStatus& status);
// "SIGTERM", or "signal 63" for one without a name.
[[nodiscard]] std::string signal_name(int signal);
// "HUP", "sighup", "1"; 0 when there is no such signal.
[[nodiscard]] int signal_number(std::string_view word);

[[nodiscard]] inline bool is_success(const ExitStatus& s) {
  return s.kind == ExitKind::exited && s.code == 0;
}

}  // namespace roost::model

template <>
struct roost::EnumNames<roost::model::ExitKind> {
  static constexpr std::array<std::pair<roost::model::ExitKind, std::string_view>, 3> values{
      {{roost::model::ExitKind::exited, "exited"},
       {roost::model::ExitKind::signaled, "signaled"},
       {roost::model::ExitKind::unknown, "unknown"}}};
};

constexpr auto roost::model::ExitStatus::fields() {
  return std::tuple{req("kind", &ExitStatus::kind, "exited, signaled or unknown"),
                    opt("code", &ExitStatus::code, "exit code, 0 to 255, of an exited process"),
                    opt("signal", &ExitStatus::signal, "number of the signal that ended it"),
                    opt("core", &ExitStatus::core, "whether core was dumped")};
}
