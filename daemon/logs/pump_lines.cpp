// PumpThread, third part: streams written line by line. Their bytes are looked at (tee), what is
// made of them is written, and then just these bytes are taken out of the pipe, by way of the
// ledger. A line stays in the pipe until it has ended, for a second, or as long as it is short.
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "daemon/logs/pipe_state.h"
#include "daemon/logs/pump_thread.h"

namespace roost::daemon {
namespace {
using model::limits::kMaxLinesAtOnce;
using model::limits::kMaxLogLine;

// How long the stream of an unfinished batch is waited for after the start: it is handed over with
// all others.
constexpr Duration kSettleTime = 10s;

model::LocalTime calendar_of(std::int64_t wall_ns, bool local) {
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000);
  std::tm tm{};
  if (local)
    ::localtime_r(&seconds, &tm);
  else
    ::gmtime_r(&seconds, &tm);
  return {.year = tm.tm_year + 1900,
          .month = tm.tm_mon + 1,
          .day = tm.tm_mday,
          .weekday = tm.tm_wday,
          .hour = tm.tm_hour,
          .minute = tm.tm_min,
          .second = tm.tm_sec,
          .millisecond = static_cast<int>(wall_ns / 1'000'000 % 1000),
          .utc_offset = static_cast<int>(tm.tm_gmtoff / 60)};
}

std::string time_text(const model::LineRule& rule, std::int64_t wall_ns) {
  if (!rule.date_format.empty())
    return model::render_time(rule.date_format, calendar_of(wall_ns, true));
  if (rule.type == model::LogType::json) return model::render_iso_utc(calendar_of(wall_ns, false));
  return {};
}
}  // namespace

Writer PumpThread::writer_of(const LogStream& stream) const {
  const std::uint32_t tag = model::run_tag(stream.run);
  return stream.lines ? Writer{tag, stream.which, stream.lines->slot, true}
                      : Writer{tag, stream.which};
}

PumpThread::Moved PumpThread::move_lines(LogStream& stream, std::size_t most) {
  Destination& to = *stream.to;
  if (const int errnum = files_.make_ready(to, turn_); errnum != 0) return failed(stream, errnum);
  if (const int errnum = to.dropped > 0 ? tell_dropped(to) : 0; errnum != 0)
    return failed(stream, errnum);
  if (const int errnum = open_ledger(); errnum != 0) return failed(stream, errnum);
  if (!ledger_is_free(stream)) return Moved::stopped;
  if (!stream.begun || stream.span.file != to.file->id()) begin_output(stream);
  if (stream.longest_line == 0) {
    // The pipe must not be full before a line is long enough to be cut.
    const int size = ::fcntl(stream.pipe.get(), F_GETPIPE_SZ);
    stream.longest_line = std::min(kMaxLogLine, static_cast<std::size_t>(std::max(size, 2)) / 2);
  }
  const std::size_t wanted =
      std::min({most, kMaxLogLine, bytes_waiting(stream.pipe.get())});  // more may come meanwhile
  const ssize_t peeked = peek(stream.pipe.get(), std::min(most, kMaxLogLine));
  if (peeked == 0) return Moved::ended;
  if (peeked < 0) return errno == EAGAIN || errno == EINTR ? Moved::none : failed(stream, errno);
  const bool saw_all_it_wanted = peeked_.size() >= wanted;
  const std::size_t take =
      model::first_lines(to_take(stream, peeked_, saw_all_it_wanted), kMaxLinesAtOnce);
  if (take == 0) return wait_for_end_of_line(stream, peeked_.size());
  if (const int errnum = write_lines(stream, std::string_view(peeked_).substr(0, take));
      errnum != 0)
    return failed(stream, errnum);
  stream.bytes += take;
  counters_.bytes.fetch_add(take, std::memory_order_relaxed);
  counters_.batches.fetch_add(1, std::memory_order_relaxed);
  if (to.state != Destination::State::fine) set_state(to, Destination::State::fine, 0);
  if (std::exchange(stream.unended, 0) > 0) std::erase(unended_, &stream);
  const std::string_view left = std::string_view(peeked_).substr(take);
  if (!left.empty() && left.find('\n') == std::string_view::npos)
    (void)wait_for_end_of_line(stream, left.size());
  else
    watch_for_more(stream, false);
  return Moved::some;
}

// ---- what is in the pipe

