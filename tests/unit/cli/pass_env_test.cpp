#include "cli/pass_env.h"

#include <doctest/doctest.h>

namespace roost::cli {

TEST_CASE("pass env: the list, more names, and all") {
  const Environment shell{{"PATH", "p"},     {"TERM", "t"},   {"LC_ALL", "C"},
                          {"NODE_ENV", "x"}, {"SECRET", "s"}, {"PYTHONPATH", "y"},
                          {"PATHOLOGY", "z"}};
  CHECK(passed_environment(shell, {}) ==
        Environment{
            {"PATH", "p"}, {"TERM", "t"}, {"LC_ALL", "C"}, {"NODE_ENV", "x"}, {"PYTHONPATH", "y"}});
  CHECK(passed_environment(shell, {"SECRET"}).contains("SECRET"));
  CHECK(passed_environment(shell, {"all"}) == shell);
}

TEST_CASE("pass env: what looks wanted and was not passed is named") {
  const Environment shell{{"PATH", ""},    {"PORT", ""},  {"REDIS_URL", ""}, {"DATABASE_NAME", ""},
                          {"DB_HOST", ""}, {"KNOWN", ""}, {"KNOWN_NOT", ""}, {"EDITOR", ""}};
  const Environment passed = passed_environment(shell, {});
  CHECK(missed_variables(shell, passed, "# KNOWN_NOT=1\nexport KNOWN=1\n", {}) ==
        std::vector<std::string>{"DATABASE_NAME", "DB_HOST", "KNOWN", "PORT", "REDIS_URL"});
  CHECK(missed_variables(shell, passed, "", {"PORT=1", "DB_HOST="}) ==
        std::vector<std::string>{"DATABASE_NAME", "REDIS_URL"});
  CHECK(missed_variables(shell, shell, "", {}).empty());
}

}  // namespace roost::cli
