#include "daemon/process/spawn_plan.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <utility>

#include "core/model/instance_text.h"
#include "core/model/launch.h"
#include "core/model/readiness.h"
#include "daemon/process/run_key.h"

namespace roost::daemon {
namespace {
std::vector<NamedLimit> make_limits(const model::AppSpec& spec) {
  std::vector<NamedLimit> limits;
  for (const auto& [name, value] : spec.rlimits)
    if (const auto limit = model::parse_limit(name, value))
      limits.push_back({name + " " + value, *limit});
  return limits;
}

std::vector<std::string> make_env(const model::AppSpec& spec, const InstanceFacts& facts) {
  std::map<std::string, std::string> env = model::instance_environment(spec, facts.slot);
  std::erase_if(env, [](const auto& entry) { return is_internal_variable(entry.first); });
  env.emplace("PYTHONUNBUFFERED",
              "1");  // or a Python app's output comes in blocks of 8 KiB, the last one never
  if (spec.tty) env.emplace("TERM", "xterm-256color");
  if (!is_internal_variable(spec.instance_var)) env[spec.instance_var] = std::to_string(facts.slot);
  env["pm_id"] = std::to_string(raw(facts.instance));
  if (!facts.notify_socket.empty()) env["NOTIFY_SOCKET"] = facts.notify_socket;
  if (spec.watchdog > 0s)
    env["WATCHDOG_USEC"] = std::to_string(std::chrono::microseconds(spec.watchdog / 1us).count());
  if (model::wants_channel(spec)) {
    env["NODE_CHANNEL_FD"] = std::to_string(kChannelFd);
    env["NODE_CHANNEL_SERIALIZATION_MODE"] = "json";
  }
  std::vector<std::string> entries;
  entries.reserve(env.size() + 1);
  for (const auto& [name, value] : env)
    entries.push_back(name + "=" + value);
  entries.push_back(roost_id_entry(
      {.home_id = facts.home_id, .app = facts.app, .instance = facts.instance, .run = facts.run}));
  return entries;
}

TerminalSize terminal_size(const std::map<std::string, std::string>& env) {
  TerminalSize size;
  const auto take = [&env](const char* name, std::uint16_t& into) {
    const auto found = env.find(name);
    if (found == env.end()) return;
    const std::string& text = found->second;
    std::uint16_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec == std::errc{} && read.ptr == text.data() + text.size() && number > 0)
      into = number;
  };
  take("LINES", size.rows);
  take("COLUMNS", size.columns);
  return size;
}

model::RunLabel make_label(const InstanceFacts& facts) {
  model::RunLabel label;
  label.size = sizeof label;
  label.app = facts.app;
  label.instance = facts.instance;
  label.slot = facts.slot;
  label.run = facts.run;
  label.generation = facts.generation;
  label.lane = facts.lane.number;
  std::copy(facts.boot_id.begin(), facts.boot_id.end(), label.boot_id);
  return label;
}
}  // namespace

bool is_internal_variable(std::string_view name) {
  return name.starts_with("ROOST_") || name.starts_with("LISTEN_") ||
         name.starts_with("WATCHDOG_") || name == "NODE_CHANNEL_FD" ||
         name == "NODE_CHANNEL_SERIALIZATION_MODE" || name == "NOTIFY_SOCKET";
}

SpawnPlan begin_plan(model::SpecPtr spec, InstanceFacts facts) {
  SpawnPlan plan;
  plan.lane = facts.lane;
  plan.label = make_label(facts);
  plan.spec = std::move(spec);
  plan.facts = std::move(facts);
  return plan;
}

void finish_plan(SpawnPlan& plan) {
  const model::SpecPtr kept = std::exchange(plan.spec, nullptr);
  if (kept == nullptr) return;
  const model::AppSpec& spec = *kept;
  const InstanceFacts& facts = plan.facts;
  plan.argv = model::with_launcher(spec, facts.launcher, facts.credentials,
                                   model::instance_words(spec, facts.slot));
  plan.program = plan.argv.front();
  plan.env = make_env(spec, facts);
  plan.cwd = spec.cwd;
  plan.user = spec.user;
  if (spec.tty) plan.terminal = terminal_size(model::instance_environment(spec, facts.slot));
  plan.channel = model::wants_channel(spec);
  plan.group = spec.group;
  plan.umask = spec.umask;
  plan.nice = spec.nice;
  plan.limits = make_limits(spec);
  plan.no_new_privs = spec.no_new_privs;
}

SpawnPlan make_spawn_plan(const model::AppSpec& spec, const InstanceFacts& facts) {
  SpawnPlan plan = begin_plan(std::make_shared<const model::AppSpec>(spec), facts);
  finish_plan(plan);
  return plan;
}

std::vector<std::string> probe_environment(const model::AppSpec& spec, std::uint32_t slot) {
  std::vector<std::string> env;
  for (const auto& [name, value] : model::instance_environment(spec, slot))
    if (!is_internal_variable(name)) env.push_back(name + "=" + value);
  return env;
}

void set_variable(std::vector<std::string>& env, std::string_view name, std::string_view value) {
  const std::string prefix = std::string(name) + "=";
  const auto found = std::find_if(
      env.begin(), env.end(), [&](const std::string& entry) { return entry.starts_with(prefix); });
  if (found != env.end()) {
    *found = prefix + std::string(value);
    return;
  }
  const auto before_roost_id = env.empty() ? env.end() : env.end() - 1;
  const auto place = std::find_if(env.begin(), before_roost_id,
                                  [&](const std::string& entry) { return entry > prefix; });
  env.insert(place, prefix + std::string(value));
}

}  // namespace roost::daemon
