#include "daemon/process/spawn_plan.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/process/process_fixture.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
using Strings = std::vector<std::string>;

std::string value_of(const SpawnPlan& plan, const std::string& name) {
  for (const auto& entry : plan.env)
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  return "(unset)";
}

SpawnPlan plan_with(std::map<std::string, std::string> env) {
  model::AppSpec spec = direct("/bin/true");
  spec.env = std::move(env);
  InstanceFacts facts = make_facts();
  facts.slot = 2;
  return make_spawn_plan(spec, facts);
}
}  // namespace

TEST_CASE("spawn plan: argv of each kind of program") {
  model::AppSpec spec = direct("/srv/app.js", {"--port", "80"});
  CHECK(make_spawn_plan(spec, make_facts()).argv == Strings{"/srv/app.js", "--port", "80"});
  spec.kind = model::ExecKind::interpreter;
  spec.interpreter = "/usr/bin/node";
  spec.interpreter_args = {"--inspect"};
  const auto node = make_spawn_plan(spec, make_facts());
  CHECK(node.program == "/usr/bin/node");
  CHECK(node.argv == Strings{"/usr/bin/node", "--inspect", "/srv/app.js", "--port", "80"});
  const auto sh = make_spawn_plan(shell("echo $1 | cat"), make_facts());
  CHECK(sh.program == "/bin/sh");
  CHECK(sh.argv == Strings{"/bin/sh", "-c", "echo $1 | cat", "victim"});
}

TEST_CASE("spawn plan: an app with secrets is launched by roost, which knows their sources") {
  model::AppSpec spec = direct("/srv/app", {"x"});
  spec.env_from = {{"KEY", "cmd:echo 1"}, {"DB", "file:/x"}};
  InstanceFacts facts = make_facts();
  facts.launcher = "/opt/roost";
  facts.credentials = "/run/c";
  const auto plan = make_spawn_plan(spec, facts);
  CHECK(plan.program == "/opt/roost");
  CHECK(plan.argv == Strings{"/opt/roost", "launch", "/run/c", "2", "DB=file:/x", "KEY=cmd:echo 1",
                             "/srv/app", "x"});
  CHECK(value_of(plan, "KEY") == "(unset)");
}

TEST_CASE("spawn plan: what belongs to roost or to its parent is kept from the app") {
  const auto plan = plan_with({{"ROOST_HOME", "/x"},
                               {"ROOST_ID", "1.2.3.4.0000000005"},
                               {"NODE_CHANNEL_FD", "3"},
                               {"NODE_CHANNEL_SERIALIZATION_MODE", "json"},
                               {"LISTEN_FDS", "1"},
                               {"LISTEN_PID", "1"},
                               {"NOTIFY_SOCKET", "/run/x"},
                               {"LISTENER", "kept"}});
  for (const char* name : {"ROOST_HOME", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE",
                           "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"}) {
    CAPTURE(name);
    CHECK(value_of(plan, name) == "(unset)");
  }
  CHECK(value_of(plan, "LISTENER") == "kept");
}

TEST_CASE("spawn plan: what is added per instance") {
  const auto plan = plan_with({});
  CHECK(value_of(plan, "NODE_APP_INSTANCE") == "2");
  CHECK(value_of(plan, "pm_id") == "7");
  CHECK(value_of(plan, "PYTHONUNBUFFERED") == "1");
  CHECK(value_of(plan_with({{"PYTHONUNBUFFERED", ""}}), "PYTHONUNBUFFERED").empty());
  CHECK(plan.env.back().starts_with("ROOST_ID=" + home_id() + ".1.7."));
  CHECK(plan.env.back().ends_with(".0000000000"));
}

TEST_CASE("spawn plan: what an app needs to speak of itself") {
  model::AppSpec spec = direct("/bin/true");
  spec.env = {{"WATCHDOG_USEC", "1"}, {"WATCHDOG_PID", "1"}, {"NOTIFY_SOCKET", "/run/other"}};
  InstanceFacts facts = make_facts();
  facts.notify_socket = "/run/x/notify.sock";
  auto plan = make_spawn_plan(spec, facts);
  CHECK_FALSE(plan.channel);
  CHECK(value_of(plan, "NOTIFY_SOCKET") == "/run/x/notify.sock");
  CHECK(value_of(plan, "WATCHDOG_USEC") == "(unset)");
  CHECK(value_of(plan, "WATCHDOG_PID") == "(unset)");
  spec.ipc = true;
  spec.watchdog = 2500ms;
  plan = make_spawn_plan(spec, facts);
  CHECK(plan.channel);
  CHECK(value_of(plan, "NODE_CHANNEL_FD") == "3");
  CHECK(value_of(plan, "NODE_CHANNEL_SERIALIZATION_MODE") == "json");
  CHECK(value_of(plan, "WATCHDOG_USEC") == "2500000");
  for (const std::string& variable : probe_environment(spec, 0))
    CHECK_FALSE(variable.starts_with("NOTIFY_SOCKET"));
}

