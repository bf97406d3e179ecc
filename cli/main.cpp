#include <cstdlib>

#include "cli/run.h"

// Everything is written, and what is still open is the kernel's to close: most commands take half a
// millisecond, of which destructors of statics would be a twentieth. Not with AddressSanitizer,
// which looks for leaks at the end.
int main(int argc, char** argv) {
  const auto count = argc > 1 ? static_cast<std::size_t>(argc - 1) : 0;
  const int code = static_cast<int>(roost::cli::run({argv + 1, count}));
#ifdef __SANITIZE_ADDRESS__
  return code;
#else
  std::_Exit(code);
#endif
}
