// app EVENTS idle | flood BYTES | rate LINES SECONDS: what every manager and every floor runs. Its first act is to note its start.
// flood: BYTES of numbered lines, 64 KiB a write. rate: LINES a second, a write a line, in ticks of 10 ms; each line carries its time.
// Both note their first and their last write, and wait then.
#include "common.h"

static void flood(struct events *events, uint64_t bytes) {
  enum { kLines = 655 };
  static char block[kLines * kLine];
  for (int i = 0; i < kLines; i++)
    blank_line(block + i * kLine);
  note(events, now_ns(), kBegun);
  for (uint64_t number = 0, lines = bytes / kLine; number < lines;) {
    uint64_t count = lines - number < kLines ? lines - number : kLines;
    for (uint64_t i = 0; i < count; i++)
      put_number(block + i * kLine, kNumberWidth, number + i);
    write_all(1, block, count * kLine);
    number += count;
  }
  note(events, now_ns(), kWritten);
}

static void rate(struct events *events, uint64_t lines_a_second, uint64_t seconds) {
  const uint64_t tick = 10000000, end = lines_a_second * seconds;
  char line[kLine];
  blank_line(line);
  note(events, now_ns(), kBegun);
  uint64_t begin = now_ns(), number = 0;
  for (uint64_t at = begin + tick; number < end; at += tick) {
    struct timespec until = {(time_t)(at / 1000000000U), (long)(at % 1000000000U)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
    for (uint64_t due = (at - begin) * lines_a_second / 1000000000U; number < due && number < end; number++) {
      put_number(line, kNumberWidth, number);
      put_number(line + kTimeAt, kTimeWidth, now_ns());
      write_all(1, line, kLine);
    }
  }
  note(events, now_ns(), kWritten);
}

int main(int argc, char **argv) {
  uint64_t begin = now_ns();
  if (argc < 3) return 100;
  struct events *events = open_events(argv[1]);
  note(events, begin, kStarted);
  if (strcmp(argv[2], "flood") == 0 && argc > 3) flood(events, strtoull(argv[3], NULL, 10));
  if (strcmp(argv[2], "rate") == 0 && argc > 4) rate(events, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
  for (;;)
    pause();
}
