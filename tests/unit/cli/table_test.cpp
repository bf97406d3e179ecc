#include "cli/output/table.h"

#include <doctest/doctest.h>

namespace roost::cli {
namespace {

Table sample() {
  Table table;
  table.columns = {{"id", Column::Align::right},
                   {"name", Column::Align::left, 0, 4},
                   {"pid", Column::Align::right, 1},
                   {"reason", Column::Align::left, 2}};
  table.rows = {{{{"0"}, {"worker"}, {"12"}, {""}}, ""},
                {{{"10"}, {"日本"}, {"3456"}, {"it said no"}}, "it said no"}};
  return table;
}

Terminal narrow(std::uint32_t width) {
  return {.tty = true, .colour = false, .width = width};
}

}  // namespace

TEST_CASE("table: without a width nothing is cut and no line has trailing blanks") {
  CHECK(render(sample(), {}) ==
        "id  name     pid  reason\n"
        " 0  worker    12\n"
        "10  日本    3456  it said no\n");
}

TEST_CASE("table: what does not fit goes below its row") {
  CHECK(render(sample(), narrow(20)) ==
        "id  name     pid\n"
        " 0  worker    12\n"
        "10  日本    3456\n"
        "    it said no\n");
}

TEST_CASE("table: then columns are cut, then left out") {
  CHECK(render(sample(), narrow(14)) ==
        "id  name   pid\n"
        " 0  wor…    12\n"
        "10  日本  3456\n"
        "    it said no\n");
  CHECK(render(sample(), narrow(10)) ==
        "id  name\n"
        " 0  worker\n"
        "10  日本\n"
        "    it sa…\n");
}

TEST_CASE("table: colours do not count as columns") {
  Table table;
  table.columns = {{"state"}, {"n"}};
  table.rows = {{{{"on", Colour::green}, {"1"}}, ""}};
  const auto text = render(table, {.tty = true, .colour = true, .width = 80});
  CHECK(text.find("\x1b[32mon\x1b[0m     1\n") != std::string::npos);
}

TEST_CASE("table: pairs stand in two columns") {
  CHECK(render_pairs({{"a", {"1"}}, {"long one", {"2"}}}, {}) == "a         1\nlong one  2\n");
}

}  // namespace roost::cli
