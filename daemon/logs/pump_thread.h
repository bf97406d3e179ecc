// PumpThread: the pump's engine, without its queue: runs, their pipes, epoll, gates and retries.
// Everything here belongs to one thread, which calls turn() again and again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/epoll.h>

#include "daemon/logs/line_ledger.h"
#include "daemon/logs/log_files.h"
#include "daemon/logs/outbox.h"
#include "daemon/logs/pump.h"
#include "daemon/logs/relay.h"
#include "daemon/logs/run_tail.h"
#include "daemon/logs/terminals.h"

namespace roost::daemon {

struct PumpCounters {
  std::atomic<std::uint64_t> bytes{0}, batches{0}, marks{0}, discarded{0}, relayed{0};
  std::atomic<std::uint32_t> streams{0}, open_files{0}, stopped_files{0};
  std::atomic<bool> relaying{false};  // before it is taken out of its pipe
};

class PumpThread {
 public:
  struct LogStream {
    RunId run{};
    Stream which = Stream::out;
    UniqueFd pipe;            // closed: ended
    UniqueFd terminal;        // until it is read: what is to be moved into the pipe
    int terminal_errnum = 0;  // why it is not read, as it was told
    std::shared_ptr<Destination> to;
    bool taken_over = false;
    bool begun = false;     // it has written something; `span` is meaningful
    bool watched = false;   // in epoll
    bool held = false;      // in held_: its file is stopped
    bool flooding = false;  // its pipe is kept small, and emptied by way of the relay
    RunId before{};         // whose last words come first: the run that had the file until then
    bool drops = false;     // what its full disk does not take is thrown away
    TimePoint flooded_at;   // when it last came near to filling a small pipe
    std::uint64_t bytes = 0;
    std::uint64_t discarded = 0;
    RunSpan span;
    // For one that is written line by line.
    std::optional<model::LineRule> lines;
    std::shared_ptr<Destination> also;  // its second file, or null
    std::size_t longest_line = 0;       // a longer one is written in pieces
    std::size_t unended = 0;            // bytes of a line that wait in the pipe for their end
    TimePoint unended_until;            // then they are written
    bool takes_all = false;             // what there is of a line as well
    bool watched_for_more = false;      // in epoll edge-triggered: what is there is known
  };

  // wake_fd: an eventfd that others write to when there are commands; it is drained here.
  PumpThread(const Pump::Options& options, Outbox& outbox, PumpCounters& counters,
             LogProblems& problems, int wake_fd);

  Status start();
  // Waits until something is to be done; work() then does it.
  void wait();
  void work();

  // Pump::use_relay(); before any stream is attached.
  void use_relay(int pipe, int note);

  void leave_relay() { relay_is_used_ = false; }

  // From any thread, before attach(): whether the stream is watched. Its first event comes after
  // the caller has seen to it that attach() is called.
  [[nodiscard]] bool watch_early(LogStream& stream) const;
  void attach(std::unique_ptr<LogStream> stream, LogTarget target);
  void pass_on(RunId from, RunId to);
  // The process died at `since`.
  void finish(RunId run, TimePoint since);
  [[nodiscard]] std::string tail(RunId run, Stream which, int lines, std::size_t max_bytes);

  void reopen_files() { files_.forget_names(); }

  [[nodiscard]] FlushReport flush(const std::vector<LogTarget>& targets);

 private:
  static constexpr int kEventsPerTurn = 64;

  struct Run {
    std::array<std::unique_ptr<LogStream>, 2> streams;
    bool has_terminal = false;  // there is no other stream
    bool finishing = false;
    bool reported = false;  // a late attach after on_drained: nothing more is told
    bool gate_passed = false;
    bool cut_off = false;
  };

  struct FinishedStream {
    std::shared_ptr<Destination> to;  // null: no output
    RunSpan span;
  };

  struct Finished {
    RunId run{};
    std::array<FinishedStream, 2> streams;
  };
  enum class Moved : std::uint8_t { some, none, ended, stopped };

  [[nodiscard]] int wait_ms() const;
  void read_clocks();
  void on_event(LogStream& stream, unsigned events);
  Moved move(LogStream& stream, std::size_t most);
  void begin_output(LogStream& stream);
  void fit_pipe(LogStream& stream, std::size_t moved) const;
  void find_earlier_output(LogStream& stream);
  Moved failed(LogStream& stream, int errnum);
  Moved discard(LogStream& stream, std::size_t most);
  Moved drop(LogStream& stream, std::size_t most);
  [[nodiscard]] int tell_dropped(Destination& to);

