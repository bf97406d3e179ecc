// Outbox: what the pump thread has to tell the loop. However much there is, at most two posted
// functions are under way, so the loop's queue stays short. Closed, it tells nothing any more, also
// by a function already posted.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace roost::daemon {

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  using Item = std::function<void()>;
  using Post = std::function<void(std::function<void()>)>;

  // post_later: for what may wait until the loop wakes anyway.
  Outbox(Post post, Post post_later) : post_(std::move(post)), post_later_(std::move(post_later)) {}

  // From any thread.
  void put(Item item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
      if (std::exchange(posted_, true)) return;
    }
    post_([self = shared_from_this()] { self->deliver(); });
  }

  void put_later(Item item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
      if (posted_ || std::exchange(posted_later_, true)) return;
    }
    post_later_([self = shared_from_this()] { self->deliver(); });
  }

  [[nodiscard]] std::size_t size() {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

  // On the thread that delivers.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    items_.clear();
  }

 private:
  void deliver() {
    std::deque<Item> items;
    {
      const std::lock_guard lock(mutex_);
      posted_ = posted_later_ = false;
      items.swap(items_);
    }
    for (Item& item : items) {
      if (is_closed()) return;  // an item destroyed the pump
      item();
    }
  }

  bool is_closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  Post post_;
  Post post_later_;
  std::mutex mutex_;
  bool closed_ = false;  // guarded by mutex_, as the rest
  bool posted_ = false;
  bool posted_later_ = false;
  std::deque<Item> items_;
};

}  // namespace roost::daemon
