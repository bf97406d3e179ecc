// stubborn: ignores every polite signal; only SIGKILL ends it. Says so first.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  for (int number = 1; number < 32; number++)
    signal(number, SIG_IGN);
  printf("stubborn %d\n", getpid());
  fflush(stdout);
  for (;;)
    pause();
}
