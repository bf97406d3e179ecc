#include "cli/probe/probe.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <grp.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace roost::cli {
namespace {

constexpr int kTimedOut = 124;
constexpr int kUsage = 2;

volatile sig_atomic_t group_to_kill = 0;

void on_time_over(int /*signal*/) {
  if (group_to_kill != 0) ::kill(-group_to_kill, SIGKILL);
  constexpr char kText[] = "timed out\n";
  [[maybe_unused]] const ssize_t n = ::write(STDOUT_FILENO, kText, sizeof kText - 1);
  ::_exit(kTimedOut);
}

bool arm(std::string_view text) {
  long ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc{} || end != text.data() + text.size() || ms <= 0) return false;
  ::signal(SIGALRM, on_time_over);
  ::signal(SIGPIPE, SIG_IGN);
  const itimerval limit{.it_interval = {},
                        .it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
  return ::setitimer(ITIMER_REAL, &limit, nullptr) == 0;
}

std::vector<unsigned> numbers(std::string_view text) {
  std::vector<unsigned> found;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(":,"));
    unsigned number = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), number).ec == std::errc{})
      found.push_back(number);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return found;
}

// "uid:gid:group,group", or "-" for whoever we are.
bool become(std::string_view identity) {
  if (identity == "-") return true;
  const std::vector<unsigned> ids = numbers(identity);
  if (ids.size() < 2) return false;
  const std::vector<gid_t> groups(ids.begin() + 2, ids.end());
  return ::setgroups(groups.size(), groups.data()) == 0 &&
         ::setresgid(ids[1], ids[1], ids[1]) == 0 && ::setresuid(ids[0], ids[0], ids[0]) == 0;
}

}  // namespace

int probe_failed(const std::string& why) {
  std::printf("%s\n", why.c_str());
  std::fflush(stdout);
  return kProbeFailed;
}

void set_probe_group(int group) {
  group_to_kill = group;
}

int probe_file(const std::string& path) {
  struct stat info {};

  if (::stat(path.c_str(), &info) == 0) return 0;
  return probe_failed(path + ": " + std::strerror(errno));
}

int run_probe(Args args) {
  constexpr std::size_t kWords = 5;
  if (args.size() != kWords || !arm(args[2])) {
    std::fputs("roost probe is for roostd: KIND TARGET|- MILLISECONDS DIRECTORY IDENTITY\n",
               stderr);
    return kUsage;
  }
  if (!become(args[4])) return probe_failed("cannot take on the app's user");
  const std::string_view kind = args[0];
  const char* hidden =
      std::string_view(args[1]) == "-" ? std::getenv("ROOST_PROBE_TARGET") : nullptr;
  const std::string target = hidden != nullptr ? hidden : std::string(args[1]);
  if (kind == "http") return probe_http(target);
  if (kind == "tcp") return probe_tcp(target);
  if (kind == "file") return probe_file(target);
  if (kind == "exec") return probe_exec(target, args[3]);
  return probe_failed("unknown kind of probe");
}

}  // namespace roost::cli
