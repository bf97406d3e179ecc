// checklog FILE…: reads writer's lines from the files in order and prints one JSON object: lines,
// last, lost (numbers that are missing), duplicated (numbers seen again or out of order), torn
// (lines that are not exactly what the writer wrote).
#include "counter.h"
#include "line.h"
#include <string.h>

struct tally {
  uint64_t lines, last, lost, duplicated, torn, tail;
};

static void take(struct tally* t, const char* line, size_t size) {
  char expected[kMaxLine];
  char* end = NULL;
  uint64_t seq = size >= 13 ? strtoull(line, &end, 10) : 0;
  if (seq == 0 || end != line + 12 || (size_t)make_line(expected, seq) != size ||
      memcmp(line, expected, size) != 0) {
    t->torn++;
    return;
  }
  t->lines++;
  if (seq <= t->last) {
    t->duplicated++;
    return;
  }
  t->lost += seq - t->last - 1;
  t->last = seq;
}

int main(int argc, char** argv) {
  struct tally t = {0};
  char* line = NULL;
  size_t room = 0;
  for (int i = 1; i < argc; i++) {
    FILE* file = fopen(argv[i], "r");
    if (file == NULL) {
      perror(argv[i]);
      return 100;
    }
    for (ssize_t n; (n = getline(&line, &room, file)) > 0;) {
      if (line[n - 1] != '\n') {
        t.tail += (uint64_t)n;
        continue;
      }
      take(&t, line, (size_t)n);
    }
    fclose(file);
  }
  printf(
      "{\"lines\": %llu, \"last\": %llu, \"lost\": %llu, \"duplicated\": %llu, \"torn\": %llu, "
      "\"tail\": %llu}\n",
      (unsigned long long)t.lines, (unsigned long long)t.last, (unsigned long long)t.lost,
      (unsigned long long)t.duplicated, (unsigned long long)t.torn, (unsigned long long)t.tail);
  return 0;
}
