// What a test tells the fake daemon over its control socket (SOCK_SEQPACKET, home/control).
//
// On start the fake daemon sends a Report with its pid and two descriptors: the keeper's socket and
// the lock. From then on the test itself speaks the keeper's protocol; the fake daemon only starts
// children, with the keeper as their parent, and dies.
#pragma once

#include <cstdint>

namespace roost::keeper::puppet {

enum class Kind : std::int32_t {
  // The child registers `key`, writes "hello" to its stdout, waits for the end of the release pipe,
  // and exits with `status`.
  run = 1,
  // Registers and exits at once.
  brief = 2,
  // Registers only when released.
  late = 3,
  // Exits without registering.
  stranger = 4,
};

// Descriptors that come with it: the release pipe's read end, the result pipe's write end, to which
// the errno of the registration is written (0: it is sent).
struct Command {
  Kind kind = Kind::run;
  std::int32_t status = 0;
  std::uint64_t key = 0;
};

struct Report {
  std::int32_t pid = 0;  // of the fake daemon or of the child it started
};

}  // namespace roost::keeper::puppet
