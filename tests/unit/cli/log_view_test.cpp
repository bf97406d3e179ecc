#include "cli/output/log_view.h"

#include <doctest/doctest.h>

namespace roost::cli {
namespace {

ipc::LogFilesReply two_apps() {
  ipc::LogFilesReply reply;
  reply.instances.resize(3);
  reply.instances[0].name = "api";
  reply.instances[1].name = "api";
  reply.instances[1].id = 1;
  reply.instances[1].slot = 1;
  reply.instances[2].name = "worker";
  reply.instances[2].id = 7;
  return reply;
}

LogLine line(std::size_t source, std::string_view text, bool ended = true) {
  return {.source = source, .ended = ended, .text = text};
}

std::string show(const std::vector<LogLine>& lines, const Terminal& terminal = {}) {
  const auto reply = two_apps();
  LogView view(reply, log_sources(reply), terminal);
  std::string out;
  for (const auto& one : lines)
    view.add(one, out);
  return out;
}

}  // namespace

TEST_CASE("logs: every line tells its instance, in one column") {
  CHECK(show({line(0, "a"), line(1, "b"), line(2, "")}) ==
        "api#0  | a\n"
        "api#1  | b\n"
        "worker | \n");
}

TEST_CASE("logs: pieces of a line are put together, unless another one comes between") {
  CHECK(show({line(0, "one ", false), line(0, "line")}) == "api#0  | one line\n");
  CHECK(show({line(0, "one ", false), line(2, "x"), line(0, "line")}) ==
        "api#0  | one \n"
        "worker | x\n"
        "api#0  | line\n");
}

TEST_CASE("logs: stdout and stderr of an app do not continue each other's lines") {
  auto err = line(0, "err");
  err.stream = model::Stream::err;
  CHECK(show({line(0, "out", false), err}) == "api#0  | out\napi#0  | err\n");
}

TEST_CASE("logs: a terminal gets no escape sequence of the app, a pipe gets every byte") {
  const std::string_view text = "\x1b]0;title\x07red\rx\r";
  CHECK(show({line(2, text)}) == "worker | " + std::string(text) + "\n");
  CHECK(show({line(2, text)}, {.tty = true}) == "worker | red\\rx\n");
}

TEST_CASE("logs: colours are ours alone, and stable for an app") {
  const auto text = show({line(0, "a"), line(1, "b")}, {.tty = true, .colour = true});
  const auto first = text.substr(0, text.find("api"));
  CHECK(first.starts_with("\x1b["));
  CHECK(text.find("\n" + first + "api#1") != std::string::npos);
}

TEST_CASE("logs: a line as JSON has PM2's keys") {
  const auto reply = two_apps();
  auto one = line(2, "said \"hi\"");
  one.stream = model::Stream::err;
  one.wall_ns = 1'780'000'000'123'456'789;
  std::string out;
  add_json_line(reply, one, out);
  CHECK(out ==
        "{\"message\":\"said \\\"hi\\\"\",\"timestamp\":\"2026-05-28T20:26:40.123Z\","
        "\"type\":\"err\",\"process_id\":7,\"app_name\":\"worker\",\"slot\":0}\n");
  one.wall_ns = 0;
  out.clear();
  add_json_line(reply, one, out);
  CHECK(out.find("\"timestamp\":null") != std::string::npos);
}

}  // namespace roost::cli
