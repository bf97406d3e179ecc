// tree RECORD [stubborn]: a family that tries to get away. Children: plain, own session (setsid),
// double-forked daemon, and one with an empty environment in its own session. Each appends "KIND
// PID" to RECORD. With `stubborn` the children ignore SIGTERM.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char* record_path;
static int stubborn;

static void note(const char* kind) {
  char line[64];
  int size = snprintf(line, sizeof line, "%s %d\n", kind, getpid());
  int fd = open(record_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line, (size_t)size) != size) _exit(101);
  close(fd);
}

static void live(const char* kind) {
  if (stubborn) signal(SIGTERM, SIG_IGN);
  note(kind);
  for (;;)
    pause();
}

static void child_plain(void) {
  live("plain");
}

static void child_setsid(void) {
  setsid();
  live("setsid");
}

static void child_daemon(void) {
  setsid();
  if (fork() != 0) _exit(0);
  live("daemon");
}

static void child_bare(void) {
  setsid();
  char* const arguments[] = {"tree-bare", (char*)record_path, stubborn ? "stubborn" : "polite",
                             NULL};
  char* const nothing[] = {NULL};
  execve("/proc/self/exe", arguments, nothing);
  _exit(102);
}

static void child_bare_daemon(void) {
  setsid();
  if (fork() != 0) _exit(0);
  child_bare();
}

int main(int argc, char** argv) {
  if (argc < 2) return 100;
  record_path = argv[1];
  stubborn = argc > 2 && strcmp(argv[2], "stubborn") == 0;
  if (strcmp(argv[0], "tree-bare") == 0) live("bare");
  void (*const children[])(void) = {child_plain, child_setsid, child_daemon, child_bare,
                                    child_bare_daemon};
  for (unsigned i = 0; i < sizeof children / sizeof *children; i++)
    if (fork() == 0) children[i]();
  note("main");
  for (;;)
    pause();
}
