// holder RECORD CODE: leaves a grandchild behind that keeps stdout open, and exits with CODE at
// once. RECORD gets the grandchild's pid.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 100;
  printf("before the exit\n");
  fflush(stdout);
  if (fork() == 0) {
    setsid();
    FILE* file = fopen(argv[1], "a");
    if (file == NULL) _exit(101);
    fprintf(file, "%d\n", getpid());
    fclose(file);
    for (;;)
      pause();
  }
  return atoi(argv[2]);
}
