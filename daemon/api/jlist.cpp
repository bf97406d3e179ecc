// PM2's `jlist`: the fields that outside programs read, under PM2's names.
#include <algorithm>
#include <initializer_list>

#include "core/base/json_writer.h"
#include "core/model/spec_diff.h"
#include "daemon/api/view.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kMostReserved = 1U << 20;

std::string_view pm2_status(model::State state) {
  if (state == model::State::waiting) return "waiting restart";
  for (const auto& [value, name] : EnumNames<model::State>::values)
    if (value == state) return name;
  return {};
}

class Pm2Writer {
 public:
  explicit Pm2Writer(std::string& out) : json_(out) {}

  void instance(const ipc::InstanceInfo& info, const Instance& instance, const LogPaths& logs) {
    json_.begin_object();
    number("pid", info.pid);
    text("name", info.name);
    number("pm_id", info.id);
    json_.plain_key("monit");
    json_.begin_object();
    number("memory", static_cast<std::int64_t>(info.memory));
    json_.plain_key("cpu");
    json_.number(static_cast<double>(static_cast<std::int64_t>(info.cpu * 10 + 0.5)) / 10);
    json_.end_object();
    json_.plain_key("pm2_env");
    json_.begin_object();
    state(info, instance);
    program(*instance.spec);
    policy(*instance.spec);
    text("pm_out_log_path", logs.out);
    text("pm_err_log_path", logs.err);
    if (!logs.both.empty()) text("pm_log_path", logs.both);
    text("username", info.user);
    number("NODE_APP_INSTANCE", info.slot);
    environment(*instance.spec);
    json_.end_object();
    json_.end_object();
  }

  JsonWriter& json() { return json_; }

 private:
  void text(std::string_view key, std::string_view value) {
    json_.plain_key(key);
    json_.string(value);
  }

  void number(std::string_view key, std::int64_t value) {
    json_.plain_key(key);
    json_.integer(value);
  }

  void list(std::string_view key, const std::vector<std::string>& values,
            std::initializer_list<std::string_view> before = {}) {
    json_.plain_key(key);
    json_.begin_array();
    for (const std::string_view value : before)
      json_.string(value);
    for (const std::string& value : values)
      json_.string(value);
    json_.end_array();
  }

  void state(const ipc::InstanceInfo& info, const Instance& instance) {
    text("name", info.name);
    text("namespace", info.ns);
    number("pm_id", info.id);
    text("status", pm2_status(info.state));
    text("status_reason", info.reason);
    number("restart_time", info.restarts);
    number("unstable_restarts", info.quick_exits);
    number("pm_uptime", info.started_ms);
    number("created_at", instance.created_ms);
    text("exec_mode", "fork_mode");
    number("instances", instance.spec->instances);
    last_exit(info);
  }

  // A signal is a signal: exit_code is then null, and what cannot be known is null as well, never
  // 0.
  void last_exit(const ipc::InstanceInfo& info) {
    const bool exited = info.last_exit && info.last_exit->kind == model::ExitKind::exited;
    const bool signaled = info.last_exit && info.last_exit->kind == model::ExitKind::signaled;
    json_.plain_key("exit_code");
    if (exited)
      json_.integer(info.last_exit->code);
    else
      json_.null();
    json_.plain_key("exit_signal");
    if (signaled)
      json_.string(model::signal_name(info.last_exit->signal));
    else
      json_.null();
    json_.plain_key("exit_core_dumped");
    json_.boolean(signaled && info.last_exit->core);
    json_.plain_key("exit_unknown");
    json_.boolean(info.last_exit && !exited && !signaled);
  }

  void program(const model::AppSpec& spec) {
    const bool shell = spec.kind == model::ExecKind::shell;
    text("pm_exec_path", shell ? "/bin/sh" : spec.script);
    text("pm_cwd", spec.cwd);
    text("exec_interpreter", spec.kind == model::ExecKind::interpreter ? spec.interpreter : "none");
    list("node_args", spec.interpreter_args);
    if (shell)
      list("args", spec.args, {"-c", spec.script});
    else
      list("args", spec.args);
  }

  void policy(const model::AppSpec& spec) {
    json_.plain_key("autorestart");
    json_.boolean(spec.restart != model::RestartWhen::never);
    number("kill_timeout", to_ms(spec.kill_timeout));
    number("restart_delay", to_ms(spec.restart_delay));
    number("min_uptime", to_ms(spec.min_uptime));
    if (spec.max_restarts) number("max_restarts", *spec.max_restarts);
    number("exp_backoff_restart_delay", to_ms(spec.exp_backoff_restart_delay));
    if (spec.max_memory_restart)
      number("max_memory_restart", static_cast<std::int64_t>(*spec.max_memory_restart));
    if (!spec.cron_restart.empty()) text("cron_restart", spec.cron_restart);
    json_.plain_key("treekill");
    json_.boolean(spec.kill_mode == model::KillMode::tree);
    json_.plain_key("watch");
    json_.boolean(spec.watch);
    text("instance_var", spec.instance_var);
  }

  void environment(const model::AppSpec& spec) {
    json_.plain_key("env");
    json_.begin_object();
    for (const auto& [name, value] : spec.env)
      variable(name, model::shown_value(name, value));
    json_.end_object();
  }

  void variable(std::string_view name, std::string_view value) {
    json_.key(name);  // users' names
    json_.string(value);
  }

  JsonWriter json_;
};

}  // namespace

std::string render_jlist(Services& services, const std::vector<model::InstanceId>& ids) {
  std::string out;
  Pm2Writer writer(out);
  writer.json().begin_array();
  for (model::InstanceId id : ids) {
    const Instance& instance = *services.supervisor.find(id);
    writer.instance(view_of(services, instance), instance, services.supervisor.log_paths(instance));
    // The others are much like the first: one piece of memory instead of ten, each copied.
    if (id == ids.front()) out.reserve(std::min(out.size() * ids.size() * 9 / 8, kMostReserved));
  }
  writer.json().end_array();
  return out;
}

}  // namespace roost::daemon
