// Configuration files: the first byte chooses the format; apps are read from what parses. And env
// files.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "config/dotenv.h"
#include "config/ecosystem.h"
#include "config/expand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roost::config;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const Variables variables{{"A", "a"}, {"EMPTY", ""}};
  if (data[0] % 4 == 3) {
    (void)parse_dotenv(".env", text, variables);
    return 0;
  }
  auto document = parse_document("file", text, static_cast<Format>(data[0] % 4));
  if (!document) return 0;
  auto faults = expand_texts(*document, variables);
  if (auto read = read_ecosystem(*document, {.env_name = "production", .only = {}}))
    faults.insert(faults.end(), read->problems.begin(), read->problems.end());
  (void)to_error(*document, std::move(faults));
  return 0;
}