  // The relay (pump_relay.cpp).
  [[nodiscard]] bool has_relayed(const LogStream& stream) const;
  [[nodiscard]] std::size_t bytes_of(const LogStream& stream) const;   // in relay and pipe
  [[nodiscard]] unsigned readiness_of(const LogStream& stream) const;  // the same for readiness()
  ssize_t take(LogStream& stream, std::size_t most);
  void settle_leftover();

  [[nodiscard]] bool read_terminal(LogStream& stream);

  // Lines (pump_lines.cpp).
  Moved move_lines(LogStream& stream, std::size_t most);
  [[nodiscard]] int open_ledger();
  [[nodiscard]] bool ledger_is_free(LogStream& stream);
  void settle_unfinished(LogStream& stream);
  [[nodiscard]] bool text_is_written(const LogStream& stream, const LineBatch& batch) const;
  [[nodiscard]] ssize_t peek(int pipe, std::size_t most);
  [[nodiscard]] std::string_view to_take(const LogStream& stream, std::string_view bytes,
                                         bool saw_all_it_wanted) const;
  [[nodiscard]] int write_lines(LogStream& stream, std::string_view bytes);
  [[nodiscard]] bool ready_also(LogStream& stream, std::size_t bytes);
  void lose_also(LogStream& stream, int errnum, std::size_t bytes);
  [[nodiscard]] Writer writer_of(const LogStream& stream) const;
  void compose(const LogStream& stream, LogFile& file, std::string_view bytes, std::string& text);
  Moved wait_for_end_of_line(LogStream& stream, std::size_t bytes);
  void watch_for_more(LogStream& stream, bool more_only);
  void write_unended();
  void tell_all_dropped();
  void set_state(Destination& to, Destination::State state, int errnum);
  void tell(LogProblem problem);

  void watch(LogStream& stream);
  void unwatch(LogStream& stream);
  void hold(LogStream& stream);
  void end(LogStream& stream);
  void end_span(LogStream& stream);

  void retry_held();
  void close_gates();
  void close_gate(RunId id);
  Moved drain_at_gate(LogStream& stream);
  Moved drain_pipe(LogStream& stream);
  void drain_before(LogStream& stream);
  void keep_waiting(RunId id);
  void cut(Run& run, LogStream& stream);
  void complete_if_done(RunId id);
  static void follow(Run& run, LogStream& stream);
  void report(RunId id, const Run& run);
  void note_finished(RunId id, const Run& run);
  [[nodiscard]] const Finished* find_finished(RunId run) const;
  void publish();

  const Pump::Options& options_;
  Outbox& outbox_;
  PumpCounters& counters_;
  LogProblems& problems_;
  int wake_fd_;
  UniqueFd epoll_;
  UniqueFd null_;
  LogFiles files_;
  Terminals terminals_;
  Turn turn_;
  std::array<epoll_event, kEventsPerTurn> events_{};
  int ready_ = 0;                // of events_
  std::uint64_t published_ = 0;  // LogFiles::opens() when the counters were last brought up to date
  std::unordered_map<RunId, Run> runs_;
  std::vector<LogStream*> held_;  // streams whose file is stopped, not watched meanwhile
  // Files that are owed a line about what was dropped; no more than there are streams and finished
  // runs that keep them.
  std::vector<std::shared_ptr<Destination>> owed_;
  // Not free between two batches: its stream is held, or it is the leftover_.
  Relay relay_;
  bool relay_is_used_ = true;  // filled, that is; what is in it is moved in any case
  // What an earlier daemon left in the relay goes there; null: nothing.
  std::shared_ptr<Destination> leftover_;
  TimePoint leftover_retry_at_;  // its own: the stream may be quicker, or drop what has no room
  LineLedger ledger_;
  int ledger_errnum_ = 0;  // why it is not open, as it was told
  UniqueFd peek_in_;       // a pipe of our own, for looks into others
  UniqueFd peek_out_;
  TimePoint settle_until_;            // for an unfinished batch: then its stream is not coming
  std::string peeked_;                // what was looked at
  std::array<std::string, 2> texts_;  // what is made of it
  std::vector<LogStream*> unended_;   // streams with `unended` bytes
  std::deque<std::pair<TimePoint, RunId>> gates_;  // in order of time
  std::deque<RunId> waiting_;                      // past their gate, held by a stopped file
  std::deque<Finished> finished_;
};

}  // namespace roost::daemon
