// crash exit|signal VALUE RECORD [AFTER_MS]: appends "PID BEGIN_NS END_NS" (CLOCK_MONOTONIC) to
// RECORD just before it ends as told, so that a test knows every run there ever was. Records its
// begin first as "PID BEGIN_NS -": every run leaves at least that line.
#include "counter.h"
#include <signal.h>
#include <string.h>

static void record(int fd, uint64_t begin, int ending) {
  char line[96];
  int size = ending
                 ? snprintf(line, sizeof line, "%d %llu %llu\n", getpid(),
                            (unsigned long long)begin, (unsigned long long)now_ns())
                 : snprintf(line, sizeof line, "%d %llu -\n", getpid(), (unsigned long long)begin);
  if (write(fd, line, (size_t)size) != size) _exit(101);
}

int main(int argc, char** argv) {
  uint64_t begin = now_ns();
  if (argc < 4) return 100;
  int fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return 100;
  record(fd, begin, 0);
  long after = argc > 4 ? strtol(argv[4], NULL, 10) : 0;
  const struct timespec pause = {.tv_sec = after / 1000, .tv_nsec = after % 1000 * 1000000};
  nanosleep(&pause, NULL);
  int value = atoi(argv[2]);
  fprintf(stderr, "crash: %s %d\n", argv[1], value);
  record(fd, begin, 1);
  if (strcmp(argv[1], "exit") == 0) _exit(value);
  signal(value, SIG_DFL);
  kill(getpid(), value);
  for (;;)
    sigsuspend(&(sigset_t){0});
}
