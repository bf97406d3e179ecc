#include "core/model/readiness.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

TEST_CASE("readiness: what makes an app online") {
  AppSpec spec;
  CHECK(ready_by(spec) == ReadyBy::age);
  CHECK(ready_timer(spec) == spec.min_ready);
  spec.health = HealthProbe{};
  CHECK(ready_by(spec) == ReadyBy::probe);
  CHECK_FALSE(ready_timer(spec));
  spec.wait_ready = true;
  CHECK(ready_by(spec) == ReadyBy::word);
  CHECK(ready_timer(spec) == spec.listen_timeout);
  spec.watchdog = 5s;
  CHECK(in_words(Failing::not_ready, spec) == "not ready within 3s");
  CHECK(in_words(Failing::watchdog, spec) == "no WATCHDOG=1 within 5s");
}

TEST_CASE("readiness: who gets a channel") {
  AppSpec spec;
  CHECK_FALSE(wants_channel(spec));
  spec.shutdown_with_message = true;
  CHECK(wants_channel(spec));
  spec = {};
  spec.ipc = true;
  CHECK(wants_channel(spec));
  spec = {};
  spec.kind = ExecKind::interpreter;
  for (const char* program : {"/usr/bin/node", "/opt/node/bin/nodejs", "/root/.bun/bin/bun"}) {
    spec.interpreter = program;
    CHECK(wants_channel(spec));
  }
  for (const char* program : {"/usr/bin/python3", "/usr/bin/node-red", "/node/bin/sh"}) {
    spec.interpreter = program;
    CHECK_FALSE(wants_channel(spec));
  }
}

TEST_CASE("readiness: descriptors beyond those of every run") {
  AppSpec spec;
  spec.kind = ExecKind::direct;
  CHECK(further_descriptors(spec) == 0);
  spec.tty = true;
  CHECK(further_descriptors(spec) == 1);
  spec.ipc = true;
  CHECK(further_descriptors(spec) == 2);
}

TEST_CASE("readiness: messages on the channel") {
  CHECK(parse_channel_line(R"("ready")") == ChannelWord::ready);
  CHECK(parse_channel_line("\"ready\"\r") == ChannelWord::ready);
  CHECK(parse_channel_line(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":1})") ==
        ChannelWord::handle);
  CHECK(parse_channel_line("\x02{\"cmd\":\"NODE_HANDLE\",\"type\":\"x\"}") == ChannelWord::handle);
  for (const char* other :
       {"", "ready", R"({"ready":true})", R"({"cmd":"NODE_HANDLE_ACK"})", R"(["ready"])", "null"})
    CHECK(parse_channel_line(other) == ChannelWord::other);
}

TEST_CASE("readiness: datagrams of sd_notify") {
  CHECK(parse_notify("READY=1") == NotifyWords{.ready = true});
  CHECK(parse_notify("STATUS=up\nREADY=1\nMAINPID=4\n") == NotifyWords{.ready = true});
  CHECK(parse_notify("WATCHDOG=1") == NotifyWords{.alive = true});
  CHECK(parse_notify("WATCHDOG=1\nREADY=1") == NotifyWords{.ready = true, .alive = true});
  CHECK(parse_notify("WATCHDOG=trigger") == NotifyWords{.watchdog_trigger = true});
  for (const char* nothing : {"", "\n\n", "READY=0", "READY=10", " READY=1", "XREADY=1"})
    CHECK(parse_notify(nothing) == NotifyWords{});
}
