#include "daemon/logs/log_file.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/kill_point.h"

namespace roost::daemon {

void LogFile::open(OpenedLog log, const LogTarget& target, Sequence& sequence) {
  discards_ = log.discards;
  offset_ = discards_ ? 0 : log.size;
  marked_at_ = TimePoint();
  tail_ = Tail::unknown;
  if (!discards_) marks_.open(target, log);
  sequence.not_before(marks_.last_seq());
  fd_ = std::move(log.fd);
}

void LogFile::close() {
  fd_.reset();
  marks_.close();
}

void LogFile::check_size(const Turn& turn, Sequence& sequence) {
  if (discards_) return;
  const off_t end = ::lseek(fd_.get(), 0, SEEK_END);
  if (end < 0 || static_cast<std::uint64_t>(end) == offset_) return;
  const auto size = static_cast<std::uint64_t>(end);
  if (size < offset_) {
    marks_.truncate(size);
  } else {  // somebody appended: nobody saw when
    model::Mark foreign;
    foreign.offset = offset_;
    foreign.wall_ns = turn.wall_ns;
    foreign.seq = sequence.next(turn.wall_ns);
    foreign.flags = model::kMarkEstimated;
    marks_.add(foreign);
  }
  offset_ = size;
  tail_ = Tail::unknown;
  marked_at_ = TimePoint();
  kill_point("pump.size_changed");
}

bool LogFile::check_names(const LogTarget& target, Sequence& sequence) {
  if (discards_) return true;

  struct stat st {};

  if (::lstat(target.path.c_str(), &st) != 0 || file_id(st) != id_) return false;
  if (marks_.is_in_place()) return true;
  OpenedLog log;
  log.id = id_;
  log.size = offset_;
  log.modified_ns = st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
  marks_.open(target, log);
  sequence.not_before(marks_.last_seq());
  marked_at_ = TimePoint();
  return true;
}

bool LogFile::mark_due(const Turn& turn, Writer writer) {
  if (marked_at_ == TimePoint() || writer.run_tag != marked_for_.run_tag) return true;
  if (writer.told_apart && !writer.is(marked_for_)) return true;
  if (turn.now - marked_at_ < kMarkSpacing) return false;
  const auto refill = (turn.now - tokens_at_) / kMarkRefill;
  if (refill > 0) {
    tokens_ = static_cast<int>(std::min<std::int64_t>(kMarkBurst, tokens_ + refill));
    tokens_at_ = turn.now;
  }
  return tokens_ > 0;
}

bool LogFile::mark(const Turn& turn, Writer writer, Sequence& sequence) {
  if (discards_ || !mark_due(turn, writer)) return false;
  model::Mark mark;
  mark.offset = offset_;
  mark.wall_ns = turn.wall_ns;
  mark.seq = sequence.next(turn.wall_ns);
  mark.run_tag = writer.run_tag;
  mark.stream = model::mark_stream(writer.stream, writer.slot);
  marks_.add(mark);
  marked_at_ = turn.now;
  marked_for_ = writer;
  if (tokens_ > 0) --tokens_;
  kill_point("pump.marked");
  return true;
}

ssize_t LogFile::take(int pipe, std::size_t most) {
  constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  if (discards_) return ::splice(pipe, nullptr, fd_.get(), nullptr, most, kFlags);
  auto at = static_cast<loff_t>(offset_);
  const ssize_t moved = ::splice(pipe, nullptr, fd_.get(), &at, most, kFlags);
  kill_point("pump.spliced");
  if (moved > 0) {
    offset_ += static_cast<std::uint64_t>(moved);
    tail_ = Tail::unknown;
  }
  return moved;
}

// The descriptor is for writing only; when the file cannot be read by this name, it does not.
bool LogFile::ends_a_line() const {
  if (offset_ == 0) return true;
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char last = 0;
  return fd && ::pread(fd.get(), &last, 1, static_cast<off_t>(offset_ - 1)) == 1 && last == '\n';
}

int LogFile::write_line(std::string_view line) {
  if (discards_) return 0;
  const int errnum = write_whole((ends_a_line() ? "" : "\n") + std::string(line) + "\n");
  kill_point("pump.told_dropped");
  if (errnum == 0) tail_ = Tail::line;
  return errnum;
}

int LogFile::write_whole(std::string_view bytes) {
  const std::uint64_t begin = offset_;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int errnum = n < 0 ? errno : ENOSPC;
      (void)cut_to(begin);  // what cannot be taken back stays, and is not forgotten
      return errnum;
    }
    offset_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

int LogFile::cut_to(std::uint64_t offset) {
  if (discards_ || offset == offset_) return 0;
  if (::ftruncate(fd_.get(), static_cast<off_t>(offset)) != 0) return errno;
  marks_.truncate(offset);
  offset_ = offset;
  tail_ = Tail::unknown;
  marked_at_ = TimePoint();
  return 0;
}

// Whose a piece is that was there before us, the last mark tells.
model::FileEnd LogFile::end_for(Writer writer) {
  if (discards_) return model::FileEnd::line;
  if (tail_ == Tail::unknown) {
    tail_ = ends_a_line() ? Tail::line : Tail::piece;
    const model::Mark* last = marks_.last();
    tail_of_ = Writer{};
    if (last != nullptr && (last->flags & model::kMarkEstimated) == 0)
      tail_of_ = Writer{last->run_tag, model::stream_of(*last)};
  }
  if (tail_ == Tail::line) return model::FileEnd::line;
  return tail_of_.is(writer) ? model::FileEnd::own_piece : model::FileEnd::other_piece;
}

int LogFile::write(std::string_view text, Writer writer) {
  if (discards_ || text.empty()) return 0;
  if (const int errnum = write_whole(text); errnum != 0) return errnum;
  tail_ = text.back() == '\n' ? Tail::line : Tail::piece;
  tail_of_ = writer;
  return 0;
}

}  // namespace roost::daemon
