#include "cli/args.h"

#include <doctest/doctest.h>

namespace roost::cli {
namespace {

const Command kSample{"sample", "", Group::apps, "Try it", "[word]...", nullptr};

// Parses into all kinds of options; what is told to the user goes nowhere.
struct Parsed {
  Invocation invocation;
  bool flag = false;
  std::optional<std::string> value;
  std::vector<std::string> list;
  std::vector<std::string> words;
  std::vector<std::string> rest;
  std::optional<ExitCode> done;

  explicit Parsed(std::vector<const char*> args, bool with_rest = false,
                  ArgParser::Words count = {}) {
    invocation.options.json = true;  // errors go to the buffer, which is dropped
    ArgParser parser(invocation, kSample);
    parser.flag("-f,--flag", flag, "a flag");
    parser.value("-n,--name", "NAME", value, "a value");
    parser.list("--env", "NAME=VALUE", list, "several values");
    parser.words("a word", words, count);
    if (with_rest) parser.rest(rest);
    done = parser.parse(args);
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("args: words alone") {
  const Parsed parsed({"a", "-", "b"});
  CHECK_FALSE(parsed.done);
  CHECK(parsed.words == Words{"a", "-", "b"});
}

TEST_CASE("args: options stand anywhere between words") {
  const Parsed parsed({"a", "--name", "x", "b", "-f", "--env", "A=1", "c", "--env=B=2"});
  CHECK_FALSE(parsed.done);
  CHECK(parsed.words == Words{"a", "b", "c"});
  CHECK(parsed.flag);
  CHECK(parsed.value == "x");
  CHECK(parsed.list == Words{"A=1", "B=2"});
}

TEST_CASE("args: a value may look like an option, be empty, or come in brackets") {
  CHECK(Parsed({"-n", "--inspect"}).value == "--inspect");
  CHECK(Parsed({"-n", "-1"}).value == "-1");
  CHECK(Parsed({"-n", ""}).value == "");
  CHECK(Parsed({"-nx"}).value == "x");
  CHECK(Parsed({"--name=x"}).value == "x");
  CHECK(Parsed({"-n", "[a,b]", "[c,d]"}).words == Words{"[c,d]"});
  CHECK(Parsed({"--env", "A=[1,2]"}).list == Words{"A=[1,2]"});
}

TEST_CASE("args: the last of repeated values wins") {
  CHECK(Parsed({"-n", "a", "-n", "b"}).value == "b");
}

TEST_CASE("args: what follows -- is the app's, or plain words") {
  const Parsed apps({"a", "-f", "--", "-x", "--", "--json"}, true);
  CHECK_FALSE(apps.done);
  CHECK(apps.words == Words{"a"});
  CHECK(apps.rest == Words{"-x", "--", "--json"});
  CHECK(Parsed({"a", "--", "-x"}).words == Words{"a", "-x"});
}

TEST_CASE("args: unknown options and wrong counts are usage errors") {
  CHECK(Parsed({"--nmae", "x"}).done == ExitCode::usage);
  CHECK(Parsed({"-x"}).done == ExitCode::usage);
  CHECK(Parsed({"--name"}).done == ExitCode::usage);
  CHECK(Parsed({}, false, {.least = 1}).done == ExitCode::usage);
  CHECK(Parsed({"a", "b"}, false, {.most = 1}).done == ExitCode::usage);
}

TEST_CASE("args: global options are understood among the others") {
  const Parsed simple({"a", "-s"});
  CHECK(simple.invocation.options.silent);
  const Parsed mixed({"a", "-f", "--no-color", "--silent"});
  CHECK(mixed.invocation.options.silent);
  CHECK(mixed.invocation.options.no_colour);
  CHECK(mixed.flag);
}

TEST_CASE("args: help wins over everything that is wrong") {
  CHECK(Parsed({"--nmae", "--help"}).done == ExitCode::ok);
  CHECK(Parsed({"-h"}, false, {.least = 1}).done == ExitCode::ok);
}

}  // namespace roost::cli
