// MarksWriter: appends to the marks sidecar of one log file (layout: core/model/log_marks.h). A
// mark is one pwrite made before its bytes reach the log, so that kill -9 leaves no byte without
// one. Failing to write marks is tolerated: times are lost then, output is not. Used on the pump
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/unique_fd.h"
#include "core/model/log_marks.h"
#include "daemon/logs/log_open.h"

namespace roost::daemon {

class MarksWriter {
 public:
  // Above this size every second one of the older marks is dropped (the newest quarter stays
  // complete).
  static constexpr std::uint64_t kMaxBytes = 4U << 20;

  explicit MarksWriter(std::uint64_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // Opens or makes the sidecar of `log_path`; marks of another file, or at offsets the file does
  // not have, are dropped. A file with bytes before the first mark gets one for them, estimated as
  // `modified_ns`.
  void open(const LogTarget& target, const OpenedLog& log);

  void close() { fd_.reset(); }

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

  // A mark at the offset of the last one replaces it.
  void add(const model::Mark& mark);
  // The log was cut to `size`.
  void truncate(std::uint64_t size);
  // Whether the sidecar's name still names what is open.
  [[nodiscard]] bool is_in_place() const;

  [[nodiscard]] const model::Mark* last() const { return fd_ && count_ > 0 ? &last_ : nullptr; }

  // Of the last mark; 0 if there is none.
  [[nodiscard]] std::uint64_t last_seq() const { return count_ > 0 ? last_.seq : 0; }

 private:
  bool load(const OpenedLog& log);
  bool begin(const OpenedLog& log);
  bool write_at(std::uint64_t index, const model::Mark& mark);
  [[nodiscard]] std::string path() const;
  void thin_out();
  bool replace_by_thinned();
  bool copy_thinned(int to);

  std::uint64_t max_bytes_;
  LogTarget target_;  // of the log; path() is beside it
  UniqueFd fd_;
  model::MarksHeader header_;
  std::uint64_t count_ = 0;
  model::Mark last_;  // meaningful when count_ > 0
};

// The first mark of `run_tag` among the last marks of a sidecar (at most 65,536 of them are looked
// at): where the run's output begins in the log `id`. Nothing when the sidecar does not tell.
[[nodiscard]] std::optional<std::uint64_t> find_run_begin(const std::string& log_path, FileId id,
                                                          std::uint32_t run_tag);

}  // namespace roost::daemon
