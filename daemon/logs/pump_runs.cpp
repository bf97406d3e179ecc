// PumpThread, second half: runs, their exit gates, reports and tails.
#include <algorithm>
#include <cerrno>
#include <string>

#include <poll.h>

#include "core/base/check.h"
#include "core/base/kill_point.h"
#include "daemon/logs/pipe_state.h"
#include "daemon/logs/pump_thread.h"

namespace roost::daemon {

void PumpThread::attach(std::unique_ptr<LogStream> stream, LogTarget target) {
  const RunId id = stream->run;
  const bool late = runs_.find(id) == runs_.end() && find_finished(id) != nullptr;
  Run& run = runs_[id];
  auto& place = run.streams[index_of(stream->which)];
  if (!ROOST_EXPECT(!place, "a stream is attached once")) return unwatch(*stream);
  place = std::move(stream);
  run.has_terminal = run.has_terminal || place->terminal;
  place->drops = target.on_full == model::OnFull::drop;
  place->lines = std::move(target.lines);
  target.lines.reset();
  if (const std::string also = std::exchange(target.also, {});
      place->lines && !also.empty() && also != target.path)
    place->also =
        files_.destination({.path = also, .owner = target.owner, .on_full = model::OnFull::drop});
  place->to = files_.destination(std::move(target));
  follow(run, *place);
  counters_.streams.fetch_add(1, std::memory_order_relaxed);
  // An earlier daemon's bytes of it come first; and nobody writes to the pipe without its terminal.
  if (has_relayed(*place) || !read_terminal(*place))
    hold(*place);
  else if (!place->watched)
    watch(*place);
  if (late) run.finishing = run.reported = true;
  if (late || run.gate_passed) gates_.emplace_front(turn_.now, id);
}

// Whose last words come before its first.
void PumpThread::follow(Run& run, LogStream& stream) {
  if (stream.to->last_run != stream.run)
    stream.before = std::exchange(stream.to->last_run, stream.run);
  else if (const auto& other = run.streams[1 - index_of(stream.which)])
    stream.before = other->before;  // both into one file
}

void PumpThread::pass_on(RunId from, RunId to) {
  const auto found = runs_.find(from);
  if (!ROOST_EXPECT(found != runs_.end() && !runs_.contains(to), "a run goes on as another"))
    return;
  Run run = std::move(found->second);
  runs_.erase(found);
  for (const auto& stream : run.streams)
    if (stream) end_span(*stream);
  note_finished(from, run);
  Run& now = runs_.emplace(to, std::move(run)).first->second;
  for (const auto& stream : now.streams) {
    if (!stream) continue;
    stream->run = to;
    stream->taken_over = stream->begun = stream->flooding = false;
    stream->bytes = stream->discarded = 0;
    stream->span = {};
    stream->to->names_at = TimePoint();  // as of one that comes new
    follow(now, *stream);
  }
}

// Whether it is read, if it has one. That it cannot be may pass: there are no descriptors, or no
// watches.
bool PumpThread::read_terminal(LogStream& stream) {
  if (!stream.terminal) return true;
  Destination& to = *stream.to;
  const int errnum = terminals_.add(stream.run, stream.terminal, stream.pipe.get());
  to.retry_at = turn_.now + options_.retry_after;
  if (errnum != std::exchange(stream.terminal_errnum, errnum))
    tell({to.target.path, errnum,
          errnum == 0 ? LogProblem::Kind::resumed : LogProblem::Kind::stopped});
  if (errnum == 0 && runs_.at(stream.run).finishing) terminals_.finish(stream.run);
  return errnum == 0;
}

void PumpThread::finish(RunId id, TimePoint since) {
  auto found = runs_.find(id);
  if (found == runs_.end()) {
    if (find_finished(id) != nullptr) return;  // told already
    found = runs_.try_emplace(id).first;
  }
  if (std::exchange(found->second.finishing, true)) return;
  terminals_.finish(id);
  complete_if_done(id);
  if (runs_.contains(id)) gates_.emplace_back(since + options_.exit_gate, id);
}

void PumpThread::close_gates() {
  while (!gates_.empty() && gates_.front().first <= turn_.now) {
    const RunId id = gates_.front().second;
    gates_.pop_front();
    close_gate(id);
  }
}

void PumpThread::close_gate(RunId id) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;  // completed before its gate
  Run& run = found->second;
  run.gate_passed = true;
  kill_point("pump.gate");
  std::array<LogStream*, 2> to_end{};
  bool stopped = false;
  for (const auto& stream : run.streams) {
    if (!stream || !stream->pipe) continue;
    const Moved last = drain_at_gate(*stream);
    stopped = stopped || last == Moved::stopped;
    if (last == Moved::stopped) continue;
    if (last == Moved::none) run.cut_off = true;
    to_end[index_of(stream->which)] = stream.get();
  }
  if (stopped) keep_waiting(id);
  // The last one may complete the run, which destroys it.
  for (LogStream* stream : to_end)
    if (stream != nullptr) end(*stream);
}

// What a terminal holds comes a little at a time. Not for ever: somebody may go on writing.
PumpThread::Moved PumpThread::drain_at_gate(LogStream& stream) {
  Moved last = Moved::none;
  std::size_t fed = 0;
  for (bool more = true; more && last == Moved::none && fed < kBatchBytes;) {
    const std::size_t bytes = stream.which == Stream::out ? terminals_.move(stream.run) : 0;
    last = drain_pipe(stream);
    fed += bytes;
    more = bytes > 0;
  }
  return last;
}

