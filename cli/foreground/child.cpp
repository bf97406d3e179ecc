#include "cli/foreground/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/words.h"
#include "core/model/instance_text.h"
#include "core/model/launch.h"

namespace roost::cli {
namespace {

std::vector<std::string> variables_of(const model::AppSpec& spec, std::uint32_t slot,
                                      std::uint32_t id) {
  auto env = model::instance_environment(spec, slot);
  env.emplace("PYTHONUNBUFFERED", "1");
  env[spec.instance_var] = std::to_string(slot);
  env["pm_id"] = std::to_string(id);
  std::vector<std::string> variables;
  for (const auto& [name, value] : env)
    variables.push_back(name + "=" + value);
  return variables;
}

// What the child sets up; the first step that fails is told by its errno.
bool set_up(const model::AppSpec& spec, const ChildIo& io) {
  ::setpgid(0, 0);
  // Not left to the parent: a program that reads at once would be stopped by SIGTTIN.
  if (io.terminal) ::tcsetpgrp(STDIN_FILENO, ::getpid());
  if (!io.own_stdin) {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, 0) < 0) return false;
  }
  if (io.out >= 0 && ::dup2(io.out, 1) < 0) return false;
  if (io.err >= 0 && ::dup2(io.err, 2) < 0) return false;
  if (::chdir(spec.cwd.c_str()) != 0) return false;
  if (spec.umask) ::umask(static_cast<mode_t>(*spec.umask));
  if (spec.nice && ::setpriority(PRIO_PROCESS, 0, *spec.nice) != 0) return false;
  if (spec.no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

}  // namespace

Result<pid_t> spawn_child(const model::AppSpec& spec, std::uint32_t slot, std::uint32_t id,
                          const ChildIo& io) {
  const char* credentials = ::getenv("CREDENTIALS_DIRECTORY");
  std::vector<std::string> words =
      model::with_launcher(spec, "/proc/self/exe", credentials != nullptr ? credentials : "",
                           model::instance_words(spec, slot));
  std::vector<std::string> variables = variables_of(spec, slot, id);
  const auto argv = pointers(words);
  const auto envp = pointers(variables);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  UniqueFd verdict(ends[0]);
  UniqueFd tell(::fcntl(ends[1], F_DUPFD_CLOEXEC, 10));
  ::close(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid == 0) {
    if (set_up(spec, io)) ::execve(argv.front(), argv.data(), envp.data());
    const int failed = errno;
    (void)!::write(tell.get(), &failed, sizeof failed);  // nobody else could be told
    ::_exit(127);
  }
  ::setpgid(pid, pid);  // as the child does: whoever is first
  tell.reset();
  int failed = 0;
  if (::read(verdict.get(), &failed, sizeof failed) != sizeof failed) return pid;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return errno_error("app '" + spec.name + "': " + words.front(), failed);
}

}  // namespace roost::cli
