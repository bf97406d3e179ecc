#include "daemon/process/probe_queue.h"

#include <utility>

namespace roost::daemon {

void ProbeQueue::add(Make make, ProbeChild::Done done) {
  waiting_.push_back({std::move(make), std::move(done)});
  if (running_.size() >= most_) return;
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  begin(std::move(next));
}

// One that is not wanted any more takes its place for a turn, too: so nothing recurses.
void ProbeQueue::begin(Waiting next) {
  const std::uint64_t number = ++last_number_;
  auto plan = next.make();
  auto finished = [this, number, done = std::move(next.done)](ProbeOutcome outcome) {
    on_done(number, done, std::move(outcome));
  };
  auto& child = running_[number];
  if (plan)
    child = std::make_unique<ProbeChild>(loop_, worker_, std::move(*plan), std::move(finished));
  else
    loop_.defer([finished = std::move(finished)] {
      ProbeOutcome unwanted;
      unwanted.tried = false;
      finished(std::move(unwanted));
    });
}

void ProbeQueue::on_done(std::uint64_t number, const ProbeChild::Done& done, ProbeOutcome outcome) {
  const ProbeChild::Done tell = done;  // it goes with the child
  running_.erase(number);
  if (!waiting_.empty() && running_.size() < most_) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(next));
  }
  tell(std::move(outcome));
}

}  // namespace roost::daemon
