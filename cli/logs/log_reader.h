// LogReader: the last lines of a set of log files, in the order they were received. Reads the files
// and their marks sidecars directly (docs/log-marks.md), backwards from the end in blocks, with
// memory bounded by what is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/log_marks.h"

namespace roost::cli {

// One instance of an app. Paths may be empty, equal (both streams in one file), or name files that
// do not exist.
struct LogSource {
  std::string label;
  std::string out_path;
  std::string err_path;
  // The files are those of all instances: of their lines, those of this slot are wanted.
  std::optional<std::uint32_t> slot{};
};

struct LogLine {
  std::size_t source = 0;  // index into the sources
  model::Stream stream = model::Stream::out;
  std::int64_t wall_ns = 0;  // when it was received, Unix time; 0 = not known
  bool estimated = false;    // the time is an estimate
  bool ended =
      true;  // false: text is a piece of a line that has not ended (Follower, after 200 ms)
  std::string_view text;  // without the newline; valid during the call. Lines above kMaxShownLine
                          // are cut, and say so
};

using OnLine = std::function<void(const LogLine&)>;
// Verbatim bytes (raw mode): what the files hold, newlines included.
using OnBytes =
    std::function<void(std::size_t source, model::Stream stream, std::string_view bytes)>;

inline constexpr std::size_t kMaxShownLine = 64U << 10;
inline constexpr std::size_t kMaxLines = 1'000'000;  // shown for each source

struct StreamChoice {
  bool out = true;
  bool err = true;
};

// Where reading of a file stopped: what a Follower goes on from.
struct LogPosition {
  std::size_t source = 0;
  model::Stream stream = model::Stream::out;
  std::string path;
  std::uint64_t device = 0;  // 0 and inode 0: the file did not exist
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  bool shared = false;  // both streams go to this file; which one a line is of, its mark tells
  std::optional<model::Stream> only;               // of a shared file: the stream that is wanted
  std::map<std::uint32_t, std::size_t> by_slot{};  // of a merged file: sources by slot; empty: none
};

// Whose a line is; nothing: not one of those that are wanted. `mark`: null when there is none.
struct LineOrigin {
  std::size_t source = 0;
  model::Stream stream = model::Stream::out;
};

[[nodiscard]] std::optional<LineOrigin> origin_of(const LogPosition& file, const model::Mark* mark);

class LogReader {
 public:
  LogReader(std::vector<LogSource> sources, StreamChoice choice);

  // The last `lines` lines of each source (its streams together), all sources merged in order of
  // receipt. Lines of one file keep their order; a line has the time of the mark at or before its
  // first byte. A last line without newline counts.
  Status last_lines(std::size_t lines, const OnLine& on_line);
  // The same lines, byte for byte: with their newlines, and whole. One that has not ended is ended
  // where another follows.
  Status last_bytes(std::size_t lines, const OnBytes& on_bytes);

  // After last_*: the ends of what was given; before: the present ends of the files.
  [[nodiscard]] const std::vector<LogPosition>& positions();

  [[nodiscard]] const std::vector<LogSource>& sources() const { return sources_; }

 private:
  Status take_positions();

  std::vector<LogSource> sources_;
  StreamChoice choice_;
  std::vector<LogPosition> positions_;
};

}  // namespace roost::cli
