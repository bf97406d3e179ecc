// LogFile: one log file, whatever its names and however many pipes feed it; owns the offset at
// which the next byte goes. The pump is its only writer; whoever truncates it is noticed before the
// next batch. Pump thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/model/log_format.h"
#include "daemon/logs/log_open.h"
#include "daemon/logs/marks_writer.h"

namespace roost::daemon {

// Time and order of receipt. Read once per turn of the pump.
struct Turn {
  TimePoint now;
  std::int64_t wall_ns = 0;
};

// Who writes a batch.
struct Writer {
  std::uint32_t run_tag = 0;
  Stream stream = Stream::out;
  std::uint32_t slot = 0;   // of the instance, where several share the file
  bool told_apart = false;  // a mark whenever the writer changes

  [[nodiscard]] bool is(const Writer& other) const {
    return run_tag == other.run_tag && stream == other.stream;
  }
};

// Hands out the order of marks: grows strictly, follows the wall clock where that goes forward, and
// never falls behind a mark found in a sidecar, so that it goes on growing in the next daemon.
class Sequence {
 public:
  std::uint64_t next(std::int64_t wall_ns) {
    const auto wall = static_cast<std::uint64_t>(wall_ns > 0 ? wall_ns : 0);
    last_ = wall > last_ ? wall : last_ + 1;
    return last_;
  }

  void not_before(std::uint64_t seq) { last_ = seq > last_ ? seq : last_; }

 private:
  std::uint64_t last_ = 0;
};

class LogFile {
 public:
  // At most one mark per kMarkSpacing; under sustained output one per kMarkRefill (kMarkBurst may
  // be saved up).
  static constexpr Duration kMarkSpacing = 1ms;
  static constexpr Duration kMarkRefill = 4ms;
  static constexpr int kMarkBurst = 64;

  explicit LogFile(FileId id) : id_(id) {}

  std::uint64_t last_used = 0;  // kept by LogFiles

  void open(OpenedLog log, const LogTarget& target, Sequence& sequence);
  void close();

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

  [[nodiscard]] std::size_t descriptors() const {
    return (fd_ ? 1U : 0U) + (marks_.is_open() ? 1U : 0U);
  }

  [[nodiscard]] FileId id() const { return id_; }

  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  [[nodiscard]] bool discards() const { return discards_; }

  // Brings the offset in line with a file that somebody else has cut or written to. Before each
  // batch.
  void check_size(const Turn& turn, Sequence& sequence);
  // Once in a while: does `target` still name this file, and the sidecar's name the sidecar?
  // Reopens the latter if not.
  [[nodiscard]] bool check_names(const LogTarget& target, Sequence& sequence);
  // Notes the receipt of the bytes that come next. Before the batch itself. Returns whether a mark
  // was made.
  bool mark(const Turn& turn, Writer writer, Sequence& sequence);
  // Moves up to `most` bytes. Returns what splice returns: bytes, 0 at the end of the pipe, or -1
  // and errno.
  ssize_t take(int pipe, std::size_t most);
  // Writes a line of our own, whole or not at all; it begins a line whatever was written before.
  // Returns 0 or why not.
  [[nodiscard]] int write_line(std::string_view line);
  // What `writer` would go on from.
  [[nodiscard]] model::FileEnd end_for(Writer writer);
  // Writes text of one writer, whole or not at all. Returns 0 or why not.
  [[nodiscard]] int write(std::string_view text, Writer writer);
  // Takes back what is behind `offset`. Returns 0 or why not.
  [[nodiscard]] int cut_to(std::uint64_t offset);

 private:
  enum class Tail : std::uint8_t { unknown, line, piece };

  [[nodiscard]] bool ends_a_line() const;
  [[nodiscard]] int write_whole(std::string_view bytes);
  bool mark_due(const Turn& turn, Writer writer);

  FileId id_;
  UniqueFd fd_;
  bool discards_ = false;
  std::uint64_t offset_ = 0;
  MarksWriter marks_;
  TimePoint marked_at_;
  TimePoint tokens_at_;
  int tokens_ = kMarkBurst;
  Writer marked_for_;
  Tail tail_ = Tail::unknown;  // how the file ends
  Writer tail_of_;             // for a piece: whose it is
};

}  // namespace roost::daemon
