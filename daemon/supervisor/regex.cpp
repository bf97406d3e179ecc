#include "daemon/supervisor/regex.h"

#include <memory>

#include <re2/re2.h>

namespace roost::daemon {
namespace {

constexpr std::int64_t kMaxCompiledBytes = 256 << 10;  // of one expression

}  // namespace

Result<std::vector<model::Selector>> parse_targets(const std::vector<std::string>& words) {
  auto selectors = model::parse_selectors(words);
  if (!selectors) return selectors;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxCompiledBytes);
  for (model::Selector& selector : *selectors) {
    if (selector.kind != model::Selector::Kind::regex) continue;
    auto compiled = std::make_shared<const RE2>(selector.pattern, options);
    if (!compiled->ok())
      return Error{Errc::invalid, "target '" + selector.text + "': " + compiled->error(),
                   "RE2 syntax, as in '/^api-[0-9]+$/'"};
    selector.finds = [compiled = std::move(compiled)](std::string_view name) {
      return RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *compiled);
    };
  }
  return selectors;
}

}  // namespace roost::daemon