TEST_CASE("spawn plan: a terminal has a type and a size, those of the environment if it has them") {
  model::AppSpec spec = direct("/bin/true");
  CHECK_FALSE(make_spawn_plan(spec, make_facts()).terminal);
  CHECK(value_of(make_spawn_plan(spec, make_facts()), "TERM") == "(unset)");
  spec.tty = true;
  const auto plain = make_spawn_plan(spec, make_facts());
  REQUIRE(plain.terminal);
  CHECK(plain.terminal->rows == 24);
  CHECK(plain.terminal->columns == 80);
  CHECK(value_of(plain, "TERM") == "xterm-256color");
  spec.env = {{"TERM", "vt100"}, {"LINES", "50"}, {"COLUMNS", "65536"}};
  const auto own = make_spawn_plan(spec, make_facts());
  CHECK(own.terminal->rows == 50);
  CHECK(own.terminal->columns == 80);  // no such width
  CHECK(value_of(own, "TERM") == "vt100");
}

TEST_CASE("spawn plan: variables that depend on the instance") {
  auto spec = direct("/bin/true");
  spec.instance_var = "NUMBER";
  spec.increment_var = "PORT";
  spec.env["PORT"] = "3000";
  InstanceFacts facts = make_facts();
  facts.slot = 2;
  const auto plan = make_spawn_plan(spec, facts);
  CHECK(value_of(plan, "NUMBER") == "2");
  CHECK(value_of(plan, "PORT") == "3002");
  CHECK(value_of(plan, "NODE_APP_INSTANCE") == "(unset)");
  spec.env.erase("PORT");
  CHECK(value_of(make_spawn_plan(spec, facts), "PORT") == "2");
}

TEST_CASE("spawn plan: attributes of the process") {
  auto spec = direct("/bin/true");
  spec.group = "daemon";
  spec.umask = 027;
  spec.nice = -3;
  spec.rlimits = {{"nofile", "10:20"}};
  spec.no_new_privs = true;
  const auto plan = make_spawn_plan(spec, make_facts());
  CHECK(plan.group == "daemon");
  CHECK(plan.umask == 027U);
  CHECK(plan.nice == -3);
  REQUIRE(plan.limits.size() == 1);
  CHECK(plan.limits[0].words == "nofile 10:20");
  CHECK(plan.limits[0].limit.hard == 20);
  CHECK(plan.no_new_privs);
}

TEST_CASE("spawn plan: a variable is replaced or added, and ROOST_ID stays last") {
  auto plan = plan_with({{"HOME", "/root"}, {"Z", "1"}});
  set_variable(plan.env, "HOME", "/home/a");
  set_variable(plan.env, "USER", "a");
  CHECK(value_of(plan, "HOME") == "/home/a");
  CHECK(value_of(plan, "USER") == "a");
  CHECK(plan.env.back().starts_with("ROOST_ID="));
  CHECK(std::is_sorted(plan.env.begin(), plan.env.end() - 1));
}

TEST_CASE("spawn plan: the label names the run") {
  InstanceFacts facts = make_facts(Lane{.number = 4, .kind = CgroupKind::v2, .dir = "/x"});
  facts.slot = 9;
  const auto label = make_spawn_plan(direct("/bin/true"), facts).label;
  CHECK(label.run == facts.run);
  CHECK(label.slot == 9);
  CHECK(label.generation == 3);
  CHECK(label.lane == 4);
  CHECK(std::equal(facts.boot_id.begin(), facts.boot_id.end(), label.boot_id));
}

TEST_CASE("spawn plan: while it waits it has a label, and no copy of the environment") {
  auto spec = std::make_shared<model::AppSpec>(direct("/bin/true"));
  spec->env = {{"A", "1"}};
  const InstanceFacts facts = make_facts();
  SpawnPlan plan = begin_plan(spec, facts);
  CHECK(plan.label.run == facts.run);
  CHECK(plan.env.empty());
  finish_plan(plan);
  CHECK(value_of(plan, "A") == "1");
  plan.env.clear();
  finish_plan(plan);  // done already: what was changed since stays
  CHECK(plan.env.empty());
}
