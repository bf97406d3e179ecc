// Bus: facts that happened, told to whoever listens after the turn in which they happened. So a
// listener that starts or removes an app never does so in the middle of someone's loop over apps.
// Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/loop/loop.h"
#include "core/model/exit_status.h"
#include "core/model/ids.h"

namespace roost::daemon {

struct Event {
  enum class Kind : std::uint8_t {
    added,         // the instance exists; it has no run yet
    enrolled,      // a job is on its schedule
    started,       // the run has a process
    online,        // the run has proved itself
    held,          // it waits for what it depends on, `reason`; with `failure`: in vain so far
    spawn_failed,  // no process came to be; `reason` says why
    run_over,      // a run and its whole tree are gone
    stopped,       // the wait for the next try was called off: there is no run
    deleted        // the instance is forgotten; `name` and `slot` are what it was
  };
  Kind kind = Kind::online;
  model::InstanceId instance{};
  model::RunId run{};
  std::int32_t pid = 0;  // started, online, run_over
  model::ExitStatus status{};
  Duration ran_for = 0s;
  Duration ago = 0s;      // when nobody waited for it, it may be told late
  bool asked = false;     // run_over: somebody asked for it
  int processes = 0;      // run_over: of its tree that were ended, itself included
  int killed = 0;         // run_over: of these, how many needed SIGKILL
  std::string failure{};  // run_over: roost ended it since it did not work; in words
  std::string reason{};
  std::string name{};  // with ns and slot, deleted: nobody can be asked any more
  std::string ns{};
  std::uint32_t slot = 0;
};

class Bus {
 public:
  using Listener = std::function<void(const Event&)>;
  using Token = std::uint64_t;

  explicit Bus(loop::Loop& loop) : loop_(loop) {}

  // Of what happens from now on, until unsubscribe(); allowed from inside a listener.
  [[nodiscard]] Token subscribe(Listener listener) {
    listeners_.emplace(++last_token_, Subscription{std::move(listener), last_event_});
    return last_token_;
  }

  void unsubscribe(Token token) { listeners_.erase(token); }

  void publish(Event event) {
    if (queue_.empty()) loop_.defer([this] { deliver(); });
    queue_.push_back({++last_event_, std::move(event)});
  }

 private:
  struct Subscription {
    Listener listener;
    std::uint64_t since = 0;
  };

  struct Numbered {
    std::uint64_t number = 0;
    Event event;
  };

  void deliver() {
    const std::vector<Numbered> events = std::exchange(queue_, {});
    for (const Numbered& numbered : events) {
      std::vector<Token> tokens;
      for (const auto& [token, subscription] : listeners_)
        if (subscription.since < numbered.number) tokens.push_back(token);
      for (Token token : tokens)
        if (auto it = listeners_.find(token); it != listeners_.end())
          Listener(it->second.listener)(numbered.event);
    }
  }

  loop::Loop& loop_;
  std::map<Token, Subscription> listeners_;
  std::vector<Numbered> queue_;  // bounded by the work of one turn
  Token last_token_ = 0;
  std::uint64_t last_event_ = 0;
};

}  // namespace roost::daemon
