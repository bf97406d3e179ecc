// What waits to be written, with a cap. Pure: no lock, no database. Order is kept; only background
// puts of one key may shrink to the newest, and only when the queue is long.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "store/records.h"
#include "store/store.h"

namespace roost::store {

struct PendingBatch {
  Batch ops;
  Durability durability = Durability::background;
  Store::Done done;

  // What it counts against the cap: a waiting answer is something to keep, too.
  [[nodiscard]] std::size_t weight() const { return ops.size() + (done ? 1 : 0); }
};

class WriteQueue {
 public:
  explicit WriteQueue(std::size_t cap) : cap_(cap) {}

  struct Pushed {
    bool accepted = true;             // false: full of what cannot be dropped
    std::uint64_t dropped_exits = 0;  // made room by forgetting these
    std::vector<Store::Done> failed;  // answers owed to the batches whose exits were dropped
  };

  // Leaves `batch` alone when it is not accepted.
  Pushed push(PendingBatch& batch);
  // Everything, in order, to be written. While it is away the cap goes for what is pushed
  // meanwhile: a slow disk must not make the newest state the one that is refused. So at most twice
  // the cap is ever held.
  [[nodiscard]] std::deque<PendingBatch> take();

  void finished() { in_flight_ = 0; }

  // The batches of take() that were not written, in order; they come before what was pushed since.
  // What is over the cap then goes the way it goes in push().
  Pushed give_back(std::deque<PendingBatch> batches);

  [[nodiscard]] bool empty() const { return batches_.empty(); }

  [[nodiscard]] bool has_durable() const { return durable_ > 0; }

  [[nodiscard]] std::size_t size() const { return weight_ + in_flight_; }

 private:
  void recount();
  void compact();
  void make_room(std::size_t weight, Pushed& result);
  void drop_oldest_exits(std::size_t wanted, Pushed& result);

  std::size_t cap_;
  std::deque<PendingBatch> batches_;
  std::size_t weight_ = 0;     // of batches_
  std::size_t in_flight_ = 0;  // of what take() gave out
  std::size_t durable_ = 0;    // batches
  std::size_t compact_at_ = 1024;
};

}  // namespace roost::store
