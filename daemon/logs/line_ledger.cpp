#include "daemon/logs/line_ledger.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "core/model/limits.h"

namespace roost::daemon {
namespace {
constexpr std::uint64_t kMagic = 0x524744454c545352;  // "RSTLEDGR"
constexpr std::uint64_t kDataBegin = 4096;
constexpr std::uint64_t kMostBytes = kDataBegin + model::limits::kLogLedgerBytes;

// At the file's beginning; the bytes taken out of pipes follow from kDataBegin on.
struct Header {
  std::uint64_t magic = kMagic;
  std::array<std::uint8_t, 16> boot{};
  std::uint64_t base = 0;  // the file's size before the bytes of the batch
  std::uint64_t run = 0;
  std::uint64_t stream = 0;
  std::uint64_t bytes = 0;

  struct Place {
    std::uint64_t device = 0, inode = 0, offset = 0, length = 0;
  };

  std::array<Place, 2> places{};
};

static_assert(sizeof(Header) == 120 && sizeof(Header) <= kDataBegin);

LineBatch batch_of(const Header& header) {
  LineBatch batch;
  batch.run = model::RunId{header.run};
  batch.stream = header.stream == 0 ? model::Stream::out : model::Stream::err;
  batch.bytes = header.bytes;
  for (std::size_t i = 0; i < batch.places.size(); ++i) {
    const Header::Place& place = header.places[i];
    batch.places[i] = {{place.device, place.inode}, place.offset, place.length};
  }
  return batch;
}
}  // namespace

int LineLedger::open() {
  if (directory_.empty()) return ENOENT;
  (void)::mkdir(directory_.c_str(), 0700);
  errno = 0;
  fd_ = open_beside_log(path(), false);
  if (!fd_) return errno != 0 ? errno : EIO;

  struct stat st {};

  int wrong = ::fstat(fd_.get(), &st) != 0 ? errno : 0;
  if (wrong == 0 && st.st_uid != ::geteuid()) wrong = EPERM;
  if (wrong != 0) {
    fd_.reset();
    return wrong;
  }
  size_ = static_cast<std::uint64_t>(st.st_size);
  find_unfinished();
  if (unfinished_) return 0;
  const int errnum = begin_anew();
  if (errnum != 0) fd_.reset();
  return errnum;
}

// That of another boot is about pipes that are gone.
void LineLedger::find_unfinished() {
  Header header;
  if (::pread(fd_.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header) ||
      header.magic != kMagic || header.boot != boot_ || header.base < kDataBegin ||
      size_ < header.base || size_ - header.base >= header.bytes)
    return;
  unfinished_ = Unfinished{batch_of(header), size_ - header.base};
}

// Room is seen to at once, so that a full disk stops a batch before it begins.
int LineLedger::begin_anew() {
  if (::ftruncate(fd_.get(), 0) != 0 || ::ftruncate(fd_.get(), kDataBegin) != 0) return errno;
  constexpr auto kRoom = static_cast<off_t>(kMostBytes + model::limits::kMaxLogLine);
  if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, kRoom) != 0 && errno != EOPNOTSUPP)
    return errno;
  size_ = kDataBegin;
  return 0;
}

int LineLedger::note(const LineBatch& batch) {
  if (size_ >= kMostBytes)
    if (const int errnum = begin_anew(); errnum != 0) return errnum;
  Header header;
  header.boot = boot_;
  header.base = size_;
  header.run = raw(batch.run);
  header.stream = static_cast<std::uint64_t>(batch.stream);
  header.bytes = batch.bytes;
  for (std::size_t i = 0; i < batch.places.size(); ++i) {
    const TextPlace& place = batch.places[i];
    header.places[i] = {place.file.device, place.file.inode, place.offset, place.length};
  }
  const ssize_t n = ::pwrite(fd_.get(), &header, sizeof header, 0);
  kill_point("pump.noted");
  if (n == static_cast<ssize_t>(sizeof header)) return 0;
  return n < 0 ? errno : ENOSPC;
}

void LineLedger::forget() {
  unfinished_.reset();
  const std::uint64_t none = 0;
  (void)::pwrite(fd_.get(), &none, sizeof none, offsetof(Header, bytes));  // else it is seen again
}

void LineLedger::empty() {
  if (!fd_ && ::access(path().c_str(), F_OK) == 0) (void)open();
  if (fd_ && !unfinished_) (void)begin_anew();
}

void LineLedger::take(int pipe, const LineBatch& batch) {
  unfinished_ = Unfinished{batch, 0};
  (void)finish(pipe);  // else told by unfinished()
}

int LineLedger::finish(int pipe) {
  std::uint64_t& taken = unfinished_->taken;
  while (taken < unfinished_->batch.bytes) {
    auto at = static_cast<loff_t>(size_);
    const auto left = static_cast<std::size_t>(unfinished_->batch.bytes - taken);
    const ssize_t n =
        ::splice(pipe, nullptr, fd_.get(), &at, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    kill_point("pump.taken");
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return errno;
    if (n <= 0) break;  // the pipe is empty, against all that is known
    taken += static_cast<std::uint64_t>(n);
    size_ += static_cast<std::uint64_t>(n);
  }
  unfinished_.reset();
  return 0;
}

}  // namespace roost::daemon
