#include "metrics/proc_reader.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/unique_fd.h"

namespace roost::metrics {
namespace {

// stat is at most about 400 bytes; what is longer is not what it is taken for.
using Buffer = std::array<char, 1024>;

// "/proc/<pid>/<name>", without a stream or an allocation.
class ProcPath {
 public:
  ProcPath(std::int32_t pid, const char* name) {
    std::memcpy(text_.data(), "/proc/", 6);
    const auto [end, error] = std::to_chars(text_.data() + 6, text_.data() + 20, pid);
    (void)error;  // an int32 has at most 11 characters
    *end = '/';
    ::strncpy(end + 1, name, 10);
  }

  [[nodiscard]] const char* c_str() const { return text_.data(); }

 private:
  std::array<char, 40> text_{};
};

Result<std::string_view> read_file(std::int32_t pid, const char* name, Buffer& buffer) {
  if (pid <= 0) return Error{Errc::invalid, "no process has the number " + std::to_string(pid), {}};
  const ProcPath path(pid, name);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(path.c_str(), errno);
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0 && errno == ESRCH) return errno_error(path.c_str(), ENOENT);  // it died in between
  if (size < 0) return errno_error(path.c_str(), errno);
  return std::string_view(buffer.data(), static_cast<std::size_t>(size));
}

Duration since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Result<StatSample> read_stat(std::int32_t pid) {
  Buffer buffer;
  const Result<std::string_view> text = read_file(pid, "stat", buffer);
  if (!text) return text.error();
  Result<ProcStat> stat = parse_stat(*text);
  if (!stat) return std::move(stat).error();
  return StatSample{*stat, since_boot()};
}

Result<ProcStatm> read_statm(std::int32_t pid) {
  Buffer buffer;
  const Result<std::string_view> text = read_file(pid, "statm", buffer);
  if (!text) return text.error();
  return parse_statm(*text);
}

std::uint64_t page_bytes() {
  static const auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::uint64_t ticks_per_second() {
  static const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks;
}

}  // namespace roost::metrics
