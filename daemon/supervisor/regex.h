// Targets as users write them, regular expressions included: RE2 syntax, found anywhere in the name
// of an app, in time linear in the name. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/selector.h"

namespace roost::daemon {

// model::parse_selectors(), with the expressions of `/…/` made ready. Errc::invalid says what is
// wrong with one.
[[nodiscard]] Result<std::vector<model::Selector>> parse_targets(
    const std::vector<std::string>& words);

}  // namespace roost::daemon
