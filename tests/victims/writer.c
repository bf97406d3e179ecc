// writer RATE COUNTER [LAST]: numbered, checkable lines to stdout, RATE a second, one write() a
// line, counted in the shared page COUNTER. A restarted writer goes on with the next number.
// SIGTERM: ends after the line, exit 0. LAST: ends there.
#include "counter.h"
#include "line.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t stopping;

static void on_term(int signal_number) {
  (void)signal_number;
  stopping = 1;
}

static void write_line(struct counter* c) {
  char line[kMaxLine];
  int size = make_line(line, c->accepted + 1);
  uint64_t before = now_ns();
  ssize_t done = write(1, line, (size_t)size);
  uint64_t waited = now_ns() - before;
  if (waited > c->max_wait_ns) c->max_wait_ns = waited;
  if (done == size) {
    c->accepted++;
  } else {
    c->errors++;
    if (done < 0 && errno == EINTR) return;
    _exit(101);
  }
}

int main(int argc, char** argv) {
  if (argc < 3) return 100;
  uint64_t rate = strtoull(argv[1], NULL, 10);
  struct counter* c = open_counter(argv[2]);
  uint64_t last = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
  struct sigaction action = {.sa_handler = on_term, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  c->pid = (uint64_t)getpid();
  c->starts++;
  uint64_t begin = now_ns(), written = 0;
  const struct timespec tick = {.tv_nsec = 1000000};
  while (!stopping && c->accepted < last) {
    uint64_t due = (now_ns() - begin) * rate / 1000000000U;
    if (due > written + rate) written = due - rate;  // never catch up more than a second
    for (; written < due && !stopping && c->accepted < last; written++)
      write_line(c);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
  }
  return 0;
}
