#include "daemon/logs/pump_thread.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/kill_point.h"
#include "daemon/logs/fs_identity.h"
#include "daemon/logs/marks_writer.h"
#include "daemon/logs/pipe_state.h"

namespace roost::daemon {
namespace {
// A large pipe is for the time in which nobody reads. While a flood fills it, its pages fall out of
// the cache before they are copied, and moving a GiB takes two to five times the CPU: a writer that
// moves half of this at a time has a pipe of this size.
using model::limits::kBusyPipeBytes;
constexpr Duration kFloodOver = 1s;
constexpr std::size_t kMaxUntoldProblems = 1024;

}  // namespace

PumpThread::PumpThread(const Pump::Options& options, Outbox& outbox, PumpCounters& counters,
                       LogProblems& problems, int wake_fd)
    : options_(options),
      outbox_(outbox),
      counters_(counters),
      problems_(problems),
      wake_fd_(wake_fd),
      files_(options.log_dir, options.max_open_fds),
      ledger_(options.log_dir, options.boot_id) {}

Status PumpThread::start() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return errno_error("log pump: epoll", errno);
  null_.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!null_) return errno_error("log pump: /dev/null", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // a stream for all but this and the next
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd_, &event) != 0)
    return errno_error("log pump: epoll", errno);
  if (Status started = terminals_.start(); !started) return started;
  event.data.ptr = &terminals_;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, terminals_.fd(), &event) != 0)
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

void PumpThread::wait() {
  ready_ = ::epoll_wait(epoll_.get(), events_.data(), kEventsPerTurn, wait_ms());
  read_clocks();
}

void PumpThread::work() {
  for (int i = 0; i < ready_; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &terminals_) {
      terminals_.work();
    } else if (event.data.ptr != nullptr) {
      on_event(*static_cast<LogStream*>(event.data.ptr), event.events);
    } else {
      eventfd_t count = 0;
      (void)::eventfd_read(wake_fd_, &count);  // only wakes: what to do is in the queue
    }
  }
  if (!unended_.empty()) write_unended();
  if (!owed_.empty()) tell_all_dropped();
  terminals_.look(turn_.now);
  if (leftover_) settle_leftover();
  if (!held_.empty()) retry_held();
  if (!gates_.empty()) close_gates();
  counters_.relaying = relay_.bytes() > 0;
  publish();
}

