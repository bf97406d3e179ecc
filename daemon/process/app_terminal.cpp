#include "daemon/process/app_terminal.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "daemon/process/app_pipe.h"

namespace roost::daemon {

namespace {

bool set_up(int app, TerminalSize size) {
  termios settings{};
  if (::tcgetattr(app, &settings) != 0) return false;
  settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  const winsize window{.ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  return ::tcsetattr(app, TCSANOW, &settings) == 0 && ::ioctl(app, TIOCSWINSZ, &window) == 0;
}

}  // namespace

Result<AppTerminal> make_app_terminal(TerminalSize size, int& errnum) {
  auto pipe = make_app_pipe(open_own_descriptors().get(), errnum);
  if (!pipe) return std::move(pipe).error();
  AppTerminal terminal{.pipe = std::move(pipe->read), .master = {}, .app = {}};
  constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  terminal.master.reset(::open("/dev/ptmx", kFlags | O_NONBLOCK));
  const int unlocked = 0;
  if (terminal.master && ::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) == 0)
    terminal.app.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, kFlags));
  if (terminal.app && set_up(terminal.app.get(), size)) return terminal;
  errnum = errno;
  return errno_error("terminal", errnum);
}

std::optional<std::uint32_t> terminal_number(int fd) {
  unsigned number = 0;
  if (::ioctl(fd, TIOCGPTN, &number) != 0) return std::nullopt;
  return number;
}

}  // namespace roost::daemon
