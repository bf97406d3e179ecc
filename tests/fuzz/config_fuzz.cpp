// Configuration files: the first byte chooses the format; apps are read from what parses.
#include <cstddef>
#include <cstdint>
#include <string>

#include "config/ecosystem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roost::config;
  if (size == 0) return 0;
  const auto format = static_cast<Format>(data[0] % 3);
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (const auto document = parse_document("file", text, format))
    (void)read_ecosystem(*document, {.env_name = "production", .only = {}});
  return 0;
}