// Fills peeked_. Returns how much, 0 at the end of the pipe, or -1 and errno.
ssize_t PumpThread::peek(int pipe, std::size_t most) {
  peeked_.clear();
  if (!peek_in_) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    peek_in_.reset(fds[0]);
    peek_out_.reset(fds[1]);
    // Room for many short writes; without it a look shows fewer of them.
    (void)::fcntl(peek_out_.get(), F_SETPIPE_SZ, static_cast<int>(model::limits::kPipeBytes));
  }
  const ssize_t copied = ::tee(pipe, peek_out_.get(), most, SPLICE_F_NONBLOCK);
  if (copied <= 0) return copied;
  peeked_.resize(static_cast<std::size_t>(copied));
  std::size_t got = 0;
  while (got < peeked_.size()) {
    const ssize_t n = ::read(peek_in_.get(), peeked_.data() + got, peeked_.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {  // it would be in the way of the next look
      peek_in_.reset();
      peek_out_.reset();
      errno = EIO;
      return -1;
    }
    got += static_cast<std::size_t>(n);
  }
  return copied;
}

// Where everything has to go, the last line need not have ended; but what was looked at may end in
// the middle of one that goes on, and what came after the look is looked at by itself.
std::string_view PumpThread::to_take(const LogStream& stream, std::string_view bytes,
                                     bool saw_all_it_wanted) const {
  const std::size_t whole = model::whole_lines(bytes, stream.longest_line);
  const bool ended = (readiness(stream.pipe.get()) & POLLHUP) != 0;
  const bool more = bytes_waiting(stream.pipe.get()) > bytes.size();
  // A look that shows no more of a line than this never will: our own pipe is small.
  const bool all = stream.takes_all || (ended && !more) || (whole == 0 && !saw_all_it_wanted);
  if (whole > 0 && (!all || more)) return bytes.substr(0, whole);
  if (!all) return {};
  return ended && !more ? bytes : bytes.substr(0, model::whole_characters(bytes));
}

// The beginning of a line waits in the pipe. It is known: only more of it is news.
PumpThread::Moved PumpThread::wait_for_end_of_line(LogStream& stream, std::size_t bytes) {
  if (stream.unended == 0) {
    stream.unended_until = turn_.now + options_.unended_line;
    unended_.push_back(&stream);
  }
  stream.unended = bytes;
  watch_for_more(stream, bytes_waiting(stream.pipe.get()) == bytes);
  return Moved::none;
}

// Changing it looks at the pipe once more, so nothing is missed in between.
void PumpThread::watch_for_more(LogStream& stream, bool more_only) {
  if (!stream.watched || stream.watched_for_more == more_only) return;
  epoll_event event{};
  event.events = EPOLLIN | (more_only ? static_cast<unsigned>(EPOLLET) : 0U);
  event.data.ptr = &stream;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, stream.pipe.get(), &event) == 0)
    stream.watched_for_more = more_only;
}

// Who waits for an answer to a prompt, or has filled a small pipe, is not kept waiting.
void PumpThread::write_unended() {
  for (LogStream* stream : std::vector<LogStream*>(unended_)) {
    if (std::find(unended_.begin(), unended_.end(), stream) == unended_.end())
      continue;  // gone with another
    if (turn_.now < stream->unended_until) continue;
    std::erase(unended_, stream);
    stream->unended = 0;
    const bool before = std::exchange(stream->takes_all, true);
    watch_for_more(*stream, false);
    const Moved moved = move(*stream, kBatchBytes);
    stream->takes_all = before;
    if (moved == Moved::ended) end(*stream);
  }
}

// ---- what stands in the files

void PumpThread::compose(const LogStream& stream, LogFile& file, std::string_view bytes,
                         std::string& text) {
  text.clear();
  if (file.discards()) return;
  const Writer writer = writer_of(stream);
  const model::FileEnd end = file.end_for(writer);
  model::append_lines(*stream.lines, stream.which, time_text(*stream.lines, turn_.wall_ns), bytes,
                      end, text);
  if (file.mark(turn_, writer, files_.sequence()))
    counters_.marks.fetch_add(1, std::memory_order_relaxed);
}

