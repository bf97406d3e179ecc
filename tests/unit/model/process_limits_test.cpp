#include "core/model/process_limits.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace roost;
using namespace roost::model;

TEST_CASE("process limits: one value, two values, units and unlimited") {
  CHECK(*parse_limit("nofile", "1024:4096") == ProcessLimit{RLIMIT_NOFILE, 1024, 4096});
  CHECK(*parse_limit("nproc", "64") == ProcessLimit{RLIMIT_NPROC, 64, 64});
  CHECK(*parse_limit("core", "0:unlimited") ==
        ProcessLimit{RLIMIT_CORE, 0, ProcessLimit::kUnlimited});
  CHECK(*parse_limit("as", "2G") == ProcessLimit{RLIMIT_AS, 2ULL << 30U, 2ULL << 30U});
}

TEST_CASE("process limits: what makes no sense is named") {
  CHECK(parse_limit("nofiles", "1").error().hint == "did you mean 'nofile'?");
  CHECK(parse_limit("nofile", "1M").error().message == "limit nofile '1M' is not understood");
  CHECK(parse_limit("nofile", "2:1").error().message ==
        "limit nofile has a soft limit above its hard one");
  for (const char* value : {"", ":", "1:", ":1", "-1", "1:2:3"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_limit("nproc", value));
  }
}
