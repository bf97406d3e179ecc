#include "cli/logs/line_scan.h"

#include <doctest/doctest.h>

#include "cli/logs/line_assembler.h"
#include "cli/logs/log_reader.h"
#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::cli;
using roost::daemon::test::TempDir;

namespace {
std::vector<std::string> backwards(const std::string& text, std::size_t most = 1000) {
  TempDir dir;
  std::ofstream(dir / "f", std::ios::binary) << text;
  const UniqueFd fd(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<std::string> lines;
  scan_lines_backwards(fd.get(), text.size(), [&](const LineExtent& line) {
    lines.push_back(text.substr(line.begin, line.end - line.begin) + (line.ended ? "" : "~"));
    return lines.size() < most;
  });
  return lines;
}

using Lines = std::vector<std::string>;
}  // namespace

TEST_CASE("line scan: lines from the last to the first, with and without a newline at the end") {
  CHECK(backwards("").empty());
  CHECK(backwards("\n") == Lines{""});
  CHECK(backwards("a") == Lines{"a~"});
  CHECK(backwards("a\nb\n") == Lines{"b", "a"});
  CHECK(backwards("a\n\nb") == Lines{"b~", "", "a"});
  CHECK(backwards("\n\n") == Lines{"", ""});
  CHECK(backwards("a\nb\nc\n", 2) == Lines{"c", "b"});
}

TEST_CASE("line scan: lines across the borders of blocks") {
  std::string text;
  Lines expected;
  for (int i = 0; i < 40'000; ++i) {
    expected.insert(expected.begin(), std::to_string(i * 7919));
    text += std::to_string(i * 7919) + "\n";
    if (i == 300) i = 39'000;
  }
  const std::string giant(200'000, 'g');
  text += giant + "\nend\n";
  expected.insert(expected.begin(), giant);
  expected.insert(expected.begin(), "end");
  CHECK(backwards(text, 100'000) == expected);
}

namespace {
struct Assembled {
  LineAssembler lines;
  Lines given;
  std::vector<std::uint64_t> begins;
  std::uint64_t at = 0;
  TimePoint now = from_ns(1'000'000'000);

  LineAssembler::OnText sink() {
    return [this](std::uint64_t begin, std::string_view text, bool ended) {
      given.push_back(std::string(text) + (ended ? "" : "~"));
      begins.push_back(begin);
    };
  }

  void add(std::string_view bytes) {
    lines.add(at, bytes, now, sink());
    at += bytes.size();
  }
};
}  // namespace

TEST_CASE("line assembler: pieces become lines, with the offset of their first byte") {
  Assembled a;
  a.add("on");
  a.add("e\ntwo\n\nth");
  CHECK(a.given == Lines{"one", "two", ""});
  CHECK(a.begins == std::vector<std::uint64_t>{0, 4, 8});
  CHECK(a.lines.is_waiting());
  a.add("ree\n");
  CHECK(a.given.back() == "three");
  CHECK(a.begins.back() == 9);
  CHECK_FALSE(a.lines.is_waiting());
}

TEST_CASE("line assembler: a piece is given after 200 ms, the rest of its line separately") {
  Assembled a;
  a.add("Password: ");
  a.lines.flush_due(a.now + 199ms, a.sink());
  CHECK(a.given.empty());
  a.lines.flush_due(a.now + 200ms, a.sink());
  CHECK(a.given == Lines{"Password: ~"});
  a.add("ok\n");
  CHECK(a.given.back() == "ok");
}

TEST_CASE(
    "line assembler: a line above the limit is cut with words, and costs no more memory than is "
    "shown") {
  Assembled a;
  const std::string block(100'000, 'x');
  for (int i = 0; i < 10; ++i)
    a.add(block);
  a.add("\nnext\n");
  REQUIRE(a.given.size() == 2);
  CHECK(a.given[0].size() < kMaxShownLine + 40);
  CHECK(a.given[0].ends_with(" … [+934464 bytes]"));
  CHECK(a.given[1] == "next");
}
