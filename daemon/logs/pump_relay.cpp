// PumpThread, fourth part: output that goes by way of the relay, and what an earlier daemon had in
// it.
#include <cerrno>

#include "daemon/logs/pipe_state.h"
#include "daemon/logs/pump_thread.h"

namespace roost::daemon {

bool PumpThread::has_relayed(const LogStream& stream) const {
  return relay_.holds(stream.run, stream.which);
}

std::size_t PumpThread::bytes_of(const LogStream& stream) const {
  return bytes_waiting(stream.pipe.get()) + (has_relayed(stream) ? relay_.bytes() : 0);
}

unsigned PumpThread::readiness_of(const LogStream& stream) const {
  return readiness(stream.pipe.get()) | (has_relayed(stream) ? POLLIN : 0U);
}

// Moves bytes to the stream's file, which is ready. Returns as LogFile::take does. What is in the
// relay comes before what is in the pipe; when the file does not take all of it, the rest stays in
// the relay.
ssize_t PumpThread::take(LogStream& stream, std::size_t most) {
  LogFile& file = *stream.to->file;
  if (!has_relayed(stream)) {
    const bool relayed = relay_is_used_ && stream.flooding && !file.discards() && !leftover_ &&
                         relay_.is_free() &&
                         relay_.note(stream.run, stream.which, stream.to->target.path);
    if (!relayed) return file.take(stream.pipe.get(), most);
    counters_.relaying = true;
    if (const ssize_t n = relay_.fill(stream.pipe.get(), most); n <= 0) return n;
    counters_.relayed.fetch_add(relay_.bytes(), std::memory_order_relaxed);
  }
  return relay_.pour(file);
}

// ---- what an earlier daemon was killed in

void PumpThread::use_relay(int pipe, int note) {
  relay_.open(pipe, note);
  counters_.relaying = !relay_.is_free();
  if (relay_.is_free()) return;
  if (!relay_.source()) {
    counters_.discarded.fetch_add(relay_.discard(null_.get()), std::memory_order_relaxed);
    return tell(
        {"output of before without a note of its file", ENODATA, LogProblem::Kind::discarding});
  }
  leftover_ = files_.destination({.path = relay_.source()->path, .owner = {}});
  settle_leftover();
}

// Goes to the file it was on its way to, also when its stream does not come any more. Its stream
// may be quicker.
void PumpThread::settle_leftover() {
  Destination& to = *leftover_;
  if (relay_.is_free()) {
    if (leftover_.use_count() == 1) set_state(to, Destination::State::fine, 0);  // nobody else does
    return leftover_.reset();
  }
  if (turn_.now < leftover_retry_at_) return;
  int errnum = files_.make_ready(to, turn_);
  if (errnum == 0) {
    const Writer writer{model::run_tag(relay_.source()->run), relay_.source()->stream};
    if (to.file->mark(turn_, writer, files_.sequence()))
      counters_.marks.fetch_add(1, std::memory_order_relaxed);
    while (errnum == 0 && !relay_.is_free()) {
      const ssize_t n = relay_.pour(*to.file);
      if (n > 0)
        counters_.bytes.fetch_add(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
      else
        errnum = errno;
    }
  }
  if (errnum == 0) {
    set_state(to, Destination::State::fine, 0);
    return leftover_.reset();
  }
  leftover_retry_at_ = turn_.now + options_.retry_after;
  if (!is_refusal(errnum)) return set_state(to, Destination::State::stopped, errnum);
  counters_.discarded.fetch_add(relay_.discard(null_.get()), std::memory_order_relaxed);
  set_state(to, Destination::State::refused, errnum);
  leftover_.reset();
}

}  // namespace roost::daemon
