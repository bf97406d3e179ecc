// spawn bare|managed|DIRECTORY COUNT PROGRAM [ARGS…]: the least a manager can do with COUNT children.
//   bare       starts them, nothing else
//   managed    each in a session of its own, stdin from /dev/null, stdout and stderr in pipes that are read
//   DIRECTORY  the same, and what a child writes to stdout goes to DIRECTORY/<i>.log
// Does what it reads from standard input, a word a line, and answers each with "done": start, stop (SIGTERM, wait for all), restart (SIGTERM
// to all, and at each one's death its successor). Does "start" by itself at first; ends with its input, and all children with it.
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include "common.h"

extern char **environ;
static const char *mode;
static char **program;
static int count, poller;
static pid_t *pids;
static int *log_of;  // by descriptor of a pipe; 0: nowhere

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static int open_log(int index) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%d.log", mode, index);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) fail(path);
  return fd;
}

static void start_bare(int index) {
  errno = posix_spawn(&pids[index], program[0], NULL, NULL, program, environ);
  if (errno != 0) fail("posix_spawn");
}

static void start_managed(int index) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) fail("pipe2");
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  errno = posix_spawn(&pids[index], program[0], &actions, &attributes, program, environ);
  if (errno != 0) fail("posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(out[1]);
  close(err[1]);
  log_of[out[0]] = strcmp(mode, "managed") == 0 ? 0 : open_log(index);
  log_of[err[0]] = 0;
  watch(out[0]);
  watch(err[0]);
}

static void start(int index) {
  if (strcmp(mode, "bare") == 0) start_bare(index);
  else start_managed(index);
}

static void signal_all(int number) {
  for (int i = 0; i < count; i++)
    if (pids[i] > 0) kill(pids[i], number);
}

static void reap_all(int again) {
  for (int left = count; left > 0; left--) {
    pid_t pid = waitpid(-1, NULL, 0);
    if (pid < 0) return;
    for (int i = 0; i < count; i++) {
      if (pids[i] != pid) continue;
      pids[i] = 0;
      if (again) start(i);
      break;
    }
  }
}

static void obey(const char *words) {
  if (strcmp(words, "start\n") == 0) {
    for (int i = 0; i < count; i++)
      start(i);
  } else {
    signal_all(SIGTERM);
    reap_all(strcmp(words, "restart\n") == 0);
  }
  write_all(1, "done\n", 5);
}

static void relay(int fd) {
  static char block[65536];
  ssize_t got = read(fd, block, sizeof block);
  if (got > 0) {
    if (log_of[fd] > 0) write_all(log_of[fd], block, (size_t)got);
    return;
  }
  if (log_of[fd] > 0) close(log_of[fd]);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc < 4) return 100;
  mode = argv[1];
  count = atoi(argv[2]);
  program = argv + 3;
  pids = calloc((size_t)count, sizeof *pids);
  log_of = calloc((size_t)count * 6 + 4096, sizeof *log_of);
  poller = epoll_create1(EPOLL_CLOEXEC);
  watch(0);
  obey("start\n");
  for (int open = 1; open;) {
    struct epoll_event events[64];
    int ready = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < ready; i++) {
      char words[64] = "";
      if (events[i].data.fd != 0) relay(events[i].data.fd);
      else if (read(0, words, sizeof words - 1) > 0) obey(words);
      else open = 0;
    }
  }
  signal_all(SIGKILL);
  reap_all(0);
  return 0;
}
