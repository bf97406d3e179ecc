// The terminal of an app that asks for one, in place of its pipes
// (docs/adr/0020-terminals-go-through-a-pipe.md).
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace roost::daemon {

struct TerminalSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
};

// The first two are passed on as the read ends of stdout and stderr of other apps are.
struct AppTerminal {
  UniqueFd pipe;    // non-blocking read end: what comes through the terminal goes on in there
  UniqueFd master;  // non-blocking; is never written to
  UniqueFd app;     // the app's 0, 1 and 2
};

// All close-on-exec; nobody's controlling terminal. It echoes nothing, and "\n" stays "\n". errno
// is told by the Error's caller through `errnum`.
[[nodiscard]] Result<AppTerminal> make_app_terminal(TerminalSize size, int& errnum);

// The number of the terminal whose master `fd` is, which no other has as long as somebody holds
// that; nothing of any other descriptor.
[[nodiscard]] std::optional<std::uint32_t> terminal_number(int fd);

}  // namespace roost::daemon
