#include "cli/foreground/line_output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/json_writer.h"
#include "core/base/time.h"
#include "core/model/limits.h"

namespace roost::cli {
namespace {

using model::limits::kMaxForegroundBytes;
using model::limits::kMaxForegroundLine;

// What poll() promises to take without blocking.
constexpr std::size_t kPiece = 4096;
constexpr Duration kFinishLimit = 3s;

std::string utc_now() {
  const WallMs now = wall_now_ms();
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return {};
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), now % 1000);
}

}  // namespace

Result<UniqueFd> LineOutput::open(std::string app, std::uint32_t slot, std::string_view type) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  if (::fcntl(read_end.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error("pipe", errno);
  sources_.push_back({std::move(app), slot, type, std::move(read_end), {}});
  return write_end;
}

bool LineOutput::full() const {
  return pending_.size() >= kMaxForegroundBytes;
}

void LineOutput::add_to(std::vector<pollfd>& fds) const {
  if (!pending_.empty()) fds.push_back({STDOUT_FILENO, POLLOUT, 0});
  if (full()) return;
  for (const Source& source : sources_)
    fds.push_back({source.fd.get(), POLLIN, 0});
}

void LineOutput::handle(const std::vector<pollfd>& fds) {
  for (const pollfd& ready : fds) {
    if (ready.revents == 0) continue;
    if (ready.fd == STDOUT_FILENO) write_some();
    for (Source& source : sources_)
      if (source.fd.get() == ready.fd && !full()) read_from(source);
  }
  std::erase_if(sources_, [](const Source& source) { return !source.fd; });
}

void LineOutput::read_from(Source& source) {
  std::array<char, 16384> buffer;  // NOLINT: filled by read
  const ssize_t got = ::read(source.fd.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::string_view bytes(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!bytes.empty()) {
    const std::size_t room = kMaxForegroundLine - source.line.size();
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    source.line += bytes.substr(0, std::min(end, room));
    const bool ended = end < bytes.size() && end <= room;
    bytes.remove_prefix(ended ? end + 1 : std::min(end, room));
    if (!ended && source.line.size() < kMaxForegroundLine) continue;
    add_line(source, source.line);
    source.line.clear();
  }
  if (got > 0) return;
  if (!source.line.empty()) add_line(source, source.line);
  source.fd.reset();
}

void LineOutput::add_line(const Source& source, std::string_view line) {
  JsonWriter json(pending_);
  json.begin_object();
  json.key("message");
  json.string(line);
  json.key("timestamp");
  json.string(utc_now());
  json.key("type");
  json.string(source.type);
  json.key("app_name");
  json.string(source.app);
  json.key("slot");
  json.unsigned_integer(source.slot);
  json.end_object();
  pending_ += '\n';
}

void LineOutput::write_some() {
  const ssize_t put = ::write(STDOUT_FILENO, pending_.data(), std::min(pending_.size(), kPiece));
  if (put >= 0)
    pending_.erase(0, static_cast<std::size_t>(put));
  else if (errno != EINTR && errno != EAGAIN)
    pending_.clear();  // nobody reads any more: the apps go on
}

void LineOutput::finish() {
  const TimePoint until = Monotonic::now() + kFinishLimit;
  for (bool more = true; more && Monotonic::now() < until;) {
    std::vector<pollfd> fds;
    add_to(fds);
    const bool reading_only = pending_.empty();
    const auto left = std::max<std::int64_t>(to_ms(until - Monotonic::now()), 0);
    more = !fds.empty() &&
           ::poll(fds.data(), fds.size(), reading_only ? 0 : static_cast<int>(left)) > 0;
    if (more) handle(fds);
  }
  for (Source& source : sources_)
    if (!source.line.empty()) add_line(source, std::exchange(source.line, {}));
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  while (!pending_.empty() && Monotonic::now() < until && ::poll(&out, 1, 100) >= 0)
    if (out.revents != 0) write_some();
}

}  // namespace roost::cli
