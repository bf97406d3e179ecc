// blob line|bytes|lines SIZE [SEED] [STREAM]: SIZE bytes that follow from SEED, to stdout (or
// descriptor STREAM), then exit 0. `line`: letters without a newline; `bytes`: every value;
// `lines`: letters with a newline each 100 bytes. Run by hand it gives what to expect.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t state;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

int main(int argc, char** argv) {
  if (argc < 3) return 100;
  uint64_t left = strtoull(argv[2], NULL, 10), at = 0;
  state = 0x9e3779b97f4a7c15U ^ (argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
  int fd = argc > 4 ? atoi(argv[4]) : 1;
  const int binary = strcmp(argv[1], "bytes") == 0, lines = strcmp(argv[1], "lines") == 0;
  static unsigned char buffer[1 << 16];
  while (left > 0) {
    size_t size = left < sizeof buffer ? (size_t)left : sizeof buffer;
    for (size_t i = 0; i < size; i++, at++) {
      unsigned char byte = (unsigned char)(next() >> 24);
      buffer[i] = binary ? byte : lines && at % 100 == 99 ? '\n' : (unsigned char)('a' + byte % 26);
    }
    for (size_t done = 0; done < size;) {
      ssize_t n = write(fd, buffer + done, size - done);
      if (n <= 0) return 101;
      done += (size_t)n;
    }
    left -= size;
  }
  return 0;
}
