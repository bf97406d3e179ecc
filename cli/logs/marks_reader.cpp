#include "cli/logs/marks_reader.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace roost::cli {
namespace {
using model::Mark;
using model::MarksHeader;

off_t position_of(std::uint64_t index) {
  return static_cast<off_t>(sizeof(MarksHeader) + index * sizeof(Mark));
}

bool fits(int fd, std::uint64_t device, std::uint64_t inode) {
  MarksHeader header;
  return ::pread(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header) &&
         header.magic == model::kMarksMagic && header.version == model::kMarksVersion &&
         header.record_size == sizeof(Mark) && header.device == device && header.inode == inode;
}
}  // namespace

MarksReader::MarksReader(const std::string& log_path, std::uint64_t device, std::uint64_t inode)
    : log_path_(log_path), device_(device), inode_(inode) {
  open();
}

void MarksReader::open() {
  const std::string path = log_path_ + std::string(model::kMarksSuffix);
  block_.clear();
  fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd_ && !fits(fd_.get(), device_, inode_)) fd_.reset();
  count();
}

// How many marks there are now; those of the file that took the name, if one did.
void MarksReader::count() {
  struct stat st {};

  count_ = 0;
  if (!fd_ || ::fstat(fd_.get(), &st) != 0) return;
  if (st.st_nlink == 0) return open();  // deleted: the new one has a name
  const auto size = static_cast<std::uint64_t>(st.st_size);
  if (size > sizeof(MarksHeader)) count_ = (size - sizeof(MarksHeader)) / sizeof(Mark);
}

bool MarksReader::load(std::uint64_t first) {
  first_ = first;
  block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, count_ - first)));
  const ssize_t n =
      ::pread(fd_.get(), block_.data(), block_.size() * sizeof(Mark), position_of(first));
  block_.resize(n > 0 ? static_cast<std::size_t>(n) / sizeof(Mark) : 0);
  // A record of zeros is one that never got written (the disk was full).
  while (!block_.empty() && block_.back().wall_ns == 0)
    block_.pop_back();
  return !block_.empty();
}

bool MarksReader::block_holds(std::uint64_t offset) {
  const bool begins_before = !block_.empty() && block_.front().offset <= offset;
  if (begins_before && offset < block_.back().offset) return true;
  const std::uint64_t end = first_ + block_.size();
  count();  // there may be more by now, or another sidecar
  return begins_before && !block_.empty() && end == count_;
}

// Index of the first mark beyond `offset`, by halving.
std::uint64_t MarksReader::first_after(std::uint64_t offset) const {
  std::uint64_t low = 0;
  std::uint64_t high = count_;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    Mark mark;
    const ssize_t n = ::pread(fd_.get(), &mark, sizeof mark, position_of(middle));
    const bool beyond =
        n != static_cast<ssize_t>(sizeof mark) || mark.wall_ns == 0 || mark.offset > offset;
    (beyond ? high : low) = beyond ? middle : middle + 1;
  }
  return low;
}

std::optional<model::Mark> MarksReader::at(std::uint64_t offset) {
  if (!fd_) open();  // the log may be older than its sidecar
  if (!fd_) return std::nullopt;
  if (!block_holds(offset)) {
    const std::uint64_t after = first_after(offset);
    if (after == 0) return std::nullopt;
    // Offsets mostly come in order: the block is laid around the place.
    const std::uint64_t back = std::min<std::uint64_t>(after, kBlock / 2);
    if (!load(after - back)) return std::nullopt;
  }
  const auto beyond = std::upper_bound(block_.begin(), block_.end(), offset,
                                       [](std::uint64_t o, const Mark& m) { return o < m.offset; });
  if (beyond == block_.begin()) return std::nullopt;
  return *(beyond - 1);
}

}  // namespace roost::cli
