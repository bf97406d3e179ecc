// roost_schema > docs/roost.schema.json
#include <cstdio>

#include "config/schema.h"

int main() {
  return std::fputs(roost::config::json_schema().c_str(), stdout) < 0 ? 1 : 0;
}
