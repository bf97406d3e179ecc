// Texts of an app that differ from instance to instance. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/app_spec.h"

namespace roost::model {

// In an app with `port` (increment_var, that is) the values of its env and its args may hold {i},
// the number of the instance, and {port+i}, the value of PORT plus that; {{i}} and {{port+i}} are
// those texts themselves. Elsewhere, and any other braces, are what they are.
class InstanceText {
 public:
  InstanceText(const AppSpec& spec, std::uint32_t slot);

  [[nodiscard]] std::string operator()(std::string_view text) const;

 private:
  bool on_ = false;
  std::string slot_;
  std::string port_;  // empty: there is none
};

// The spec's variables as this instance has them: texts replaced, increment_var counted up.
[[nodiscard]] std::map<std::string, std::string> instance_environment(const AppSpec& spec,
                                                                      std::uint32_t slot);
// argv: direct [script, args…]; interpreter [interpreter, interpreter_args…, script, args…];
// shell ["/bin/sh", "-c", script, name, args…].
[[nodiscard]] std::vector<std::string> instance_words(const AppSpec& spec, std::uint32_t slot);

}  // namespace roost::model
