// docs/roost.schema.json: the JSON Schema of configuration files, for editors. Made of the table of
// fields: what a field takes is found out by giving it values.
#pragma once

#include <string>

namespace roost::config {

[[nodiscard]] std::string json_schema();

}  // namespace roost::config
