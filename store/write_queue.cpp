#include "store/write_queue.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace roost::store {
namespace {

// Keys of the puts seen so far, walking from the newest batch to the oldest.
class SeenKeys {
 public:
  // True when a newer op makes this one pointless.
  bool is_superseded(const Op& op) {
    return std::visit([this](const auto& one) { return seen_before(one); }, op);
  }

 private:
  bool seen_before(const PutApp& op) { return !apps_.insert(model::raw(op.app)).second; }

  bool seen_before(const PutInstance& op) {
    return !instances_.insert(model::raw(op.instance)).second;
  }

  bool seen_before(const PutRun& op) { return !runs_.insert(model::raw(op.run)).second; }

  bool seen_before(const SetMeta& op) { return !meta_.insert(op.key).second; }

  // A deletion stays: it takes more with it than its own row. A put before it is pointless.
  bool seen_before(const DeleteApp& op) { return note(apps_, model::raw(op.app)); }

  bool seen_before(const DeleteInstance& op) { return note(instances_, model::raw(op.instance)); }

  bool seen_before(const DeleteRun& op) { return note(runs_, model::raw(op.run)); }

  bool seen_before(const AddExit&) { return false; }

  bool seen_before(const AddChange&) { return false; }

  template <class Set, class Key>
  static bool note(Set& set, Key key) {
    set.insert(key);
    return false;
  }

  std::unordered_set<std::uint32_t> apps_;
  std::unordered_set<std::uint32_t> instances_;
  std::unordered_set<std::uint64_t> runs_;
  std::set<std::string> meta_;  // copies: removing an op moves its neighbours
};

bool is_exit(const Op& op) {
  return std::holds_alternative<AddExit>(op);
}

}  // namespace

void WriteQueue::recount() {
  weight_ = 0;
  durable_ = 0;
  for (const PendingBatch& batch : batches_) {
    weight_ += batch.weight();
    durable_ += batch.durability == Durability::durable ? 1 : 0;
  }
}

// A durable batch is written as it was given: its caller waits for one answer about all of it.
void WriteQueue::compact() {
  SeenKeys seen;
  std::vector<std::size_t> doomed;
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch) {
    if (batch->durability == Durability::durable) continue;
    doomed.clear();
    for (std::size_t i = batch->ops.size(); i-- > 0;)
      if (seen.is_superseded(batch->ops[i])) doomed.push_back(i);
    for (const std::size_t i : doomed)
      batch->ops.erase(batch->ops.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::erase_if(batches_, [](const PendingBatch& batch) { return batch.weight() == 0; });
  recount();
}

void WriteQueue::drop_oldest_exits(std::size_t wanted, Pushed& result) {
  const std::size_t target = weight_ > wanted ? weight_ - wanted : 0;
  for (PendingBatch& batch : batches_) {
    if (weight_ <= target) break;
    if (batch.durability == Durability::durable) continue;
    const std::size_t before = batch.weight();
    const std::size_t dropped = std::erase_if(batch.ops, is_exit);
    if (dropped == 0) continue;
    result.dropped_exits += dropped;
    if (batch.done) result.failed.push_back(std::exchange(batch.done, nullptr));
    weight_ -= before - batch.weight();
  }
  std::erase_if(batches_, [](const PendingBatch& batch) { return batch.weight() == 0; });
}

// Room for this much more, if shrinking and forgetting can make it.
void WriteQueue::make_room(std::size_t weight, Pushed& result) {
  if (weight_ >= compact_at_ || weight_ + weight > cap_) {
    compact();
    compact_at_ = std::max<std::size_t>(1024, weight_ * 2);
  }
  // An eighth at once, so that a full queue is not searched for every batch.
  if (weight_ + weight > cap_) drop_oldest_exits(weight_ + weight - cap_ + cap_ / 8, result);
}

WriteQueue::Pushed WriteQueue::push(PendingBatch& batch) {
  Pushed result;
  const std::size_t weight = batch.weight();
  make_room(weight, result);
  if (weight_ + weight > cap_) {
    result.accepted = false;
    return result;
  }
  weight_ += weight;
  durable_ += batch.durability == Durability::durable ? 1 : 0;
  batches_.push_back(std::move(batch));
  return result;
}

std::deque<PendingBatch> WriteQueue::take() {
  in_flight_ = std::exchange(weight_, 0);
  durable_ = 0;
  return std::exchange(batches_, {});
}

WriteQueue::Pushed WriteQueue::give_back(std::deque<PendingBatch> batches) {
  in_flight_ = 0;
  batches.insert(batches.end(), std::make_move_iterator(batches_.begin()),
                 std::make_move_iterator(batches_.end()));
  batches_ = std::move(batches);
  recount();
  Pushed result;
  make_room(0, result);
  return result;
}

}  // namespace roost::store
