#include "daemon/process/originals.h"

#include <doctest/doctest.h>

using namespace roost::daemon;

TEST_CASE("originals: the keeper's word is understood") {
  const auto parsed = parse_originals("oom=-500,nofile=1024,umask=22,nice=-5,future=1");
  REQUIRE(parsed);
  CHECK(parsed->oom_score_adj == -500);
  CHECK(parsed->nofile == 1024);
  CHECK(parsed->umask == 022);
  CHECK(parsed->nice == -5);
}

TEST_CASE("originals: half a word is not") {
  for (const char* bad : {"", "oom=0", "oom=0,nofile=1024,umask=22", "oom=,nofile=1,umask=2,nice=0",
                          "oom=0,nofile=1024,umask=99,nice=0", "oom=0,nofile=-1,umask=22,nice=0",
                          "oom=0,nofile=1,umask=7777,nice=0"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_originals(bad));
  }
}
