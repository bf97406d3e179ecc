#include "daemon/keeper_watch.h"

#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "core/model/limits.h"
#include "daemon/log.h"

namespace roost::daemon {

namespace {

bool is_off() {
  const char* switched = std::getenv("ROOST_WATCHDOG");
  return switched != nullptr && std::string_view(switched) == "off";
}

}  // namespace

KeeperWatch::KeeperWatch(loop::Loop& loop, std::function<bool()> must_ping)
    : timer_(loop, [this] { on_silence(); }),
      must_ping_(std::move(must_ping)),
      keeper_(::getppid()),
      off_(is_off()) {}

void KeeperWatch::on_sign() {
  continued_ = false;
  if (!off_) timer_.start(model::limits::kKeeperSilence);
}

// What it sent while this daemon itself was held up is read after this: it begins anew then.
void KeeperWatch::on_silence() {
  if (!must_ping_() || ::getppid() != keeper_) return;
  const bool last = std::exchange(continued_, true);
  log_warning("keeper", "pid=" + std::to_string(keeper_) + " gives no sign of life: " +
                            (last ? "killing it" : "sending it SIGCONT"));
  (void)::kill(keeper_, last ? SIGKILL : SIGCONT);
  if (!last) timer_.start(model::limits::kKeeperPatience);
}

}  // namespace roost::daemon
