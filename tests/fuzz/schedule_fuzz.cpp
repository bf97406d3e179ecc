// Schedules, zones and patterns of watched files: the first byte chooses. What parses must be
// usable: the next time is later, and comes to an end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/model/cron.h"
#include "core/model/process_limits.h"
#include "core/model/restart_policy.h"
#include "core/model/watch_rules.h"

namespace {

void walk(const roost::model::Cron& cron, const roost::model::TimeZone& zone) {
  std::int64_t at = 1'790'000'000;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t next = cron.next(at, zone);
    if (next <= at) std::abort();
    if (next == roost::model::TimeZone::kForever) return;
    at = next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roost::model;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 4 == 0) {
    if (const auto cron = Cron::parse(text)) walk(*cron, {});
  } else if (data[0] % 4 == 1) {
    const auto cron = Cron::parse("30 2 * * *");
    if (const auto zone = TimeZone::from_tzif(text)) walk(*cron, *zone);
    if (const auto zone = TimeZone::from_rule(text)) walk(*cron, *zone);
  } else if (data[0] % 4 == 2) {
    WatchRules rules = WatchRules::usual();
    rules.add_lines(text);
    (void)rules.ignores(text.substr(text.size() / 2), false);
  } else {
    (void)parse_limit(text.substr(0, 6), text);
    (void)parse_restart_limit(text);
  }
  return 0;
}
