#include "core/model/exit_status.h"

#include <doctest/doctest.h>
#include <signal.h>

using namespace roost::model;

TEST_CASE("exit status: an exit code is the low byte") {
  CHECK(exit_status_from(CLD_EXITED, 0) == ExitStatus{ExitKind::exited, 0, 0, false});
  CHECK(exit_status_from(CLD_EXITED, 7) == ExitStatus{ExitKind::exited, 7, 0, false});
  CHECK(exit_status_from(CLD_EXITED, 256 + 255).code == 255);
}

TEST_CASE("exit status: a signal is a signal and never a code") {
  const ExitStatus killed = exit_status_from(CLD_KILLED, SIGKILL);
  CHECK(killed == ExitStatus{ExitKind::signaled, 0, SIGKILL, false});
  CHECK_FALSE(is_success(killed));
  CHECK(exit_status_from(CLD_DUMPED, SIGSEGV) == ExitStatus{ExitKind::signaled, 0, SIGSEGV, true});
}

TEST_CASE("exit status: what cannot be known is unknown and no success") {
  for (const int code : {0, -1, int{CLD_STOPPED}, int{CLD_CONTINUED}, int{CLD_TRAPPED}, 99}) {
    CAPTURE(code);
    CHECK(exit_status_from(code, 0).kind == ExitKind::unknown);
    CHECK_FALSE(is_success(exit_status_from(code, 0)));
  }
}

TEST_CASE("exit status: is described in words") {
  CHECK(describe({ExitKind::exited, 7, 0, false}) == "exit code 7");
  CHECK(describe({ExitKind::signaled, 0, SIGTERM, false}) == "SIGTERM");
  CHECK(describe({ExitKind::signaled, 0, SIGSEGV, true}) == "SIGSEGV (core dumped)");
  CHECK(describe({ExitKind::signaled, 0, 63, false}) == "signal 63");
  CHECK(describe({}) == "unknown exit status");
}

TEST_CASE("exit status: only code 0 is a success") {
  CHECK(is_success({ExitKind::exited, 0, 0, false}));
  CHECK_FALSE(is_success({ExitKind::exited, 1, 0, false}));
}

TEST_CASE("signals: by name, with or without SIG, or by number") {
  CHECK(signal_number("HUP") == 1);
  CHECK(signal_number("sigusr2") == 12);
  CHECK(signal_number("64") == 64);
  for (const char* word : {"", "SIG", "0", "65", "-1", "SIGNOPE", "15x"}) {
    CAPTURE(word);
    CHECK(signal_number(word) == 0);
  }
}
