// Runs the real `roost` and collects what it prints.
#pragma once

#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/unique_fd.h"

extern char** environ;

namespace roost::test {

struct ProgramResult {
  int status = -1;  // exit code; 128 + signal when killed
  std::string out;
  std::string err;
};

class RoostProgram {
 public:
  // `path`: which roost; it runs with nothing in its environment but PATH and ROOST_HOME.
  RoostProgram(std::string path, const std::string& home, std::vector<std::string> args) {
    int out[2];
    int err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) return;
    out_.reset(out[0]);
    err_.reset(err[0]);
    const UniqueFd out_end(out[1]);
    const UniqueFd err_end(err[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    args.insert(args.begin(), path);
    std::vector<char*> argv;
    for (auto& arg : args)
      argv.push_back(arg.data());
    argv.push_back(nullptr);
    std::string home_variable = "ROOST_HOME=" + home;
    std::string path_variable = "PATH=/usr/local/bin:/usr/bin:/bin";
    char* const env[] = {home_variable.data(), path_variable.data(), nullptr};
    ::posix_spawn(&pid_, path.c_str(), &actions, nullptr, argv.data(), env);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  // Nobody reads its stdout from now on.
  void close_out() { out_.reset(); }

  // Until it has ended; reads both pipes meanwhile.
  ProgramResult finish() {
    ProgramResult result;
    while (out_ || err_) {
      pollfd fds[2] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
      if (::poll(fds, 2, 30'000) <= 0) break;
      if (fds[0].revents != 0) read_into(out_, result.out);
      if (fds[1].revents != 0) read_into(err_, result.err);
    }
    int status = 0;
    if (pid_ > 0 && ::waitpid(pid_, &status, 0) == pid_)
      result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
  }

 private:
  static void read_into(UniqueFd& fd, std::string& text) {
    char block[4096];
    const auto got = ::read(fd.get(), block, sizeof block);
    if (got <= 0)
      fd.reset();
    else
      text.append(block, static_cast<std::size_t>(got));
  }

  UniqueFd out_;
  UniqueFd err_;
  pid_t pid_ = -1;
};

inline ProgramResult run_roost(const std::string& home, std::vector<std::string> args) {
  return RoostProgram(ROOST_PROGRAM, home, std::move(args)).finish();
}

}  // namespace roost::test
