// The files that describe time zones.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace roost {

// Of a zone by its name ("Europe/Berlin"): the bytes of its TZif file. Errc::not_found when there
// is none, or when the name would lead out of the directory of zones.
[[nodiscard]] Result<std::string> read_zone_file(std::string_view name);

// What the machine's own clock shows: $TZ, else /etc/localtime. The bytes of a TZif file, or the
// words of a rule ("CET-1CEST,M3.5.0,M10.5.0/3"); empty: UTC.
[[nodiscard]] std::string read_local_zone();

}  // namespace roost