int PumpThread::write_lines(LogStream& stream, std::string_view bytes) {
  LogFile& file = *stream.to->file;
  LogFile* also = ready_also(stream, bytes.size()) ? stream.also->file.get() : nullptr;
  const auto place_of = [](const LogFile& in, const std::string& text) {
    return in.discards() ? TextPlace{} : TextPlace{in.id(), in.offset(), text.size()};
  };
  LineBatch batch{.run = stream.run, .stream = stream.which, .bytes = bytes.size()};
  compose(stream, file, bytes, texts_[0]);
  batch.places[0] = place_of(file, texts_[0]);
  if (also != nullptr) {
    compose(stream, *also, bytes, texts_[1]);
    batch.places[1] = place_of(*also, texts_[1]);
  }
  if (const int errnum = ledger_.note(batch); errnum != 0) return errnum;
  const Writer writer = writer_of(stream);
  if (const int errnum = file.write(texts_[0], writer); errnum != 0) {
    ledger_.forget();
    return errnum;
  }
  kill_point("pump.half_written");
  const int also_errnum = also != nullptr ? also->write(texts_[1], writer) : 0;
  kill_point("pump.written");
  ledger_.take(stream.pipe.get(), batch);
  if (ledger_.unfinished()) settle_until_ = turn_.now + kSettleTime;
  if (also_errnum != 0) lose_also(stream, also_errnum, bytes.size());
  return 0;
}

// The second file is a copy for convenience: nobody waits for it. What it misses, it says.
bool PumpThread::ready_also(LogStream& stream, std::size_t bytes) {
  if (!stream.also) return false;
  Destination& also = *stream.also;
  if (also.state != Destination::State::fine && turn_.now < also.retry_at) {
    if (also.state == Destination::State::stopped) lose_also(stream, also.errnum, bytes);
    return false;
  }
  int errnum = files_.make_ready(also, turn_);
  if (errnum == 0 && also.dropped > 0) errnum = tell_dropped(also);
  if (errnum != 0) {
    lose_also(stream, errnum, bytes);
    return false;
  }
  if (also.state != Destination::State::fine) set_state(also, Destination::State::fine, 0);
  return true;
}

void PumpThread::lose_also(LogStream& stream, int errnum, std::size_t bytes) {
  Destination& also = *stream.also;
  const bool refused = is_refusal(errnum);
  if (also.state == Destination::State::fine || turn_.now >= also.retry_at)
    also.retry_at = turn_.now + options_.retry_after;
  set_state(also, refused ? Destination::State::refused : Destination::State::stopped, errnum);
  if (refused) return;
  if (std::find(owed_.begin(), owed_.end(), stream.also) == owed_.end())
    owed_.push_back(stream.also);
  also.dropped += bytes;
  also.dropped_of = writer_of(stream);
}

// ---- what an earlier daemon was killed in

// Told once for all streams, by its own name.
int PumpThread::open_ledger() {
  if (ledger_.is_open()) return 0;
  const int errnum = ledger_.open();
  settle_until_ = turn_.now + kSettleTime;
  if (std::exchange(ledger_errnum_, errnum) != errnum && errnum != 0)
    tell({ledger_.path(), errnum, LogProblem::Kind::stopped});
  return errnum;
}

// Whether the stream may begin a batch. Another's that is not finished comes first.
bool PumpThread::ledger_is_free(LogStream& stream) {
  if (ledger_.unfinished()) {
    const LineBatch& batch = ledger_.unfinished()->batch;
    if (batch.run == stream.run && batch.stream == stream.which)
      settle_unfinished(stream);
    else if (turn_.now >= settle_until_)
      ledger_.forget();
  }
  if (!ledger_.unfinished()) return true;
  stream.to->retry_at = turn_.now + options_.retry_after;
  hold(stream);
  return false;
}

void PumpThread::settle_unfinished(LogStream& stream) {
  const LineLedger::Unfinished unfinished = *ledger_.unfinished();
  if (stream.also) (void)files_.make_ready(*stream.also, turn_);
  if (unfinished.taken > 0 || text_is_written(stream, unfinished.batch)) {
    (void)ledger_.finish(stream.pipe.get());
    return;
  }
  for (Destination* to : {stream.to.get(), stream.also.get()})
    for (const TextPlace& place : unfinished.batch.places)
      if (to != nullptr && to->file && to->file->id() == place.file &&
          to->file->offset() > place.offset)
        (void)to->file->cut_to(place.offset);  // else it is twice in the file
  ledger_.forget();
}

bool PumpThread::text_is_written(const LogStream& stream, const LineBatch& batch) const {
  bool any = false;
  for (const TextPlace& place : batch.places) {
    if (place.file == FileId{}) continue;
    const auto holds = [&](const std::shared_ptr<Destination>& to) {
      return to && to->file && to->file->id() == place.file &&
             to->file->offset() >= place.offset + place.length;
    };
    if (!holds(stream.to) && !holds(stream.also)) return false;
    any = true;
  }
  return any;
}

}  // namespace roost::daemon
