// idle [BEACON]: waits for ever and costs nothing. BEACON: appends "PID BEGIN_NS" (CLOCK_MONOTONIC)
// as its first act.
#include "counter.h"

int main(int argc, char** argv) {
  uint64_t begin = now_ns();
  if (argc > 1) {
    char line[64];
    int size = snprintf(line, sizeof line, "%d %llu\n", getpid(), (unsigned long long)begin);
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)size) != size) return 101;
    close(fd);
  }
  for (;;)
    pause();
}
