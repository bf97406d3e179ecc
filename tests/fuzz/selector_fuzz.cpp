// Input: a selector, a zero byte, then a name it is held against.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/model/selector.h"

using namespace roost::model;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = input.find('\0');
  const std::string_view word = input.substr(0, zero);
  const std::string_view name =
      zero == std::string_view::npos ? "api" : input.substr(zero + 1, 200);
  const auto selector = parse_selector(word);
  if (!selector) {
    for (const char c : selector.error().message)
      if (c < ' ' || c > '~') std::abort();  // goes to a terminal
    return 0;
  }
  const TargetFacts target{InstanceId{3}, name, "default", 0};
  const bool hit = matches(*selector, target);
  // An exact name selects itself and nothing else.
  if (selector->kind == Selector::Kind::name && hit && name != selector->pattern) std::abort();
  (void)glob_match(word.substr(0, 64), name.substr(0, 64));
  return 0;
}
