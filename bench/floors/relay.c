// relay rw|splice FILE: standard input to FILE until its end, 64 KiB at a time: the least that can keep a log.
#include "common.h"

enum { kBlock = 65536 };

int main(int argc, char **argv) {
  if (argc < 3) return 100;
  int file = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail(argv[2]);
  static char block[kBlock];
  ssize_t got = 0;
  if (strcmp(argv[1], "splice") == 0) {
    while ((got = splice(0, NULL, file, NULL, kBlock, SPLICE_F_MOVE)) > 0) {
    }
  } else {
    while ((got = read(0, block, kBlock)) > 0)
      write_all(file, block, (size_t)got);
  }
  if (got < 0) fail(argv[1]);
  return 0;
}