int PumpThread::wait_ms() const {
  TimePoint next = terminals_.next_look();
  if (leftover_) next = std::min(next, leftover_retry_at_);
  for (const LogStream* stream : unended_)
    next = std::min(next, stream->unended_until);
  for (const LogStream* stream : held_)
    next = std::min(next, stream->to->retry_at);
  for (const auto& to : owed_)
    next = std::min(next, to->retry_at);
  if (!gates_.empty()) next = std::min(next, gates_.front().first);
  if (next == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Monotonic::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// ---- moving bytes

void PumpThread::on_event(LogStream& stream, unsigned events) {
  const bool has_bytes = (events & EPOLLIN) != 0 || has_relayed(stream);
  const bool ended = !has_bytes || move(stream, kBatchBytes) == Moved::ended;
  if (ended) end(stream);  // may destroy the stream and its run
}

PumpThread::Moved PumpThread::move(LogStream& stream, std::size_t most) {
  Destination& to = *stream.to;
  if (raw(stream.before) != 0) drain_before(stream);
  const bool resting = to.state != Destination::State::fine && turn_.now < to.retry_at;
  if (resting) {
    if (to.state == Destination::State::refused) return discard(stream, most);
    if (stream.drops && is_full(to.errnum)) return drop(stream, most);
    hold(stream);
    return Moved::stopped;
  }
  if (stream.lines && !has_relayed(stream)) return move_lines(stream, most);
  if (const int errnum = files_.make_ready(to, turn_); errnum != 0) return failed(stream, errnum);
  if (const int errnum = to.dropped > 0 ? tell_dropped(to) : 0; errnum != 0)
    return failed(stream, errnum);
  LogFile& file = *to.file;
  if (!stream.begun || stream.span.file != file.id()) begin_output(stream);
  if (file.mark(turn_, Writer{model::run_tag(stream.run), stream.which}, files_.sequence()))
    counters_.marks.fetch_add(1, std::memory_order_relaxed);
  const ssize_t moved = take(stream, most);
  if (moved == 0) return Moved::ended;
  const bool empty = moved < 0 && (errno == EAGAIN || errno == EINTR) && !has_relayed(stream);
  if (moved < 0) return empty ? Moved::none : failed(stream, errno);
  stream.bytes += static_cast<std::uint64_t>(moved);
  counters_.bytes.fetch_add(static_cast<std::uint64_t>(moved), std::memory_order_relaxed);
  counters_.batches.fetch_add(1, std::memory_order_relaxed);
  fit_pipe(stream, static_cast<std::size_t>(moved));
  if (to.state != Destination::State::fine) set_state(to, Destination::State::fine, 0);
  // The file has not taken all: why, the next try tells.
  return has_relayed(stream) ? move(stream, most) : Moved::some;
}

void PumpThread::fit_pipe(LogStream& stream, std::size_t moved) const {
  if (options_.pipe_bytes <= kBusyPipeBytes) return;
  const auto resize = [&](std::size_t bytes) {
    return ::fcntl(stream.pipe.get(), F_SETPIPE_SZ, static_cast<int>(bytes)) >= 0;
  };
  if (moved >= kBusyPipeBytes / 2) {
    stream.flooded_at = turn_.now;
    // Refused while the pipe holds more than that: then after one of the next batches.
    if (!stream.flooding) stream.flooding = resize(kBusyPipeBytes);
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
  if (stream.drops && is_full(errnum)) return drop(stream, kBatchBytes);
  hold(stream);
  return Moved::stopped;
}

PumpThread::Moved PumpThread::discard(LogStream& stream, std::size_t most) {
  watch_for_more(stream, false);  // what comes is not kept waiting for the end of a line
  const ssize_t moved = has_relayed(stream)
                            ? static_cast<ssize_t>(relay_.discard(null_.get()))
                            : ::splice(stream.pipe.get(), nullptr, null_.get(), nullptr, most,
                                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (moved == 0) return Moved::ended;
  if (moved < 0) return Moved::none;
  stream.discarded += static_cast<std::uint64_t>(moved);
  counters_.discarded.fetch_add(static_cast<std::uint64_t>(moved), std::memory_order_relaxed);
  return Moved::some;
}

PumpThread::Moved PumpThread::drop(LogStream& stream, std::size_t most) {
  const std::uint64_t before = stream.discarded;
  const Moved moved = discard(stream, most);
  Destination& to = *stream.to;
  if (stream.discarded == before) return moved;
  if (std::find(owed_.begin(), owed_.end(), stream.to) == owed_.end()) owed_.push_back(stream.to);
  to.dropped += stream.discarded - before;
  to.dropped_of = writer_of(stream);
  return moved;
}

// The file is ready. Its mark gives the line to whom the bytes were of.
int PumpThread::tell_dropped(Destination& to) {
  if (to.file->mark(turn_, to.dropped_of, files_.sequence()))
    counters_.marks.fetch_add(1, std::memory_order_relaxed);
  const int errnum = to.file->write_line("[roost: " + std::to_string(to.dropped) +
                                         " bytes dropped: the disk was full]");
  if (errnum == 0) to.dropped = 0;
  return errnum;
}

// Also of apps that are silent now, or gone.
void PumpThread::tell_all_dropped() {
  for (const auto& to : owed_) {
    if (to->dropped == 0 || turn_.now < to->retry_at) continue;
    int errnum = files_.make_ready(*to, turn_);
    if (errnum == 0) errnum = tell_dropped(*to);
    if (errnum == 0)
      set_state(*to, Destination::State::fine, 0);
    else
      to->retry_at = turn_.now + options_.retry_after;
  }
  std::erase_if(owed_, [](const auto& to) { return to->dropped == 0; });
}

void PumpThread::set_state(Destination& to, Destination::State state, int errnum) {
  using Kind = LogProblem::Kind;
  if (to.state == state && to.errnum == errnum) return;
  if (to.state == Destination::State::stopped) counters_.stopped_files.fetch_sub(1);
  if (state == Destination::State::stopped) counters_.stopped_files.fetch_add(1);
  const bool drops = to.target.on_full == model::OnFull::drop && is_full(errnum);
  const bool stopped = state == Destination::State::stopped && !drops;
  const Kind kind = state == Destination::State::fine ? Kind::resumed
                    : stopped                         ? Kind::stopped
                                                      : Kind::discarding;
  LogProblem problem{to.target.path, kind == Kind::resumed ? to.errnum : errnum, kind};
  to.state = state;
  to.errnum = errnum;
  to.problem.reset();
  if (kind != Kind::resumed) to.problem = problems_.add(problem);
  tell(std::move(problem));
}

void PumpThread::tell(LogProblem problem) {
  if (!options_.on_problem || outbox_.size() >= kMaxUntoldProblems) return;
  outbox_.put(
      [this_problem = std::move(problem), tell = options_.on_problem] { tell(this_problem); });
}

// ---- watching

bool PumpThread::watch_early(LogStream& stream) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &stream;
  stream.watched = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream.pipe.get(), &event) == 0;
  return stream.watched;
}

void PumpThread::watch(LogStream& stream) {
  if (watch_early(stream)) return;
  // Too many watches on this host: it is looked at twice a second.
  stream.to->retry_at = turn_.now + options_.retry_after;
  hold(stream);
}

// Always before closing: the keeper holds the same open pipe, which would go on raising events.
void PumpThread::unwatch(LogStream& stream) {
  stream.watched_for_more = false;
  if (std::exchange(stream.watched, false))
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.pipe.get(), nullptr);
}

void PumpThread::hold(LogStream& stream) {
  unwatch(stream);
  if (std::exchange(stream.unended, 0) > 0) std::erase(unended_, &stream);
  if (!std::exchange(stream.held, true)) held_.push_back(&stream);
}

void PumpThread::end(LogStream& stream) {
  kill_point("pump.eof");
  unwatch(stream);
  if (std::exchange(stream.held, false)) std::erase(held_, &stream);
  if (std::exchange(stream.unended, 0) > 0) std::erase(unended_, &stream);
  if (stream.which == Stream::out) terminals_.remove(stream.run);
  stream.pipe.reset();
  if (has_relayed(stream)) {  // it is cut off
    const std::size_t bytes = relay_.discard(null_.get());
    stream.discarded += bytes;
    counters_.discarded.fetch_add(bytes, std::memory_order_relaxed);
  }
  end_span(stream);
  counters_.streams.fetch_sub(1, std::memory_order_relaxed);
  complete_if_done(stream.run);
}

// It has written all that it will.
void PumpThread::end_span(LogStream& stream) {
  if (!stream.begun) {
    find_earlier_output(stream);
  } else if (stream.to->file && stream.to->file->id() == stream.span.file) {
    stream.span.end = stream.to->file->offset();
  }
}

void PumpThread::retry_held() {
  for (LogStream* stream : std::vector<LogStream*>(held_)) {
    if (turn_.now < stream->to->retry_at || !read_terminal(*stream)) continue;
    const unsigned events = readiness_of(*stream);
    Moved moved = (events & POLLHUP) != 0 ? Moved::ended : Moved::none;
    if ((events & POLLIN) != 0) moved = move(*stream, kBatchBytes);
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

// Counting takes a walk over the open files: only when one was opened.
void PumpThread::publish() {
  if (std::exchange(published_, files_.opens()) == files_.opens()) return;
  counters_.open_files.store(static_cast<std::uint32_t>(files_.open_files()),
                             std::memory_order_relaxed);
}

}  // namespace roost::daemon
