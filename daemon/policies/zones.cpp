#include "daemon/policies/zones.h"

#include <utility>

#include "core/base/zone_file.h"
#include "core/model/limits.h"
#include "daemon/log.h"

namespace roost::daemon {
namespace {

// Nothing: it cannot be read.
Zones::ZonePtr read_zone(const std::string& name) {
  std::string bytes;
  if (name.empty()) {
    bytes = read_local_zone();
    if (bytes.empty()) return std::make_shared<model::TimeZone>();
  } else if (auto file = read_zone_file(name)) {
    bytes = std::move(*file);
  }
  const bool rule = name.empty() && !bytes.starts_with("TZif");
  auto zone = rule ? model::TimeZone::from_rule(bytes) : model::TimeZone::from_tzif(bytes);
  if (!zone) return nullptr;
  return std::make_shared<model::TimeZone>(std::move(*zone));
}

}  // namespace

Zones::Zones(loop::Worker& worker, std::function<void()> on_known)
    : worker_(worker), on_known_(std::move(on_known)) {}

Zones::ZonePtr Zones::find(const std::string& name) {
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  if (!reading_.contains(name)) read(name);
  return nullptr;
}

void Zones::read(const std::string& name) {
  const auto zone = std::make_shared<ZonePtr>();
  const Status submitted =
      worker_.submit([zone, name] { *zone = read_zone(name); },
                     [this, zone, name] {
                       reading_.erase(name);
                       if (!*zone)
                         log_warning("cron", (name.empty() ? std::string("the machine's time zone")
                                                           : "time zone '" + name + "'") +
                                                 " cannot be read; its schedules go by UTC");
                       if (known_.size() >= model::limits::kMaxZones) known_.clear();
                       known_[name] = *zone ? *zone : std::make_shared<model::TimeZone>();
                       on_known_();
                     });
  if (submitted) reading_.insert(name);  // else the next look tries again
}

}  // namespace roost::daemon
