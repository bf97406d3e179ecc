// floor_respawn COUNT PROGRAM [ARGS…]: the least a manager can do after a death: waits for the child, starts it again with posix_spawn.
// After COUNT restarts it waits for the last child's death and prints its own CPU time in nanoseconds per restart. The program notes its own begin.
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static pid_t start(char **argv) {
  pid_t pid = 0;
  int error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
  if (error != 0) {
    fprintf(stderr, "posix_spawn: %d\n", error);
    exit(1);
  }
  return pid;
}

int main(int argc, char **argv) {
  if (argc < 3) return 100;
  long count = strtol(argv[1], NULL, 10);
  pid_t pid = start(argv + 2);
  printf("%d\n", pid);
  fflush(stdout);
  uint64_t before = cpu_ns();
  for (long i = 0; i < count; i++) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    pid = start(argv + 2);
  }
  uint64_t used = cpu_ns() - before;
  waitpid(pid, NULL, 0);  // the last one is ended by whoever measures
  printf("%" PRIu64 "\n", used / (uint64_t)count);
  return 0;
}
