#include "daemon/logs/marks_writer.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "daemon/logs/fs_identity.h"

namespace roost::daemon {
namespace {
using model::Mark;
using model::MarksHeader;

constexpr std::size_t kBlockMarks = 1024;
using Block = std::array<Mark, kBlockMarks>;

off_t position_of(std::uint64_t index) {
  return static_cast<off_t>(sizeof(MarksHeader) + index * sizeof(Mark));
}

// Reads up to one block of marks; returns how many.
std::size_t read_marks(int fd, std::uint64_t from, std::uint64_t until, Block& block) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(until - from, kBlockMarks));
  const ssize_t n = ::pread(fd, block.data(), wanted * sizeof(Mark), position_of(from));
  return n > 0 ? static_cast<std::size_t>(n) / sizeof(Mark) : 0;
}

std::uint64_t marks_in(int fd) {
  struct stat st {};

  if (::fstat(fd, &st) != 0) return 0;
  const auto size = static_cast<std::uint64_t>(st.st_size);
  return size < sizeof(MarksHeader) ? 0 : (size - sizeof(MarksHeader)) / sizeof(Mark);
}

bool header_fits(const MarksHeader& header, FileId id) {
  return header.magic == model::kMarksMagic && header.version == model::kMarksVersion &&
         header.record_size == sizeof(Mark) && header.device == id.device &&
         header.inode == id.inode;
}

bool read_header(int fd, MarksHeader& header) {
  return ::pread(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header);
}

// How many of the first `count` marks lie below `offset`.
std::uint64_t count_below(int fd, std::uint64_t count, std::uint64_t offset) {
  std::uint64_t low = 0;
  while (low < count) {
    const std::uint64_t middle = low + (count - low) / 2;
    Mark mark;
    if (::pread(fd, &mark, sizeof mark, position_of(middle)) != static_cast<ssize_t>(sizeof mark))
      return 0;
    (mark.offset < offset ? low : count) = mark.offset < offset ? middle + 1 : middle;
  }
  return low;
}
}  // namespace

std::string MarksWriter::path() const {
  return target_.path + std::string(model::kMarksSuffix);
}

void MarksWriter::open(const LogTarget& target, const OpenedLog& log) {
  const FsIdentity identity(target.owner);
  target_ = target;
  count_ = 0;
  fd_ = open_beside_log(path(), false);
  if (!fd_) return;
  if (!load(log) && !begin(log)) fd_.reset();
}

// Takes up what is there if it belongs to the log. Torn or zero records at the end (the disk was
// full) go.
bool MarksWriter::load(const OpenedLog& log) {
  if (!read_header(fd_.get(), header_) || !header_fits(header_, log.id)) return false;
  count_ = marks_in(fd_.get());
  while (count_ > 0) {
    if (::pread(fd_.get(), &last_, sizeof last_, position_of(count_ - 1)) != sizeof last_)
      return false;
    if (last_.wall_ns != 0) break;
    --count_;
  }
  truncate(log.size);
  return count_ > 0 || log.size == 0;
}

bool MarksWriter::begin(const OpenedLog& log) {
  if (::ftruncate(fd_.get(), 0) != 0) return false;
  header_ = MarksHeader{};
  header_.device = log.id.device;
  header_.inode = log.id.inode;
  count_ = 0;
  if (::pwrite(fd_.get(), &header_, sizeof header_, 0) != static_cast<ssize_t>(sizeof header_))
    return false;
  if (log.size == 0) return true;
  Mark before;
  before.wall_ns = log.modified_ns;
  before.seq = static_cast<std::uint64_t>(std::max<std::int64_t>(log.modified_ns, 1));
  before.flags = model::kMarkEstimated;
  return write_at(0, before);
}

bool MarksWriter::write_at(std::uint64_t index, const Mark& mark) {
  if (::pwrite(fd_.get(), &mark, sizeof mark, position_of(index)) !=
      static_cast<ssize_t>(sizeof mark))
    return false;
  count_ = index + 1;
  last_ = mark;
  return true;
}

void MarksWriter::add(const Mark& mark) {
  if (!fd_) return;
  const bool replaces = count_ > 0 && last_.offset == mark.offset;
  if (!replaces && static_cast<std::uint64_t>(position_of(count_ + 1)) > max_bytes_) thin_out();
  if (!fd_) return;
  (void)write_at(replaces ? count_ - 1 : count_,
                 mark);  // tolerated: the mark before stands for these bytes
}

void MarksWriter::truncate(std::uint64_t size) {
  if (!fd_ || count_ == 0 || last_.offset < size) return;
  count_ = count_below(fd_.get(), count_, size);
  (void)!::ftruncate(fd_.get(),
                     position_of(count_));  // readers ignore marks beyond the end of the log
  if (count_ > 0)
    (void)!::pread(fd_.get(), &last_, sizeof last_, position_of(count_ - 1));  // was read before
}

bool MarksWriter::is_in_place() const {
  struct stat by_name {};

  struct stat open {};

  return fd_ && ::fstat(fd_.get(), &open) == 0 && ::lstat(path().c_str(), &by_name) == 0 &&
         file_id(by_name) == file_id(open) && open.st_size >= position_of(count_);
}

void MarksWriter::thin_out() {
  const FsIdentity identity(target_.owner);
  if (replace_by_thinned()) return;
  // No room, or no permission: start anew rather than grow without limit.
  count_ = 0;
  if (::ftruncate(fd_.get(), position_of(0)) != 0) fd_.reset();
}

// Into a new file which then takes the name: a reader, or a daemon after kill -9, sees the old
// marks or the new ones.
bool MarksWriter::replace_by_thinned() {
  const std::string temporary = path() + ".tmp";
  UniqueFd thinned = open_beside_log(temporary, true);
  if (!thinned || !copy_thinned(thinned.get())) return false;
  kill_point("pump.marks_thinned");
  if (::rename(temporary.c_str(), path().c_str()) != 0) return false;
  fd_ = std::move(thinned);
  ++header_.thinned;
  count_ = marks_in(fd_.get());
  return true;
}

bool MarksWriter::copy_thinned(int to) {
  MarksHeader header = header_;
  ++header.thinned;
  if (::pwrite(to, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) return false;
  const std::uint64_t complete_from = count_ - count_ / 4;
  std::uint64_t written = 0;
  Block block;
  for (std::uint64_t from = 0; from < count_;) {
    const std::size_t n = read_marks(fd_.get(), from, count_, block);
    if (n == 0) return false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (from + i >= complete_from || (from + i) % 2 == 0) block[kept++] = block[i];
    const auto bytes = static_cast<ssize_t>(kept * sizeof(Mark));
    if (::pwrite(to, block.data(), kept * sizeof(Mark), position_of(written)) != bytes)
      return false;
    written += kept;
    from += n;
  }
  return true;
}

std::optional<std::uint64_t> find_run_begin(const std::string& log_path, FileId id,
                                            std::uint32_t run_tag) {
  constexpr std::uint64_t kLookedAt = 65'536;
  const std::string path = log_path + std::string(model::kMarksSuffix);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  MarksHeader header;
  if (!fd || !read_header(fd.get(), header) || !header_fits(header, id)) return std::nullopt;
  const std::uint64_t count = marks_in(fd.get());
  Block block;
  for (std::uint64_t from = count > kLookedAt ? count - kLookedAt : 0; from < count;) {
    const std::size_t n = read_marks(fd.get(), from, count, block);
    for (std::size_t i = 0; i < n; ++i)
      if (block[i].run_tag == run_tag) return block[i].offset;
    if (n == 0) break;
    from += n;
  }
  return std::nullopt;
}

}  // namespace roost::daemon
