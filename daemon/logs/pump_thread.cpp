#include "daemon/logs/pump_thread.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/kill_point.h"
#include "daemon/logs/fs_identity.h"
#include "daemon/logs/marks_writer.h"

namespace roost::daemon {
namespace {
constexpr int kEventsPerTurn = 64;
// Of one pipe in one turn, so that a flood in one leaves the others their share.
constexpr std::size_t kBatchBytes = 1U << 20;
// A large pipe is for the time in which nobody reads. While a flood fills it, its pages fall out of
// the cache before they are copied, and moving a GiB takes two to five times the CPU: a writer that
// moves this much at a time has a pipe of this size.
constexpr std::size_t kFloodPipeBytes = 64U << 10;
constexpr Duration kFloodOver = 1s;
constexpr std::size_t kMaxUntoldProblems = 1024;

std::size_t index_of(Stream stream) {
  return static_cast<std::size_t>(stream);
}

std::size_t bytes_waiting(int pipe) {
  int waiting = 0;
  return ::ioctl(pipe, FIONREAD, &waiting) == 0 && waiting > 0 ? static_cast<std::size_t>(waiting)
                                                               : 0;
}

unsigned readiness(int pipe) {
  pollfd entry{pipe, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 ? static_cast<unsigned>(entry.revents) : 0U;
}
}  // namespace

PumpThread::PumpThread(const Pump::Options& options, Outbox& outbox, PumpCounters& counters,
                       int wake_fd)
    : options_(options),
      outbox_(outbox),
      counters_(counters),
      wake_fd_(wake_fd),
      files_(options.log_dir, options.max_open_fds) {}

Status PumpThread::start() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return errno_error("log pump: epoll", errno);
  null_.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!null_) return errno_error("log pump: /dev/null", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // a stream for all others
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd_, &event) != 0)
    return errno_error("log pump: epoll", errno);
  read_clocks();
  return ok();
}

void PumpThread::read_clocks() {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  turn_.wall_ns = wall.tv_sec * 1'000'000'000LL + wall.tv_nsec;
  turn_.now = Monotonic::now();
}

void PumpThread::turn() {
  std::array<epoll_event, kEventsPerTurn> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, wait_ms());
  read_clocks();
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) {
      on_event(*static_cast<LogStream*>(event.data.ptr), event.events);
    } else {
      eventfd_t count = 0;
      (void)::eventfd_read(wake_fd_, &count);  // only wakes: what to do is in the queue
    }
  }
  if (!held_.empty()) retry_held();
  if (!gates_.empty()) close_gates();
  publish();
}

