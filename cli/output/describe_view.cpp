#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/output/app_naming.h"
#include "cli/output/table.h"
#include "cli/output/units.h"
#include "core/base/bytes.h"
#include "core/base/record_codec.h"
#include "core/base/words.h"
#include "core/model/instance_text.h"

namespace roost::cli {
namespace {

using ipc::Description;

constexpr std::size_t kExitsShown = 10;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : " ") + quoted_word(word);
  return out;
}

std::string run_by(const model::AppSpec& spec) {
  switch (spec.kind) {
    case model::ExecKind::direct:
      return "itself";
    case model::ExecKind::shell:
      return "/bin/sh -c";
    case model::ExecKind::interpreter:
      return spec.interpreter_args.empty() ? spec.interpreter
                                           : spec.interpreter + " " + joined(spec.interpreter_args);
  }
  return {};
}

std::string restart_rule(const model::AppSpec& spec) {
  if (spec.job)
    return spec.retries == 0 ? "not before its next time"
                             : fmt::format("up to {} times after a failure", spec.retries);
  if (spec.restart == model::RestartWhen::never) return "never";
  std::string rule = spec.restart == model::RestartWhen::always ? "" : "on failure";
  const auto add = [&rule](const std::string& more) { rule += (rule.empty() ? "" : ", ") + more; };
  if (spec.max_restarts && spec.max_restarts_within > 0s)
    add(fmt::format("at most {} times in {}", *spec.max_restarts,
                    format_duration(spec.max_restarts_within)));
  else if (spec.max_restarts)
    add(fmt::format("until {} unhealthy exits in a row", *spec.max_restarts));
  if (rule.empty()) rule = "always";
  if (!spec.stop_exit_codes.empty())
    rule += fmt::format(", not after exit code {}", fmt::join(spec.stop_exit_codes, " "));
  if (spec.exp_backoff_restart_delay > 0s)
    rule += ", after " + format_duration(spec.exp_backoff_restart_delay) + ", doubling to 15s";
  if (spec.restart_delay > 0s) rule += ", after " + format_duration(spec.restart_delay);
  return rule;
}

