// facts [stay]: one JSON line about how this process was started: descriptors, signals, session,
// limits, umask, nice. Then it exits, or stays.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_fds(void) {
  printf("\"fds\": {");
  const char* comma = "";
  for (int fd = 0; fd < 4096; fd++) {
    char path[64], target[512];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0) continue;
    target[n] = '\0';
    printf("%s\"%d\": \"%s\"", comma, fd, target);
    comma = ", ";
  }
  printf("}, ");
}

static void print_status_masks(void) {
  FILE* file = fopen("/proc/self/status", "r");
  char line[256], value[64];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    const char* keys[] = {"SigBlk", "SigIgn", "SigCgt"};
    for (int i = 0; i < 3; i++)
      if (strncmp(line, keys[i], 6) == 0 && sscanf(line + 7, "%63s", value) == 1)
        printf("\"%s\": \"%s\", ", keys[i], value);
  }
  if (file != NULL) fclose(file);
}

int main(int argc, char** argv) {
  int closed = 0;
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) closed++;
  printf("{");
  print_fds();
  print_status_masks();
  struct rlimit files, core;
  getrlimit(RLIMIT_NOFILE, &files);
  getrlimit(RLIMIT_CORE, &core);
  mode_t mask = umask(0);
  char oom[32] = "";
  int fd = open("/proc/self/oom_score_adj", O_RDONLY);
  if (fd >= 0 && read(fd, oom, sizeof oom - 1) > 0) oom[strcspn(oom, "\n")] = '\0';
  if (fd >= 0) close(fd);
  char cwd[4096];
  printf(
      "\"closed\": %d, \"pid\": %d, \"ppid\": %d, \"sid\": %d, \"pgid\": %d, \"nofile\": %lu, "
      "\"core\": %ld, \"umask\": %u, "
      "\"nice\": %d, \"oom\": %s, \"uid\": %u, \"cwd\": \"%s\"}\n",
      closed, getpid(), getppid(), getsid(0), getpgrp(), (unsigned long)files.rlim_cur,
      core.rlim_cur == RLIM_INFINITY ? -1L : (long)core.rlim_cur, (unsigned)mask,
      getpriority(PRIO_PROCESS, 0), oom, getuid(), getcwd(cwd, sizeof cwd) != NULL ? cwd : "");
  fflush(stdout);
  while (argc > 1 && strcmp(argv[1], "stay") == 0)
    pause();
  return 0;
}
