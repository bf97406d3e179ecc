// SendQueue: bytes on their way to a client that may be slow. In pieces, so that it is never copied
// to grow and costs little more than what waits.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace roost::daemon {

class SendQueue {
 public:
  // `append(std::string&)` adds bytes at the end.
  template <class Append>
  void add(Append append) {
    if (pieces_.empty()) {
      pieces_.emplace_back();
    } else if (pieces_.back().size() >= kPiece) {
      pieces_.emplace_back().reserve(kPiece);  // the client is slow: this one will fill up, too
    }
    const std::size_t before = pieces_.back().size();
    append(pieces_.back());
    size_ += pieces_.back().size() - before;
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }

  [[nodiscard]] std::size_t size() const { return size_; }

  // Not empty: what is to be written next.
  [[nodiscard]] std::string_view front() const {
    return std::string_view(pieces_.front()).substr(written_);
  }

  // The first `bytes` of front() are written.
  void consume(std::size_t bytes) {
    written_ += bytes;
    size_ -= bytes;
    if (written_ < pieces_.front().size()) return;
    written_ = 0;
    pieces_.pop_front();
    if (pieces_.empty()) std::exchange(pieces_, {});
  }

 private:
  static constexpr std::size_t kPiece = 64U << 10;  // a piece takes no more when it has so much

  std::deque<std::string> pieces_;
  std::size_t written_ = 0;  // of the first one
  std::size_t size_ = 0;
};

}  // namespace roost::daemon