Cell health_cell(const ipc::HealthInfo& health, const Terminal& terminal) {
  std::string text = health.passed ? "passed" : "failed";
  text += fmt::format(" at {} after {}", format_wall(health.probed_ms),
                      format_duration(std::chrono::milliseconds(health.took_ms)));
  if (health.failures > 0) text += fmt::format(", {} in a row", health.failures);
  // Of several lines each blank stands for what would break the table.
  std::string output = health.output;
  while (output.ends_with('\n'))
    output.pop_back();
  std::replace_if(
      output.begin(), output.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  if (!output.empty()) text += ": " + output;
  return {shown(text, terminal), health.passed ? Colour::none : Colour::red};
}

void add_state(std::vector<Pair>& pairs, const Description& app, const Terminal& terminal) {
  const auto& instance = app.instance;
  pairs.push_back(
      {"state", {std::string(codec::enum_name(instance.state)), colour_of(instance.state)}});
  if (const auto reason = reason_of(instance); !reason.empty())
    pairs.push_back({"reason", {shown(reason, terminal)}});
  if (instance.pid != 0) {
    pairs.push_back({"pid", {std::to_string(instance.pid)}});
    pairs.push_back({"uptime",
                     {fmt::format("{} (since {})",
                                  format_duration(std::chrono::milliseconds(instance.uptime_ms)),
                                  format_wall(instance.started_ms))}});
    pairs.push_back({"cpu", {format_percent(instance.cpu)}});
    pairs.push_back({"memory", {format_bytes(instance.memory)}});
  }
  pairs.push_back(
      {"restarts",
       {instance.quick_exits == 0
            ? std::to_string(instance.restarts)
            : fmt::format("{} ({} quick exits)", instance.restarts, instance.quick_exits)}});
  if (app.health) pairs.push_back({"health", health_cell(*app.health, terminal)});
  if (instance.last_exit) pairs.push_back({"last exit", {model::describe(*instance.last_exit)}});
}

std::string probe_words(const model::HealthProbe& probe) {
  return fmt::format("{} {}, every {}, unhealthy after {} failures", codec::enum_name(probe.kind),
                     probe.target, format_duration(probe.interval), probe.retries);
}

// What is as it is by default goes without saying.
void add_policy(std::vector<Pair>& pairs, const Description& app, const Terminal& terminal) {
  const auto& spec = app.spec;
  const auto add = [&](const char* name, const std::string& value) {
    pairs.push_back({name, {shown(value, terminal)}});
  };
  if (spec.stop_signal != 15 || spec.kill_mode == model::KillMode::process)
    add("stopped by",
        model::signal_name(static_cast<int>(spec.stop_signal)) +
            (spec.kill_mode == model::KillMode::process ? " to its first process" : ""));
  if (!spec.cron_restart.empty())
    add("restarted at", spec.cron_restart + (spec.timezone.empty() ? "" : " " + spec.timezone) +
                            (app.cron_due_ms == 0 ? "" : ", next " + format_wall(app.cron_due_ms)));
  if (spec.job) {
    add("runs at", spec.schedule.empty()
                       ? "on request"
                       : spec.schedule + (spec.timezone.empty() ? "" : " " + spec.timezone) +
                             (spec.catch_up ? ", and once for those missed" : ""));
    if (!spec.schedule.empty()) add("while it runs", std::string(codec::enum_name(spec.overlap)));
    if (spec.job_timeout > 0s) add("time limit", format_duration(spec.job_timeout));
  }
  if (spec.health) add("probed by", probe_words(*spec.health));
  for (const auto& [name, condition] : spec.depends_on)
    add("depends on", name + " (" + std::string(codec::enum_name(condition)) + ")");
  for (const std::string& target : spec.wait_for)
    add("waits for", target);
  if (spec.tty) add("terminal", "input and output; stderr goes with stdout");
  if (spec.watch) add("watched", app.watching.empty() ? "when it runs" : app.watching);
  if (spec.max_memory_restart)
    add("memory limit", bytes_in_words(*spec.max_memory_restart) + ", then it is restarted");
  if (spec.memory_max) add("memory at most", bytes_in_words(*spec.memory_max));
  if (!spec.stop_command.empty()) add("stop command", spec.stop_command);
  for (const auto& [name, source] : spec.env_from)
    add("secret", name + " from " + source);
  if (!spec.group.empty()) add("group", spec.group);
  if (spec.umask) add("umask", fmt::format("{:03o}", *spec.umask));
  if (spec.nice) add("nice", std::to_string(*spec.nice));
  for (const auto& [name, value] : spec.rlimits)
    add("limit", name + " " + value);
  if (spec.no_new_privs) add("privileges", "none by exec");
}

std::string labels_of(const model::AppSpec& spec) {
  std::string words;
  for (const auto& [name, value] : spec.labels)
    words += (words.empty() ? "" : " ") + name + "=" + value;
  return words;
}

void add_spec(std::vector<Pair>& pairs, const Description& app, const Terminal& terminal) {
  const auto& spec = app.spec;
  const auto text = [&](std::string_view value) {
    return Cell{value.empty() ? "-" : shown(value, terminal)};
  };
  pairs.push_back({"namespace", text(spec.ns)});
  pairs.push_back(
      {spec.kind == model::ExecKind::shell ? "shell line" : "script", text(spec.script)});
  pairs.push_back({"run by", text(run_by(spec))});
  if (!spec.args.empty()) pairs.push_back({"arguments", text(joined(spec.args))});
  pairs.push_back({"directory", text(spec.cwd)});
  pairs.push_back({"user", text(app.instance.user)});
  pairs.push_back({"instances", {std::to_string(spec.instances)}});
  pairs.push_back({"stdout", text(app.out_file)});
  pairs.push_back({"stderr", text(app.error_file)});
  if (!app.log_file.empty()) pairs.push_back({"both", text(app.log_file)});
  pairs.push_back({"restarted", {restart_rule(spec)}});
  pairs.push_back({"kill timeout", {format_duration(spec.kill_timeout)}});
  add_policy(pairs, app, terminal);
  if (!spec.labels.empty()) pairs.push_back({"labels", text(labels_of(spec))});
  if (!app.source.empty()) pairs.push_back({"file", text(app.source)});
  pairs.push_back({"created", {format_wall(app.created_ms)}});
}

Table exits_table(const Description& app, const Terminal& terminal) {
  Table table;
  table.columns = {{"ended", Column::Align::left},
                   {"pid", Column::Align::right},
                   {"ran for", Column::Align::right},
                   {"how", Column::Align::left},
                   {"then", Column::Align::left, 1}};
  for (std::size_t i = 0; i < std::min(app.exits.size(), kExitsShown); ++i) {
    const auto& exit = app.exits[i];
    const auto ran = std::chrono::milliseconds(exit.ended_ms - exit.started_ms);
    const auto decision = shown(exit.decision, terminal);
    table.rows.push_back({{{format_wall(exit.ended_ms)},
                           {std::to_string(exit.pid)},
                           {format_duration(ran)},
                           {model::describe(exit.status),
                            model::is_success(exit.status) ? Colour::none : Colour::red},
                           {decision}},
                          decision});
  }
  return table;
}

std::string heading(std::string_view text, const Terminal& terminal) {
  return paint(text, Colour::bold, terminal.colour ? Colouring::on : Colouring::off) + "\n";
}

std::string environment_text(const Description& app, const Terminal& terminal) {
  std::string out;
  for (const auto& [name, value] : model::instance_environment(app.spec, app.instance.slot))
    out += shown(name + "=" + value, terminal) + "\n";
  return out;
}

std::string one_text(const Description& app, std::string_view name, const Terminal& terminal) {
  std::string out = heading(fmt::format("{} (id {})", name, app.instance.id), terminal);
  std::vector<Pair> pairs;
  add_state(pairs, app, terminal);
  add_spec(pairs, app, terminal);
  out += render_pairs(pairs, terminal);
  if (!app.exits.empty())
    out += "\n" + heading("Last exits", terminal) + render(exits_table(app, terminal), terminal);
  if (!app.spec.env.empty())
    out += "\n" + heading("Environment", terminal) + environment_text(app, terminal);
  return out;
}

}  // namespace

std::string describe_text(const ipc::DescribeReply& reply, const Terminal& terminal) {
  SeveralInstances several;
  for (const auto& app : reply.instances)
    several.add(app.instance);
  std::string out;
  for (const auto& app : reply.instances) {
    if (!out.empty()) out += "\n";
    out += one_text(app, several.name_of(app.instance), terminal);
  }
  return out;
}

}  // namespace roost::cli
