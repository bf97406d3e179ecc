// respawn COUNT PROGRAM [ARGS…]: the least a manager can do after a death: waits for the child and starts it again, COUNT times. Ends when the last
// one does.
#include <spawn.h>
#include <sys/wait.h>
#include "common.h"

extern char **environ;

int main(int argc, char **argv) {
  if (argc < 3) return 100;
  for (long left = strtol(argv[1], NULL, 10); left >= 0; left--) {
    pid_t pid = 0;
    errno = posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ);
    if (errno != 0) fail("posix_spawn");
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
  }
  return 0;
}
