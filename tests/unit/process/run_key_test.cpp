#include "daemon/process/run_key.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::daemon;

namespace {
const RunKey kKey{.home_id = "00ff",
                  .app = model::AppId{3},
                  .instance = model::InstanceId{12},
                  .run = model::RunId{(5ULL << 32) | 9}};
}

TEST_CASE("run key: the entry of the environment is read back") {
  std::string entry = roost_id_entry(kKey);
  CHECK(entry == "ROOST_ID=00ff.3.12.21474836489.0000000000");
  entry.replace(entry.size() - 4, 4, "4711");
  const auto id = parse_roost_id(entry.substr(9));
  REQUIRE(id);
  CHECK(id->key == kKey);
  CHECK(id->root_pid == 4711);
}

TEST_CASE("run key: nothing but the exact form is taken") {
  for (const char* bad :
       {"", "1", "1.2.3.4", "1.2.3.4.5", "1.2.3.4.000000000x", "1.2.3.4.00000000001",
        "x.2.3.4.0000000001", ".2.3.4.0000000001", "1.2.3.-4.0000000001", "1.2.3.4.9999999999",
        "1.2..4.0000000001", "1.99999999999.3.4.0000000001",
        "000000000000000000000000000000000.2.3.4.0000000001"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_roost_id(bad));
  }
}

TEST_CASE("run key: is found in an environment, by its whole name only") {
  using namespace std::string_literals;
  CHECK(find_roost_id("A=1\0ROOST_ID=1.2.3.4.0000000005\0B=2\0"s)->root_pid == 5);
  CHECK(find_roost_id("ROOST_ID=1.2.3.4.0000000005"s));
  CHECK_FALSE(find_roost_id("XROOST_ID=1.2.3.4.0000000005\0"s));
  CHECK_FALSE(find_roost_id("ROOST_IDX=1.2.3.4.0000000005\0"s));
  CHECK_FALSE(find_roost_id("A=ROOST_ID=1.2.3.4.0000000005\0"s));
  CHECK_FALSE(find_roost_id(""));
  CHECK_FALSE(find_roost_id("\0\0\0"s));
}
