// ProbeQueue: probes (probe_child.h) of one kind, a limited number at once; further ones wait for
// their turn, in the order in which they came. Loop thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/loop/loop.h"
#include "daemon/process/probe_child.h"

namespace roost::daemon {

class ProbeQueue {
 public:
  // When its turn has come; nothing: it is not wanted any more.
  using Make = std::function<std::optional<ProbePlan>()>;

  ProbeQueue(loop::Loop& loop, loop::Worker& worker, std::size_t most)
      : loop_(loop), worker_(worker), most_(most) {}

  // `done` is called once, in a later turn; with `tried` false when it was not wanted any more.
  void add(Make make, ProbeChild::Done done);

 private:
  struct Waiting {
    Make make;
    ProbeChild::Done done;
  };

  void begin(Waiting next);
  void on_done(std::uint64_t number, const ProbeChild::Done& done, ProbeOutcome outcome);

  loop::Loop& loop_;
  loop::Worker& worker_;
  std::size_t most_;
  std::map<std::uint64_t, std::unique_ptr<ProbeChild>> running_;
  std::deque<Waiting> waiting_;  // bounded by who asks: one for each instance
  std::uint64_t last_number_ = 0;
};

}  // namespace roost::daemon
