// Pump: moves the output of runs from their pipes to their log files, on its own thread, by splice:
// a byte is in a pipe or in the file, never in between, so kill -9 of the daemon loses and
// doubles nothing. docs/design/log-path.md tells how.
//
// Guarantees: bytes arrive unchanged and in order; the memory used does not depend on what children
// write; a full disk stops the pipes of that file only (their writers block) and output goes on by
// itself; descriptors held for files stay below limits::kMaxOpenLogFiles. Methods may be called
// from any thread and never block; callbacks run where Options::post puts them (the loop's thread).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/model/app_spec.h"
#include "core/model/ids.h"
#include "core/model/limits.h"
#include "core/model/log_format.h"
#include "core/model/log_marks.h"
#include "daemon/logs/log_problems.h"

namespace roost::daemon {

using model::RunId;
using model::Stream;

struct FileOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Where a stream goes. The file is opened at the first byte (0600; missing directories are made,
// 0700). "/dev/null" discards.
struct LogTarget {
  std::string path;  // absolute
  std::optional<FileOwner>
      owner;  // root only: directories and file are opened and made with this user's rights
  model::OnFull on_full = model::OnFull::block;  // of this stream; others may share the file
  // Of this stream: it is written line by line, as docs/design/log-path.md tells; none: as it
  // comes.
  std::optional<model::LineRule> lines{};
  std::string also{};  // with `lines`: a second file for the same; empty: none
};

struct DrainReport {
  std::uint64_t out_bytes = 0;  // moved since this pump attached the stream
  std::uint64_t err_bytes = 0;
  std::uint64_t discarded = 0;  // not written: the target was refused, or its disk full (drop)
  bool cut_off = false;  // somebody still held a pipe when the exit gate closed; what came later is
                         // not in the log
};

struct FlushReport {
  std::uint32_t files = 0;
  std::uint64_t bytes = 0;           // that the files had
  std::vector<LogProblem> failed{};  // files left as they are
};

struct PumpStats {
  std::uint64_t bytes = 0;
  std::uint64_t batches = 0;
  std::uint64_t marks = 0;
  std::uint64_t discarded = 0;
  std::uint64_t relayed = 0;     // of the bytes, those by way of the relay
  std::uint32_t streams = 0;     // attached now
  std::uint32_t open_files = 0;  // log files open now; each may have a sidecar open besides
  std::uint32_t stopped_files = 0;
};

class Pump {
 public:
  struct Options {
    std::function<void(std::function<void()>)> post;  // to the loop; thread-safe (Loop::post)
    // The same for ends of output, which nobody waits for (Loop::post_later); empty: post.
    std::function<void(std::function<void()>)> post_later;
    std::function<void(RunId, const DrainReport&)>
        on_drained;  // once for each run: after finish(), or when both its streams are at their end
    std::function<void(const LogProblem&)>
        on_problem;  // when it begins, changes and ends; not each retry
    // Files below it are the daemon's own whatever LogTarget::owner says, and the ledger of streams
    // written line by line is there. Absolute; empty: no such streams.
    std::string log_dir;
    std::array<std::uint8_t, 16> boot_id{};  // what a ledger of another boot tells is over
    Duration exit_gate = model::limits::kExitGate;
    Duration retry_after = 500ms;
    Duration unended_line = model::limits::kUnendedLine;  // what there is of one is written then
    std::size_t max_open_fds = model::limits::kMaxOpenLogFiles;  // log files and sidecars together
    std::size_t pipe_bytes = model::limits::kPipeBytes;
  };

  // A run taken over from an earlier daemon may have written before; tail() then looks for its
  // beginning in the marks.
  enum class Origin : std::uint8_t { fresh, taken_over };

  explicit Pump(Options options);
  ~Pump();  // joins; unread output stays in the pipes for whoever holds them as well
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  Status start();

  // Asks the thread to end; nothing is called back any more. Once it has ended, pipes stay open
  // until destruction, for somebody to hand on. A file system that hangs may hold it up.
  void stop();
  [[nodiscard]] bool stopped() const;

  // For apps that fill their pipes: the descriptors of make_relay() (daemon/logs/relay.h), which
  // the keeper holds as well; they stay open until the pump is destroyed. What is in the pipe goes
  // to its file before anything else. Once, before any attach(); without it splice does it all.
  void use_relay(int pipe, int note);
  // Nothing more goes into it.
  void leave_relay();

  // Takes the read end of a stream; the thread is not woken before it has output. After finish() of
  // that run it is drained as far as it is full, then closed.
  void attach(RunId run, Stream stream, UniqueFd pipe, LogTarget target,
              Origin origin = Origin::fresh);
  // The same for Stream::out of a run that has a terminal instead of pipes: what comes out of
  // `master` (non-blocking) is moved through `pipe` (its read end). Nobody else reads either, and
  // nobody has the pipe open for writing. Both are kept by somebody, or kill -9 loses what is
  // there.
  void attach_terminal(RunId run, UniqueFd pipe, UniqueFd master, LogTarget target,
                       Origin origin = Origin::fresh);

  // The streams of a run that was attached and not finished go on as those of another, which has
  // the same pipes and has written nothing yet. `from` is over: of its output nothing is in the
  // pipes, nor may be in the relay, and on_drained is not called for it. The thread is not woken.
  void pass_on(RunId from, RunId to);
  // Whether something may be in the relay. What is in no pipe then is in its file.
  [[nodiscard]] bool is_relaying() const;

  // The process is dead: each stream is drained to its end, or for Options::exit_gate at most, and
  // closed; on_drained follows, if it was not told before, also for a run that was never attached.
  // A file stopped by a full disk may hold this up for longer (the bytes are safe in the pipe);
  // only when kMaxHeldRuns wait so is the oldest cut off.
  static constexpr std::size_t kMaxHeldRuns = 64;
  void finish(RunId run);
  // The same without waking the thread: the end of the output, which usually comes with that of the
  // process, wakes it. The gate counts from this call, also when finish() follows.
  void expect_end(RunId run);

  // The last `lines` lines, at most `max_bytes`, that this run wrote to the stream, cut at line
  // beginnings where possible. Works until both its streams have ended and for the last
  // kFinishedKept finished ones; empty when unknown or when kMaxTails wait.
  static constexpr std::size_t kFinishedKept = 256;
  static constexpr std::size_t kMaxTails = 1024;
  void tail(RunId run, Stream stream, int lines, std::size_t max_bytes,
            std::function<void(std::string)> done);

  // All open files are closed and opened again by path at their next byte (after a rotation by
  // rename).
  void reopen_files();

  // Empties files, between two batches of theirs: what was written before is gone, what comes later
  // is there. Files that do not exist are passed over. `done` where Options::post puts it.
  void flush(std::vector<LogTarget> targets, std::function<void(FlushReport)> done);

  [[nodiscard]] PumpStats stats() const;

  // Which log files cannot be written now.
  [[nodiscard]] const LogProblems& problems() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost::daemon
