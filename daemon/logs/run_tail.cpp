#include "daemon/logs/run_tail.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/logs/fs_identity.h"

namespace roost::daemon {
namespace {
std::string read_span(int fd, std::uint64_t begin, std::uint64_t end) {
  std::string text(static_cast<std::size_t>(end - begin), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n =
        ::pread(fd, text.data() + got, text.size() - got, static_cast<off_t>(begin + got));
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}
}  // namespace

std::string last_lines_of(std::string text, int lines) {
  if (lines <= 0) return {};
  std::size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;
  for (int seen = 0; at > 0; --at)
    if (text[at - 1] == '\n' && ++seen == lines) break;
  text.erase(0, at);
  return text;
}

std::string read_run_tail(const LogTarget& target, const RunSpan& span, int lines,
                          std::size_t max_bytes) {
  const FsIdentity identity(target.owner);
  const UniqueFd fd(::open(target.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));

  struct stat st {};

  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || file_id(st) != span.file)
    return {};
  const auto size = static_cast<std::uint64_t>(st.st_size);
  const std::uint64_t end = span.end == 0 ? size : std::min(span.end, size);
  // After a truncation everything that is left came later than that.
  const std::uint64_t begin = span.begin > end ? 0 : span.begin;
  const std::uint64_t from = end - begin > max_bytes ? end - max_bytes : begin;
  std::string text = last_lines_of(read_span(fd.get(), from, end), lines);
  // Cut at a line's beginning, if that leaves a line.
  if (from > begin && text.size() == end - from) {
    const std::size_t newline = text.find('\n');
    if (newline != std::string::npos && newline + 1 < text.size()) text.erase(0, newline + 1);
  }
  return text;
}

}  // namespace roost::daemon
