#include "daemon/logs/relay.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "core/model/limits.h"
#include "daemon/logs/log_file.h"
#include "daemon/logs/pipe_state.h"

namespace roost::daemon {
namespace {
using model::limits::kBusyPipeBytes;

constexpr std::uint64_t kMagic = 0x3159414c45525352;  // "RSRELAY1"

// As it is in the memfd, up to the end of the path.
struct Note {
  std::uint64_t magic = kMagic;
  std::uint64_t run = 0;
  std::uint32_t stream = 0;
  std::uint32_t path_bytes = 0;
  std::array<char, PATH_MAX> path;
};

constexpr std::size_t kHeadBytes = offsetof(Note, path);
}  // namespace

Result<RelayFds> make_relay() {
  RelayFds fds;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  const std::string self = "/proc/self/fd/" + std::to_string(in.get());
  fds.pipe.reset(::open(self.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fds.pipe) return errno_error("pipe", errno);
  // Beyond the user's share of pipe memory they come smaller.
  if (::fcntl(in.get(), F_SETPIPE_SZ, static_cast<int>(kBusyPipeBytes)) < 0)
    return errno_error("size of the pipe", errno);
  fds.note.reset(::memfd_create("roost-relay", MFD_CLOEXEC));
  if (!fds.note) return errno_error("memfd", errno);
  return fds;
}

void Relay::open(int pipe, int note) {
  pipe_ = pipe;
  note_ = note;
  bytes_ = bytes_waiting(pipe);
  source_.reset();
  if (bytes_ > 0) read_note();
}

void Relay::read_note() {
  Note note;
  const ssize_t n = ::pread(note_, &note, sizeof note, 0);
  if (n < static_cast<ssize_t>(kHeadBytes) || note.magic != kMagic || note.stream > 1 ||
      note.path_bytes > static_cast<std::size_t>(n) - kHeadBytes)
    return;
  source_ =
      Source{model::RunId{note.run}, note.stream == 0 ? model::Stream::out : model::Stream::err,
             std::string(note.path.data(), note.path_bytes)};
}

bool Relay::holds(model::RunId run, model::Stream stream) const {
  return bytes_ > 0 && source_ && source_->run == run && source_->stream == stream;
}

// While it is free, half a note is no worse than none.
bool Relay::note(model::RunId run, model::Stream stream, const std::string& path) {
  if (source_ && source_->run == run && source_->stream == stream && source_->path == path)
    return true;
  Note note;
  if (path.size() > note.path.size()) return false;
  note.run = raw(run);
  note.stream = static_cast<std::uint32_t>(index_of(stream));
  note.path_bytes = static_cast<std::uint32_t>(path.size());
  std::copy(path.begin(), path.end(), note.path.begin());
  const std::size_t size = kHeadBytes + path.size();
  source_.reset();
  if (::pwrite(note_, &note, size, 0) != static_cast<ssize_t>(size)) return false;
  kill_point("pump.relay_noted");
  source_ = Source{run, stream, path};
  return true;
}

ssize_t Relay::fill(int pipe, std::size_t most) {
  const ssize_t moved =
      ::splice(pipe, nullptr, pipe_, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  kill_point("pump.relayed");
  if (moved > 0) bytes_ += static_cast<std::size_t>(moved);
  return moved;
}

ssize_t Relay::pour(LogFile& file) {
  std::size_t poured = 0;
  while (bytes_ > 0) {
    const ssize_t n = file.take(pipe_, bytes_);
    if (n == 0) errno = EIO;
    if (n <= 0) break;
    poured += static_cast<std::size_t>(n);
    bytes_ -= std::min(bytes_, static_cast<std::size_t>(n));
  }
  return poured > 0 ? static_cast<ssize_t>(poured) : -1;
}

std::size_t Relay::discard(int null) {
  const std::size_t before = bytes_;
  (void)::splice(pipe_, nullptr, null, nullptr, before, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  bytes_ = bytes_waiting(pipe_);
  return before - std::min(before, bytes_);
}

}  // namespace roost::daemon
