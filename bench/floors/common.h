// What the measurement's C programs share. The clock is CLOCK_MONOTONIC, the harness's too.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static inline void fail(const char *what) {
  perror(what);
  exit(100);
}

static inline void write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t done = write(fd, data, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail("write");
    data += done;
    size -= (size_t)done;
  }
}

// Events: a shared page in which processes note the moment of what they do, so that neither polling nor a script's slowness is in a
// figure. lib/events.py reads it: keep the layout.
enum what { kStarted = 1, kBegun = 2, kWritten = 3 };
enum { kMaxEvents = 16384 };

struct event {
  uint64_t ns;
  uint32_t pid;
  uint32_t what;  // written last; 0: not there yet
};

struct events {
  uint64_t count;
  uint64_t unused;
  struct event event[kMaxEvents];
};

static inline struct events *open_events(const char *path) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) fail(path);
  void *page = mmap(NULL, sizeof(struct events), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) fail(path);
  close(fd);
  return page;
}

static inline void note(struct events *events, uint64_t ns, enum what what) {
  uint64_t place = __atomic_fetch_add(&events->count, 1, __ATOMIC_RELAXED);
  if (place >= kMaxEvents) return;
  struct event *event = &events->event[place];
  event->ns = ns;
  event->pid = (uint32_t)getpid();
  __atomic_store_n(&event->what, what, __ATOMIC_RELEASE);
}

// Lines of the apps: "NNNNNNNNNNNN NNNNNNNNNNNNNNNNNNN xxx…\n", number and time, kLine bytes.
enum { kLine = 100, kNumberWidth = 12, kTimeAt = 13, kTimeWidth = 19 };

static inline void put_number(char *to, int width, uint64_t value) {
  for (int i = width - 1; i >= 0; i--, value /= 10)
    to[i] = (char)('0' + value % 10);
}

static inline uint64_t get_number(const char *from, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; i++)
    value = value * 10 + (uint64_t)(from[i] - '0');
  return value;
}

static inline void blank_line(char *line) {
  memset(line, 'x', kLine);
  put_number(line, kNumberWidth, 0);
  line[kNumberWidth] = ' ';
  put_number(line + kTimeAt, kTimeWidth, 0);
  line[kTimeAt + kTimeWidth] = ' ';
  line[kLine - 1] = '\n';
}
