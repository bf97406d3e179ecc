#include "core/model/log_format.h"

#include <doctest/doctest.h>

using namespace roost::model;

namespace {
LocalTime moment() {
  return {.year = 2026,
          .month = 3,
          .day = 7,
          .weekday = 6,
          .hour = 15,
          .minute = 4,
          .second = 9,
          .millisecond = 42,
          .utc_offset = -210};
}

std::string lines(const LineRule& rule, std::string_view bytes, FileEnd end = FileEnd::line) {
  std::string out;
  append_lines(rule, Stream::err, "T", bytes, end, out);
  return out;
}
}  // namespace

TEST_CASE("log format: the tokens of day.js") {
  const auto shown = [](std::string_view format) { return render_time(format, moment()); };
  CHECK(shown(kTimeFormat) == "2026-03-07T15:04:09");
  CHECK(shown("YYYY-MM-DD HH:mm:ss.SSS Z") == "2026-03-07 15:04:09.042 -03:30");
  CHECK(shown("YY M D H h m s d ZZ") == "26 3 7 15 3 4 9 6 -0330");
  CHECK(shown("MMM MMMM DD dd ddd dddd hh A a") == "Mar March 07 Sa Sat Saturday 03 PM pm");
  CHECK(shown("[at HH] HH [ ] []") == "at HH 15   []");
  CHECK(shown("[YYYY") == "[2026");
  CHECK(shown("Y YYY S SS x") == "Y 26Y S SS x");
  CHECK(shown("") == "");
  LocalTime midnight;
  CHECK(render_time("h hh A YYYY", midnight) == "12 12 AM 1970");
  CHECK(render_time("Z", midnight) == "+00:00");
  CHECK(render_iso_utc(moment()) == "2026-03-07T15:04:09.042Z");
}

TEST_CASE("log format: a batch is cut behind its last line, unless the rest is too long") {
  CHECK(whole_lines("one\ntwo\nthr", 10) == 8);
  CHECK(whole_lines("one\ntwo\n", 10) == 8);
  CHECK(whole_lines("one", 10) == 0);
  CHECK(whole_lines("0123456789", 10) == 10);
  CHECK(whole_lines("a\n0123456789", 10) == 12);
  CHECK(whole_lines("", 10) == 0);
}

TEST_CASE("log format: a time stands before each line, and not within one") {
  const LineRule rule{.date_format = "x"};
  CHECK(lines(rule, "one\n\ntwo\n") == "T: one\nT: \nT: two\n");
  CHECK(lines(rule, "one\ntw") == "T: one\nT: tw");
  CHECK(lines(rule, "o\nthree\n", FileEnd::own_piece) == "o\nT: three\n");
  CHECK(lines(rule, "one\n", FileEnd::other_piece) == "\nT: one\n");
}

TEST_CASE("log format: lines as they are") {
  CHECK(lines({}, "one\ntwo") == "one\ntwo");
  CHECK(lines({}, "one\n", FileEnd::own_piece) == "one\n");
  CHECK(lines({}, "one\n", FileEnd::other_piece) == "\none\n");
}

TEST_CASE("log format: an object for each line or piece") {
  const LineRule rule{.type = LogType::json, .app_name = "a\"b", .process_id = 3};
  const std::string rest = R"(","timestamp":"T","type":"err","process_id":3,"app_name":"a\"b"})";
  CHECK(lines(rule, "one\ntwo") ==
        R"({"message":"one\n)" + rest + "\n" + R"({"message":"two)" + rest + "\n");
  CHECK(lines(rule, "\xff\n") == "{\"message\":\"\xef\xbf\xbd\\n" + rest + "\n");
  CHECK(lines(rule, "x\n", FileEnd::own_piece).starts_with("\n{"));
}

TEST_CASE("log format: so many lines, and no half characters") {
  CHECK(first_lines("a\nb\nc", 2) == 4);
  CHECK(first_lines("a\nb\nc", 9) == 5);
  CHECK(first_lines("", 3) == 0);
  CHECK(whole_characters("ab") == 2);
  CHECK(whole_characters("a\xc3\xa4") == 3);
  CHECK(whole_characters("a\xc3") == 1);
  CHECK(whole_characters("a\xf0\x9f\x98") == 1);
  CHECK(whole_characters("\xf0\x9f") == 2);   // there is nothing before it
  CHECK(whole_characters("a\x80\x80") == 3);  // of no character
  CHECK(whole_characters("\x80\x80\x80\x80\x80") == 5);
}
