// Stands in for roost-keeper in tests of the launcher: one process that writes down that it was
// started and how, and answers `ping` as a daemon would.
//
// What it does is decided by the file "mode" in the home: absent = serve; "die" = write a line to
// the daemon's log and end; "mute" = hold the lock and never listen, until the file is removed.
#include <csignal>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "ipc/messages/daemon_messages.h"
#include "tests/support/scripted_server.h"

namespace {

using namespace roost;

std::string option(int argc, char** argv, const char* name) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], name) == 0) return argv[i + 1];
  return {};
}

void append(const std::string& path, const std::string& line) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  (void)write_all(file.get(), line);  // the test sees that it is missing
}

// "pid sid cwd descriptors daemon"
std::string report(const std::string& daemon) {
  char cwd[4096] = "";
  (void)!::getcwd(cwd, sizeof cwd);
  std::string fds;
  for (int fd = 0; fd < 64; ++fd)
    if (::fcntl(fd, F_GETFD) >= 0) fds += (fds.empty() ? "" : ",") + std::to_string(fd);
  return std::to_string(::getpid()) + " " + std::to_string(::getsid(0)) + " " + cwd + " " + fds +
         " " + daemon + "\n";
}

void serve(const ipc::Paths& paths) {
  const test::Script answer = [](test::Peer& peer) {
    if (!peer.hello()) return;
    if (const auto asked = peer.request())
      peer.result(asked->id, to_json(ipc::PingReply{"9.9.9", ::getpid(), ::getpid(), 5}));
    peer.idle(1000);
  };
  const test::ScriptedServer server(paths, {answer}, test::AfterLastScript::repeat);
  // The test ends this process by its pid; if it dies itself, the home goes away.
  while (::access(paths.home.c_str(), F_OK) == 0)
    ::usleep(50'000);
}

}  // namespace

int main(int argc, char** argv) {
  const auto home = option(argc, argv, "--home");
  const auto paths = ipc::paths_for_home(home);
  if (!paths) return 2;
  append(home + "/starts", report(option(argc, argv, "--daemon")));
  const auto mode = read_file(home + "/mode", 100);
  if (mode && *mode == "die") {
    append(paths->daemon_log(), "E state.db is not ours\n");
    return 1;
  }
  while (mode && ::access((home + "/mode").c_str(), F_OK) == 0)
    ::usleep(20'000);
  serve(*paths);
  return 0;
}
