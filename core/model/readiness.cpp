#include "core/model/readiness.h"

#include <algorithm>

#include "core/model/restart_policy.h"

namespace roost::model {
namespace {

// Bun marks internal messages by this byte.
constexpr char kBunMark = '\x02';

constexpr std::string_view kOvertime = "not done within ";

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

}  // namespace

ReadyBy ready_by(const AppSpec& spec) {
  if (spec.wait_ready) return ReadyBy::word;
  return spec.health ? ReadyBy::probe : ReadyBy::age;
}

std::optional<Duration> ready_timer(const AppSpec& spec) {
  switch (ready_by(spec)) {
    case ReadyBy::age:
      return spec.min_ready;
    case ReadyBy::word:
      return spec.listen_timeout;
    case ReadyBy::probe:
      break;
  }
  return std::nullopt;
}

std::string in_words(Failing failing, const AppSpec& spec) {
  switch (failing) {
    case Failing::no:
      break;
    case Failing::not_ready:
      return "not ready within " + in_words(spec.listen_timeout);
    case Failing::unhealthy:
      return "unhealthy";
    case Failing::watchdog:
      return "no WATCHDOG=1 within " + in_words(spec.watchdog);
    case Failing::overtime:
      return std::string(kOvertime) + in_words(spec.job_timeout);
  }
  return {};
}

bool tells_overtime(std::string_view reason) {
  return reason.starts_with(kOvertime);
}

bool wants_channel(const AppSpec& spec) {
  if (spec.ipc || spec.shutdown_with_message) return true;
  if (spec.kind != ExecKind::interpreter) return false;
  const std::string_view program = std::string_view(spec.interpreter);
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return name == "node" || name == "nodejs" || name == "bun";
}

std::size_t further_descriptors(const AppSpec& spec) {
  return (wants_channel(spec) ? 1U : 0U) + (spec.tty ? 1U : 0U);
}

// Both forms are JSON.stringify's, which puts no blanks and keeps the order of the members.
ChannelWord parse_channel_line(std::string_view line) {
  line = trimmed(line);
  if (line == R"("ready")") return ChannelWord::ready;
  if (line.starts_with(kBunMark)) line.remove_prefix(1);
  return line.starts_with(R"({"cmd":"NODE_HANDLE",)") ? ChannelWord::handle : ChannelWord::other;
}

NotifyWords parse_notify(std::string_view datagram) {
  NotifyWords words;
  while (!datagram.empty()) {
    const std::string_view line = datagram.substr(0, datagram.find('\n'));
    datagram.remove_prefix(std::min(line.size() + 1, datagram.size()));
    words.ready = words.ready || line == "READY=1";
    words.alive = words.alive || line == "WATCHDOG=1";
    words.watchdog_trigger = words.watchdog_trigger || line == "WATCHDOG=trigger";
  }
  return words;
}

}  // namespace roost::model
