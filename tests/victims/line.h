// The line format of writer and checklog: "SEQ CRC PADDING\n"; the padding's length and letters
// follow from the number, so that every byte of every line can be checked, and lines differ in
// length.
#pragma once
#include <stdint.h>
#include <stdio.h>

enum { kMaxLine = 256 };

static inline uint32_t line_crc(uint64_t seq) {
  uint64_t x = seq * 0x9e3779b97f4a7c15U;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9U;
  return (uint32_t)(x >> 32);
}

static inline int make_line(char* out, uint64_t seq) {
  uint32_t crc = line_crc(seq);
  int used = snprintf(out, kMaxLine, "%012llu %08x ", (unsigned long long)seq, crc);
  int padding = (int)(crc % 120);
  for (int i = 0; i < padding; i++)
    out[used + i] = (char)('a' + (crc >> (i % 24)) % 26);
  out[used + padding] = '\n';
  return used + padding + 1;
}
