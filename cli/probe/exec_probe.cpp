#include <csignal>
#include <cstring>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/probe/probe.h"

namespace roost::cli {

int probe_exec(const std::string& line, const std::string& cwd) {
  if (::chdir(cwd.c_str()) != 0)
    return probe_failed("directory '" + cwd + "': " + std::strerror(errno));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return probe_failed(std::string("fork: ") + std::strerror(errno));
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kProbeFailed);
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGALRM, SIG_DFL);
    ::execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::setpgid(child, child);
  set_probe_group(child);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  ::kill(-child, SIGKILL);  // what it left behind
  set_probe_group(0);
  if (WIFSIGNALED(status))
    return probe_failed(std::string("killed by SIG") + ::sigabbrev_np(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 0) return 0;
  return probe_failed("exit code " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace roost::cli
