// check_lines FILE…: each file must hold the lines of one app, whole and in order. Prints "LINES WRONG": how many there are, and how many
// are not the one that must stand there (a lost or doubled line makes all after it wrong) or are not whole.
#include "common.h"

int main(int argc, char **argv) {
  uint64_t lines = 0, wrong = 0;
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "re");
    if (!file) fail(argv[i]);
    char line[kLine];
    size_t size = 0;
    for (uint64_t number = 0; (size = fread(line, 1, kLine, file)) == kLine; number++, lines++)
      if (line[kLine - 1] != '\n' || get_number(line, kNumberWidth) != number) wrong++;
    if (size > 0) wrong++;
    fclose(file);
  }
  printf("%" PRIu64 " %" PRIu64 "\n", lines, wrong);
  return 0;
}
