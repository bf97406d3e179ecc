#include "cli/launcher.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/keeper_search.h"
#include "cli/keeper_start.h"
#include "cli/lock_file.h"
#include "ipc/socket.h"

namespace roost::cli {
namespace {

constexpr Duration kSlice = 50ms;  // between two looks at whether the keeper still lives
constexpr std::size_t kLogTailBytes = 2048;
constexpr int kLogTailLines = 8;

off_t size_of(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

// The last lines written behind `from`, each on a line of its own; empty if there are none.
std::string log_tail(const std::string& path, off_t from) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const off_t start = std::max(from, size_of(path) - static_cast<off_t>(kLogTailBytes));
  std::string text(kLogTailBytes, '\0');
  const auto got = ::pread(file.get(), text.data(), text.size(), start);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  std::size_t begin = text.size();
  for (int lines = 0; lines < kLogTailLines && begin != std::string::npos && begin > 0; ++lines)
    begin = text.rfind('\n', begin - 1);
  return begin == std::string::npos || begin == 0 ? text : text.substr(begin + 1);
}

std::string indented(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

Error startup_error(const ipc::Paths& paths, off_t log_start, std::string message) {
  const auto tail = log_tail(paths.daemon_log(), log_start);
  return {Errc::unavailable, std::move(message),
          tail.empty() ? "see '" + paths.daemon_log() + "'"
                       : "from '" + paths.daemon_log() + "':\n  " + indented(tail)};
}

bool somebody_listens(const ipc::Paths& paths) {
  const auto socket = ipc::connect_unix(paths.socket());
  return socket || socket.error().code == Errc::timeout;
}

// One attempt; nothing when nobody listens. Who began to listen only after the attempt is asked
// again; one that listened and kept silent has taken the whole of kSilenceLimit.
std::optional<Result<ipc::Client>> try_connect(const ipc::Paths& paths, Duration patience) {
  const auto begin = Monotonic::now();
  auto client = ipc::Client::connect(paths, {.patience = patience});
  if (client || client.error().code != Errc::unavailable) return client;
  if (!somebody_listens(paths)) return std::nullopt;
  if (Monotonic::now() - begin >= ipc::kSilenceLimit) return client;
  auto again = ipc::Client::connect(paths);
  if (!again && again.error().code == Errc::unavailable && !somebody_listens(paths))
    return std::nullopt;
  return again;
}

// A daemon could not listen there: it would end again and again.
Status check_socket(const ipc::Paths& paths) {
  struct stat info {};

  if (::lstat(paths.socket().c_str(), &info) != 0 || S_ISSOCK(info.st_mode)) return ok();
  const char* kind = S_ISDIR(info.st_mode)   ? "a directory"
                     : S_ISLNK(info.st_mode) ? "a symbolic link"
                                             : "no socket";
  return Error{Errc::conflict,
               "'" + paths.socket() + "' is " + kind + ": that is where the daemon listens",
               "move it away"};
}

Status launch(const ipc::Paths& paths, UniqueFd lock) {
  if (auto kernel = check_kernel(); !kernel) return kernel;
  if (auto limits = check_limits(); !limits) return limits;
  auto programs = find_programs();
  if (!programs) return std::move(programs).error();
  return start_keeper(*programs, paths, std::move(lock));
}

Result<ipc::Client> wait_or_launch(const ipc::Paths& paths) {
  const auto log_start = size_of(paths.daemon_log());
  const auto deadline = Monotonic::now() + kLaunchLimit;
  bool launched = false;
  while (true) {
    // A free lock means that neither keeper nor daemon lives.
    auto lock = try_lock(paths.lock());
    if (!lock) return std::move(lock).error();
    if (*lock && launched)
      return startup_error(paths, log_start, "the daemon ended as soon as it was started");
    // But the file may have been deleted with the home under those who held it: they make their
    // socket again.
    const pid_t lost = *lock ? find_keeper(paths.home) : 0;
    if (lost == 0 && *lock) {
      if (auto started = launch(paths, std::move(*lock)); !started)
        return std::move(started).error();
      launched = true;
    }
    if (auto client = try_connect(paths, kSlice)) return std::move(*client);
    lock->reset();
    if (Monotonic::now() > deadline && lost != 0)
      return Error{Errc::unavailable,
                   "the keeper of '" + paths.home + "' lives (pid " + std::to_string(lost) +
                       "), but its daemon has not made its socket again",
                   "see '" + paths.daemon_log() + "'"};
    if (Monotonic::now() > deadline)
      return startup_error(paths, log_start, "the daemon does not answer");
  }
}

// Who ends in order takes the socket away.
bool left_a_socket(const ipc::Paths& paths) {
  return ::access(paths.socket().c_str(), F_OK) == 0;
}

// The lock, where neither keeper nor daemon lives.
std::optional<UniqueFd> lock_of_the_dead(const ipc::Paths& paths) {
  auto lock = try_lock(paths.lock());
  if (!lock || !*lock || find_keeper(paths.home) != 0) return std::nullopt;
  return std::move(*lock);
}

}  // namespace

Result<ipc::Client> connect_or_launch(const ipc::Paths& paths) {
  if (auto client = try_connect(paths, 0s)) return std::move(*client);
  if (auto home = ipc::ensure_home(paths); !home) return std::move(home).error();
  if (auto free = check_socket(paths); !free) return std::move(free).error();
  return wait_or_launch(paths);
}

Result<ipc::Client> connect_again(const ipc::Paths& paths) {
  const auto deadline = Monotonic::now() + kLaunchLimit;
  while (!left_a_socket(paths) && Monotonic::now() < deadline) {
    if (lock_of_the_dead(paths) && !left_a_socket(paths))
      return Error{Errc::unavailable, "the daemon has ended, and its apps with it",
                   "start them with: roost start all"};
    if (auto client = try_connect(paths, kSlice)) return std::move(*client);
  }
  return connect_or_launch(paths);
}

void revive_when_lost(ipc::Client& client, const ipc::Paths& paths) {
  client.when_lost([paths] {
    if (!left_a_socket(paths)) return false;
    std::optional<UniqueFd> lock = lock_of_the_dead(paths);
    return lock && launch(paths, std::move(*lock));
  });
}

Result<std::optional<ipc::Client>> connect_if_running(const ipc::Paths& paths) {
  if (::access(paths.lock().c_str(), F_OK) != 0 && errno == ENOENT) {
    if (find_keeper(paths.home) == 0) return std::optional<ipc::Client>{};
    if (auto home = ipc::ensure_home(paths); !home) return std::move(home).error();
  }
  auto lock = try_lock(paths.lock());
  if (!lock) return std::move(lock).error();
  if (*lock && find_keeper(paths.home) == 0) return std::optional<ipc::Client>{};
  lock->reset();
  auto client = ipc::Client::connect(paths, {.patience = kLaunchLimit}, ipc::Protocol::any);
  if (!client) return std::move(client).error();
  return std::optional<ipc::Client>(std::move(*client));
}

Status wait_until_gone(const ipc::Paths& paths, Duration limit) {
  const auto deadline = Monotonic::now() + limit;
  for (auto pause = 2ms; Monotonic::now() < deadline; pause = std::min(pause * 2, 20ms)) {
    auto lock = try_lock(paths.lock());
    if (!lock && lock.error().code == Errc::not_found) return ok();
    if (!lock) return std::move(lock).error();
    if (*lock) return ok();
    ::usleep(static_cast<useconds_t>(std::chrono::microseconds(pause).count()));
  }
  return Error{Errc::timeout, "keeper or daemon have not ended yet", "see '" + paths.lock() + "'"};
}

}  // namespace roost::cli