// A restart may be quicker than we are: the last words of the run before come before the first
// ones. Lines are whole in any order.
void PumpThread::drain_before(LogStream& stream) {
  const auto found = runs_.find(std::exchange(stream.before, RunId{}));
  if (found == runs_.end()) return;
  for (const auto& last : found->second.streams)
    if (last && last->watched && last->to == stream.to && !last->lines) (void)drain_at_gate(*last);
}

// Moves what is in the pipe now. `ended`: and there will be no more; `none`: somebody may still
// write.
PumpThread::Moved PumpThread::drain_pipe(LogStream& stream) {
  std::size_t left = bytes_of(stream);
  stream.takes_all = true;
  for (;;) {
    const unsigned events = readiness_of(stream);
    if ((events & POLLIN) == 0) return (events & POLLHUP) != 0 ? Moved::ended : Moved::none;
    const bool finite = (events & POLLHUP) != 0;
    if (!finite && left == 0) return Moved::none;
    const std::uint64_t before = stream.bytes + stream.discarded;
    const Moved moved = move(stream, finite ? kBatchBytes : std::min(left, kBatchBytes));
    if (moved != Moved::some) return moved;
    left -= std::min<std::size_t>(left, stream.bytes + stream.discarded - before);
  }
}

// A full disk keeps the rest in the pipe. It may wait there, but not in any number.
void PumpThread::keep_waiting(RunId id) {
  if (std::find(waiting_.begin(), waiting_.end(), id) == waiting_.end()) waiting_.push_back(id);
  while (waiting_.size() > Pump::kMaxHeldRuns) {
    const RunId oldest = waiting_.front();
    waiting_.pop_front();
    const auto found = runs_.find(oldest);
    if (found == runs_.end()) continue;
    found->second.cut_off = true;
    std::array<LogStream*, 2> open{};
    for (const auto& stream : found->second.streams)
      if (stream && stream->pipe) open[index_of(stream->which)] = stream.get();
    for (LogStream* stream : open)
      if (stream != nullptr) end(*stream);
  }
}

void PumpThread::complete_if_done(RunId id) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  Run& run = found->second;
  for (const auto& stream : run.streams)
    if (stream ? stream->pipe.get() >= 0 : !run.finishing && !run.has_terminal)
      return;  // without a stream: it may be on its way
  std::erase(waiting_, id);
  if (!run.reported) report(id, run);
  runs_.erase(found);
}

void PumpThread::note_finished(RunId id, const Run& run) {
  Finished finished;
  finished.run = id;
  for (const auto& stream : run.streams)
    if (stream && stream->begun)
      finished.streams[index_of(stream->which)] = {stream->to, stream->span};
  finished_.push_back(std::move(finished));
  if (finished_.size() > Pump::kFinishedKept) finished_.pop_front();
}

void PumpThread::report(RunId id, const Run& run) {
  DrainReport report;
  report.cut_off = run.cut_off;
  for (const auto& stream : run.streams) {
    if (!stream) continue;
    (stream->which == Stream::out ? report.out_bytes : report.err_bytes) = stream->bytes;
    report.discarded += stream->discarded;
  }
  note_finished(id, run);
  kill_point("pump.drained");
  if (options_.on_drained)
    outbox_.put_later([id, report, tell = options_.on_drained] { tell(id, report); });
}

// The offset of an open one follows by itself: its size is looked at before each batch.
FlushReport PumpThread::flush(const std::vector<LogTarget>& targets) {
  FlushReport report;
  ledger_.empty();
  for (LogTarget target : targets) {
    if (!files_.is_ours(target.path)) target.owner = owner_of_way(target.path);
    std::uint64_t bytes = 0;
    const int errnum = empty_log(target, bytes);
    if (errnum == ENOENT) continue;
    if (errnum != 0) {
      report.failed.push_back({target.path, errnum, LogProblem::Kind::stopped});
      continue;
    }
    ++report.files;
    report.bytes += bytes;
  }
  return report;
}

const PumpThread::Finished* PumpThread::find_finished(RunId run) const {
  const auto found = std::find_if(finished_.rbegin(), finished_.rend(),
                                  [&](const Finished& entry) { return entry.run == run; });
  return found == finished_.rend() ? nullptr : &*found;
}

std::string PumpThread::tail(RunId id, Stream which, int lines, std::size_t max_bytes) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) {
    const Finished* finished = find_finished(id);
    if (finished == nullptr || !finished->streams[index_of(which)].to) return {};
    const FinishedStream& stream = finished->streams[index_of(which)];
    return read_run_tail(stream.to->target, stream.span, lines, max_bytes);
  }
  const auto& stream = found->second.streams[index_of(which)];
  if (!stream) return {};
  if (which == Stream::out) (void)terminals_.move(id);
  if (stream->watched && (readiness(stream->pipe.get()) & POLLIN) != 0)
    (void)move(*stream, kBatchBytes);  // an end is seen by the next turn as well
  find_earlier_output(*stream);
  if (!stream->begun) return {};
  return read_run_tail(stream->to->target, stream->span, lines, max_bytes);
}

}  // namespace roost::daemon
