// The shared page in which a writer says how many lines the kernel has accepted from it, so that a
// test can compare that with what is in the log. Read by tests/e2e/harness/roost.py too: keep the
// order of the fields.
#pragma once
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct counter {
  volatile uint64_t accepted;     // lines for which write() has returned in full
  volatile uint64_t errors;       // failed or short writes
  volatile uint64_t max_wait_ns;  // longest single write
  volatile uint64_t pid;
  volatile uint64_t starts;  // how often a process has begun with this file
};

static inline struct counter* open_counter(const char* path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(struct counter)) != 0) {
    perror(path);
    exit(100);
  }
  void* page = mmap(NULL, sizeof(struct counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page == MAP_FAILED) exit(100);
  return page;
}

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}
