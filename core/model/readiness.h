// When a run that has been started counts as online, and what an app can say about itself: over
// its channel (Node's protocol) or its notify socket (sd_notify's). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.h"
#include "core/model/app_spec.h"

namespace roost::model {

// Why roost ends a run that nobody asked to end; a run that fails is a crash.
enum class Failing : std::uint8_t { no, not_ready, unhealthy, watchdog, overtime };
// "not ready within 3s", "no WATCHDOG=1 within 5s", "unhealthy".
[[nodiscard]] std::string in_words(Failing failing, const AppSpec& spec);
// Whether the recorded reason of an exit begins with that of Failing::overtime.
[[nodiscard]] bool tells_overtime(std::string_view reason);

enum class ReadyBy : std::uint8_t {
  age,   // it has lived for min_ready
  word,  // it has said so; without a word within listen_timeout it has failed
  probe  // a health probe has passed
};

// What makes a run of this app online. A word of the app always does; a passed probe does where
// there is one and no word is required.
[[nodiscard]] ReadyBy ready_by(const AppSpec& spec);
// The time after the start at which ReadyBy::age makes it online and ReadyBy::word makes it fail;
// nothing for a probe, whose failures are counted instead.
[[nodiscard]] std::optional<Duration> ready_timer(const AppSpec& spec);

// Whether its runs get a channel.
[[nodiscard]] bool wants_channel(const AppSpec& spec);

// What an instance's run takes of the daemon's descriptors, beyond limits::kFdsPerRun: a channel;
// of a terminal, the writing end of its pipe.
[[nodiscard]] std::size_t further_descriptors(const AppSpec& spec);

// One message on the channel, without its newline.
enum class ChannelWord : std::uint8_t {
  ready,   // process.send('ready')
  handle,  // carries a descriptor: the sender waits for an acknowledgement
  other
};
[[nodiscard]] ChannelWord parse_channel_line(std::string_view line);

// What one datagram on the notify socket says; other assignments of sd_notify are ignored.
struct NotifyWords {
  bool ready = false;             // READY=1
  bool alive = false;             // WATCHDOG=1
  bool watchdog_trigger = false;  // WATCHDOG=trigger: the app itself says that it does not work
  friend bool operator==(const NotifyWords&, const NotifyWords&) = default;
};

[[nodiscard]] NotifyWords parse_notify(std::string_view datagram);

}  // namespace roost::model
