// A native program: counts seconds and ends cleanly on SIGTERM. Build: cc -O2 -o counter counter.c
#include <signal.h>
#include <stdio.h>
#include <time.h>

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  const struct timespec second = {.tv_sec = 1};
  unsigned long count = 0;
  while (sigtimedwait(&set, NULL, &second) < 0)
    printf("counter: %lu\n", ++count);
  printf("counter: done\n");
  return 0;
}
