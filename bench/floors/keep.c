// keep PROGRAM [ARGS…]: the least that a keeper and a daemon can do after a death when they share the work as roost's do, and there is nothing
// to decide and nothing to remember. The keeper reaps and tells the daemon; the daemon makes two pipes and a child of the keeper's, which
// registers itself there, with its pidfd and the pipes, before it executes PROGRAM; a thread of the daemon reads the pipes; the end is written
// to a file that has no name. Prints the daemon's pid. Ends with its input, and everything with it.
#define _GNU_SOURCE
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "common.h"

extern char **environ;
enum { kFds = 3, kEnded = 1, kRegistered = 2, kRecorded = 3 };

struct message {
  int32_t type, pid, status;
  char label[600];  // as large as roost's
};

static char **program;
static int peer, pidfd, pump, record;
static int out[2], err[2];
static char stack[1 << 16];

static int begin(void *unused) {
  struct message message = {.type = kRegistered, .pid = getpid()};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(kFds * sizeof(int))];
  } control = {{0}};
  struct iovec data = {&message, sizeof message};
  struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
  const int fds[kFds] = {pidfd, out[0], err[0]};
  sigset_t none;
  (void)unused;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof fds);
  memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
  setsid();
  dup2(out[1], 1);
  dup2(err[1], 2);
  if (sendmsg(peer, &packet, 0) < 0) _exit(126);
  syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(program[0], program, environ);
  _exit(127);
}

static void watch(int poller, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static void start(void) {
  sigset_t all, before;
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) fail("pipe2");
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  if (clone(begin, stack + sizeof stack, CLONE_PARENT | CLONE_VFORK | CLONE_VM | CLONE_FILES | CLONE_PIDFD, NULL, &pidfd) < 0) fail("clone");
  sigprocmask(SIG_SETMASK, &before, NULL);
  dup2(record, 1);  // the child put its own there, in the table that both shared
  dup2(record, 2);
  close(out[1]);
  close(err[1]);
  watch(pump, out[0]);
  watch(pump, err[0]);
}

static void *read_pipes(void *unused) {
  static char block[65536];
  (void)unused;
  for (;;) {
    struct epoll_event events[16];
    int ready = epoll_wait(pump, events, 16, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (read(fd, block, sizeof block) > 0) continue;
      epoll_ctl(pump, EPOLL_CTL_DEL, fd, NULL);  // the keeper has the pipe, too
      close(fd);
    }
  }
  return NULL;
}

static void run_daemon(void) {
  pthread_t reader;
  struct message message;
  record = memfd_create("ends", MFD_CLOEXEC);
  pump = epoll_create1(EPOLL_CLOEXEC);
  if (record < 0 || pump < 0 || pthread_create(&reader, NULL, read_pipes, NULL) != 0) fail("daemon");
  start();
  while (recv(peer, &message, sizeof message, 0) == sizeof message) {
    close(pidfd);
    start();
    if (write(record, &message, sizeof message) != sizeof message) fail("record");
    message.type = kRecorded;
    if (send(peer, &message, sizeof message, 0) < 0) return;
  }
}

static int held[kFds];

static void hear(void) {
  struct message message;
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(kFds * sizeof(int))];
  } control;
  struct iovec data = {&message, sizeof message};
  for (;;) {
    struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    if (recvmsg(peer, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) return;
    if (message.type == kRegistered) memcpy(held, CMSG_DATA(&control.header), sizeof held);
  }
}

static void reap(pid_t daemon) {
  siginfo_t end = {0};
  while (waitid(P_ALL, 0, &end, WEXITED | WNOHANG) == 0 && end.si_pid != 0) {
    struct message message = {.type = kEnded, .pid = end.si_pid, .status = end.si_status};
    if (end.si_pid == daemon) fail("daemon");
    for (int i = 0; i < kFds; i++)
      close(held[i]);
    if (send(peer, &message, sizeof message, 0) < 0) fail("send");
    end.si_pid = 0;
  }
}

int main(int argc, char **argv) {
  int ends[2];
  sigset_t children;
  if (argc < 2) return 100;
  program = argv + 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  pid_t daemon = fork();
  peer = ends[daemon == 0];
  close(ends[daemon != 0]);
  if (daemon == 0) return run_daemon(), 0;
  printf("%d\n", daemon);
  fflush(stdout);
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, NULL);
  int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK), poller = epoll_create1(EPOLL_CLOEXEC);
  watch(poller, signals);
  watch(poller, 0);
  for (;;) {
    struct epoll_event event;
    struct signalfd_siginfo seen;
    if (epoll_wait(poller, &event, 1, -1) == 1 && event.data.fd == 0) break;
    hear();
    while (read(signals, &seen, sizeof seen) > 0) {
    }
    reap(daemon);
  }
  hear();
  syscall(SYS_pidfd_send_signal, held[0], SIGKILL, NULL, 0);
  kill(daemon, SIGKILL);
  return 0;
}
