#include "metrics/proc_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "core/base/unique_fd.h"

namespace roost::metrics {
namespace {

using Buffer = std::array<char, 1024>;

Result<std::string_view> read_proc(std::int32_t pid, const char* file, Buffer& buffer) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/%s", pid, file);
  const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(path.data(), errno);
  const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
  if (n > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(n));
  const int error = n < 0 && errno != ESRCH ? errno : ENOENT;  // it died between open and read
  return errno_error(path.data(), error);
}

Duration since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Result<StatSample> read_stat(std::int32_t pid) {
  Buffer buffer;  // NOLINT: filled by read
  Result<std::string_view> text = read_proc(pid, "stat", buffer);
  if (!text) return std::move(text).error();
  Result<ProcStat> stat = parse_stat(*text);
  if (!stat) return std::move(stat).error();
  return StatSample{*stat, since_boot()};
}

Result<ProcStatm> read_statm(std::int32_t pid) {
  Buffer buffer;  // NOLINT: filled by read
  Result<std::string_view> text = read_proc(pid, "statm", buffer);
  if (!text) return std::move(text).error();
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
