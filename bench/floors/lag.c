// lag COUNT SKIP: reads an app's lines from standard input and takes the time since each was written, from line SKIP on, COUNT times. Prints the
// median and the 90th percentile in nanoseconds.
#include "common.h"

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 3) return 100;
  size_t count = strtoull(argv[1], NULL, 10), skip = strtoull(argv[2], NULL, 10), taken = 0, have = 0;
  uint64_t *lags = calloc(count, sizeof *lags);
  static char buffer[65536];
  while (taken < count) {
    ssize_t got = read(0, buffer + have, sizeof buffer - have);
    uint64_t now = now_ns();
    if (got <= 0) break;
    have += (size_t)got;
    size_t used = 0;
    for (; have - used >= kLine; used += kLine) {
      if (skip > 0) skip--;
      else if (taken < count) lags[taken++] = now - get_number(buffer + used + kTimeAt, kTimeWidth);
    }
    memmove(buffer, buffer + used, have - used);
    have -= used;
  }
  if (taken == 0) return 1;
  qsort(lags, taken, sizeof *lags, compare);
  printf("%" PRIu64 " %" PRIu64 "\n", lags[taken / 2], lags[taken * 9 / 10]);
  return 0;
}