int PumpThread::wait_ms() const {
  if (held_.empty() && gates_.empty()) return -1;
  TimePoint next = TimePoint::max();
  for (const LogStream* stream : held_)
    next = std::min(next, stream->to->retry_at);
  if (!gates_.empty()) next = std::min(next, gates_.front().first);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Monotonic::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// ---- moving bytes
// ----------------------------------------------------------------------------------------------------

void PumpThread::on_event(LogStream& stream, unsigned events) {
  const bool ended = (events & EPOLLIN) == 0 || move(stream, kBatchBytes) == Moved::ended;
  if (ended) end(stream);  // may destroy the stream and its run
}

PumpThread::Moved PumpThread::move(LogStream& stream, std::size_t most) {
  Destination& to = *stream.to;
  const bool resting = to.state != Destination::State::fine && turn_.now < to.retry_at;
  if (resting) {
    if (to.state == Destination::State::refused) return discard(stream, most);
    hold(stream);
    return Moved::stopped;
  }
  if (const int errnum = files_.make_ready(to, turn_); errnum != 0) return failed(stream, errnum);
  LogFile& file = *to.file;
  if (!stream.begun || stream.span.file != file.id()) begin_output(stream);
  if (file.mark(turn_, Writer{model::run_tag(stream.run), stream.which}, files_.sequence()))
    counters_.marks.fetch_add(1, std::memory_order_relaxed);
  const ssize_t moved = file.take(stream.pipe.get(), most);
  if (moved == 0) return Moved::ended;
  if (moved < 0) return errno == EAGAIN || errno == EINTR ? Moved::none : failed(stream, errno);
  stream.bytes += static_cast<std::uint64_t>(moved);
  counters_.bytes.fetch_add(static_cast<std::uint64_t>(moved), std::memory_order_relaxed);
  counters_.batches.fetch_add(1, std::memory_order_relaxed);
  fit_pipe(stream, static_cast<std::size_t>(moved));
  if (to.state != Destination::State::fine) set_state(to, Destination::State::fine, 0);
  return Moved::some;
}

void PumpThread::fit_pipe(LogStream& stream, std::size_t moved) const {
  if (options_.pipe_bytes <= kFloodPipeBytes) return;
  const auto resize = [&](std::size_t bytes) {
    return ::fcntl(stream.pipe.get(), F_SETPIPE_SZ, static_cast<int>(bytes)) >= 0;
  };
  if (moved >= kFloodPipeBytes / 2) {
    stream.flooded_at = turn_.now;
    // Refused while the pipe holds more than that: then after one of the next batches.
    if (!stream.flooding) stream.flooding = resize(kFloodPipeBytes);
  } else if (stream.flooding && turn_.now - stream.flooded_at > kFloodOver) {
    stream.flooding = false;
    (void)resize(options_.pipe_bytes);  // not permitted: stays small, as in begin_output
  }
}

// The stream's first byte, or its first one in another file (after a rotation).
void PumpThread::begin_output(LogStream& stream) {
  const LogFile& file = *stream.to->file;
  // Not permitted beyond the user's share of pipe memory: then it stays small.
  if (!stream.begun)
    (void)::fcntl(stream.pipe.get(), F_SETPIPE_SZ, static_cast<int>(options_.pipe_bytes));
  const bool earlier = stream.taken_over && !stream.begun;
  stream.begun = true;
  stream.span = RunSpan{file.id(), file.offset(), 0};
  if (!earlier || file.discards()) return;
  const auto begin = find_run_begin(stream.to->target.path, file.id(), model::run_tag(stream.run));
  if (begin && *begin < file.offset()) stream.span.begin = *begin;
}

// A run taken over may have written to its file before, and nothing since.
void PumpThread::find_earlier_output(LogStream& stream) {
  if (stream.begun || !stream.taken_over) return;
  const FsIdentity identity(stream.to->target.owner);

  struct stat st {};

  if (::lstat(stream.to->target.path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return;
  const auto begin =
      find_run_begin(stream.to->target.path, file_id(st), model::run_tag(stream.run));
  if (!begin) return;
  stream.begun = true;
  stream.span = RunSpan{file_id(st), *begin, 0};
}

PumpThread::Moved PumpThread::failed(LogStream& stream, int errnum) {
  Destination& to = *stream.to;
  to.retry_at = turn_.now + options_.retry_after;
  if (is_refusal(errnum)) {
    set_state(to, Destination::State::refused, errnum);
    return discard(stream, kBatchBytes);
  }
  set_state(to, Destination::State::stopped, errnum);
  hold(stream);
  return Moved::stopped;
}

PumpThread::Moved PumpThread::discard(LogStream& stream, std::size_t most) {
  const ssize_t moved = ::splice(stream.pipe.get(), nullptr, null_.get(), nullptr, most,
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (moved == 0) return Moved::ended;
  if (moved < 0) return Moved::none;
  stream.discarded += static_cast<std::uint64_t>(moved);
  counters_.discarded.fetch_add(static_cast<std::uint64_t>(moved), std::memory_order_relaxed);
  return Moved::some;
}

void PumpThread::set_state(Destination& to, Destination::State state, int errnum) {
  using Kind = LogProblem::Kind;
  if (to.state == state && to.errnum == errnum) return;
  if (to.state == Destination::State::stopped) counters_.stopped_files.fetch_sub(1);
  if (state == Destination::State::stopped) counters_.stopped_files.fetch_add(1);
  const Kind kind = state == Destination::State::fine      ? Kind::resumed
                    : state == Destination::State::stopped ? Kind::stopped
                                                           : Kind::discarding;
  LogProblem problem{to.target.path, kind == Kind::resumed ? to.errnum : errnum, kind};
  to.state = state;
  to.errnum = errnum;
  if (!options_.on_problem || outbox_.size() >= kMaxUntoldProblems) return;
  outbox_.put(
      [this_problem = std::move(problem), tell = options_.on_problem] { tell(this_problem); });
}

// ---- watching
// --------------------------------------------------------------------------------------------------------

void PumpThread::watch(LogStream& stream) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &stream;
  stream.watched = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream.pipe.get(), &event) == 0;
  if (!stream.watched) {  // too many watches on this host: it is looked at twice a second
    stream.to->retry_at = turn_.now + options_.retry_after;
    hold(stream);
  }
}

// Always before closing: the keeper holds the same open pipe, which would go on raising events.
void PumpThread::unwatch(LogStream& stream) {
  if (std::exchange(stream.watched, false))
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.pipe.get(), nullptr);
}

void PumpThread::hold(LogStream& stream) {
  unwatch(stream);
  if (!std::exchange(stream.held, true)) held_.push_back(&stream);
}

void PumpThread::end(LogStream& stream) {
  kill_point("pump.eof");
  unwatch(stream);
  if (std::exchange(stream.held, false)) std::erase(held_, &stream);
  stream.pipe.reset();
  if (!stream.begun) {
    find_earlier_output(stream);
  } else if (stream.to->file && stream.to->file->id() == stream.span.file) {
    stream.span.end = stream.to->file->offset();
  }
  counters_.streams.fetch_sub(1, std::memory_order_relaxed);
  complete_if_done(stream.run);
}

void PumpThread::retry_held() {
  for (LogStream* stream : std::vector<LogStream*>(held_)) {
    if (turn_.now < stream->to->retry_at) continue;
    const Moved moved =
        readiness(stream->pipe.get()) == 0 ? Moved::none : move(*stream, kBatchBytes);
    if (moved == Moved::stopped) continue;
    std::erase(held_, stream);
    stream->held = false;
    if (moved == Moved::ended) {
      end(*stream);
      continue;
    }
    const auto run = runs_.find(stream->run);
    if (run != runs_.end() && run->second.gate_passed) {
      gates_.emplace_front(turn_.now, stream->run);
    }
    watch(*stream);
  }
}

// ---- runs
// ------------------------------------------------------------------------------------------------------------

void PumpThread::attach(RunId id, Stream which, UniqueFd pipe, LogTarget target,
                        Pump::Origin origin) {
  const bool late = runs_.find(id) == runs_.end() && find_finished(id) != nullptr;
  Run& run = runs_[id];
  auto& place = run.streams[index_of(which)];
  if (!ROOST_EXPECT(!place, "a stream is attached once")) return;
  place = std::make_unique<LogStream>();
  place->run = id;
  place->which = which;
  place->pipe = std::move(pipe);
  place->to = files_.destination(std::move(target));
  place->taken_over = origin == Pump::Origin::taken_over;
  counters_.streams.fetch_add(1, std::memory_order_relaxed);
  watch(*place);
  if (late) run.finishing = run.reported = true;
  if (late || run.gate_passed) gates_.emplace_front(turn_.now, id);
}

void PumpThread::finish(RunId id) {
  auto found = runs_.find(id);
  if (found == runs_.end()) {
    if (find_finished(id) != nullptr) return;  // told already
    found = runs_.try_emplace(id).first;
  }
  if (std::exchange(found->second.finishing, true)) return;
  gates_.emplace_back(turn_.now + options_.exit_gate, id);
  complete_if_done(id);
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

// Moves what is in the pipe now. `ended`: and there will be no more; `none`: somebody may still
// write.
PumpThread::Moved PumpThread::drain_at_gate(LogStream& stream) {
  std::size_t left = bytes_waiting(stream.pipe.get());
  for (;;) {
    const unsigned ready = readiness(stream.pipe.get());
    if ((ready & POLLIN) == 0) return (ready & POLLHUP) != 0 ? Moved::ended : Moved::none;
    const bool finite = (ready & POLLHUP) != 0;
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
  if (found == runs_.end() || !found->second.finishing) return;
  Run& run = found->second;
  for (const auto& stream : run.streams)
    if (stream && stream->pipe) return;
  std::erase(waiting_, id);
  if (!run.reported) report(id, run);
  runs_.erase(found);
}

void PumpThread::report(RunId id, const Run& run) {
  DrainReport report;
  report.cut_off = run.cut_off;
  Finished finished;
  finished.run = id;
  for (const auto& stream : run.streams) {
    if (!stream) continue;
    (stream->which == Stream::out ? report.out_bytes : report.err_bytes) = stream->bytes;
    report.discarded += stream->discarded;
    if (stream->begun) finished.streams[index_of(stream->which)] = {stream->to, stream->span};
  }
  finished_.push_back(std::move(finished));
  if (finished_.size() > Pump::kFinishedKept) finished_.pop_front();
  kill_point("pump.drained");
  if (options_.on_drained)
    outbox_.put([id, report, tell = options_.on_drained] { tell(id, report); });
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
  if (stream->watched && (readiness(stream->pipe.get()) & POLLIN) != 0)
    (void)move(*stream, kBatchBytes);  // an end is seen by the next turn as well
  find_earlier_output(*stream);
  if (!stream->begun) return {};
  return read_run_tail(stream->to->target, stream->span, lines, max_bytes);
}

// Counting takes a walk over the open files: only when one was opened.
void PumpThread::publish() {
  if (std::exchange(published_, files_.opens()) == files_.opens()) return;
  counters_.open_files.store(static_cast<std::uint32_t>(files_.open_files()),
                             std::memory_order_relaxed);
}

}  // namespace roost::daemon
