// /proc text is the kernel's, but a process chooses its own name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metrics/proc_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto stat = roost::metrics::parse_stat(text)) {
    if (stat->pid <= 0 || stat->name().size() >= stat->comm.size()) std::abort();
  }
  (void)roost::metrics::parse_statm(text);
  return 0;
}
