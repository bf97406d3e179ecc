#include "config/nested_fields.h"

#include <array>
#include <map>
#include <string_view>

#include "config/setters.h"
#include "core/base/suggest.h"
#include "core/model/launch.h"
#include "core/model/limits.h"
#include "core/model/selector.h"

namespace roost::config {
namespace {

using model::HealthProbe;
using model::ProbeKind;

Fault within(std::string_view key, Fault fault) {
  if (!fault) return fault;
  return "'" + std::string(key) + "' " + *fault;
}

Fault take_target(ProbeKind kind, const Value& value, HealthProbe& probe) {
  if (!probe.target.empty()) return "must have one of http, tcp and exec only";
  probe.kind = kind;
  return take_text(value, probe.target);
}

// "http://…", "tcp:HOST:PORT", "exec:SHELL LINE".
Fault take_probe_text(const Value& value, HealthProbe& probe) {
  const auto take = [&](ProbeKind kind, std::string_view begin) {
    Value target = value;
    target.string = value.string.substr(begin.size());
    return take_target(kind, target, probe);
  };
  if (value.string.starts_with("tcp:")) return take(ProbeKind::tcp, "tcp:");
  if (value.string.starts_with("exec:")) return take(ProbeKind::exec, "exec:");
  if (value.string.starts_with("http")) return take(ProbeKind::http, "");
  return "must be http://HOST:PORT/PATH, tcp:HOST:PORT or exec:SHELL LINE";
}

Fault take_retries(const Value& value, HealthProbe& probe) {
  constexpr std::int64_t kMost = 1000;
  const auto number = number_of(value);
  if (!number || *number < 1 || *number > kMost) return "must be a number from 1 to 1000";
  probe.retries = static_cast<std::uint32_t>(*number);
  return std::nullopt;
}

Fault take_health_member(const Member& member, HealthProbe& probe) {
  const std::string& key = member.key;
  if (key == "http") return take_target(ProbeKind::http, member.value, probe);
  if (key == "tcp") return take_target(ProbeKind::tcp, member.value, probe);
  if (key == "exec") return take_target(ProbeKind::exec, member.value, probe);
  if (key == "interval") return take_duration(member.value, probe.interval);
  if (key == "timeout") return take_duration(member.value, probe.timeout);
  if (key == "start_grace" || key == "startGrace")
    return take_duration(member.value, probe.start_grace);
  if (key == "retries") return take_retries(member.value, probe);
  constexpr std::array<std::string_view, 7> kKnown{"http",    "tcp",     "exec",       "interval",
                                                   "timeout", "retries", "start_grace"};
  const std::string hint = did_you_mean(key, kKnown);
  return "is no setting of a health probe" + (hint.empty() ? "" : "; " + hint);
}

using model::DependencyCondition;

struct ConditionWord {
  std::string_view word;
  DependencyCondition condition;
};

// The second half is compose's.
constexpr std::array kConditions{
    ConditionWord{"started", DependencyCondition::started},
    ConditionWord{"ready", DependencyCondition::ready},
    ConditionWord{"completed", DependencyCondition::completed},
    ConditionWord{"service_started", DependencyCondition::started},
    ConditionWord{"service_healthy", DependencyCondition::ready},
    ConditionWord{"service_completed_successfully", DependencyCondition::completed}};

Fault take_condition(const Value& value, DependencyCondition& condition) {
  if (value.kind == Kind::object) {
    for (const Member& member : value.members)
      if (member.key == "condition") return take_condition(member.value, condition);
    condition = DependencyCondition::started;
    return std::nullopt;
  }
  for (const ConditionWord& known : kConditions) {
    if (value.kind != Kind::string || value.string != known.word) continue;
    condition = known.condition;
    return std::nullopt;
  }
  return "must be one of started, ready, completed";
}

}  // namespace

Fault set_depends_on(const Value& value, AppConfig& app) {
  std::map<std::string, DependencyCondition> wanted;
  if (value.kind == Kind::object) {
    for (const Member& member : value.members)
      if (Fault fault = within(member.key, take_condition(member.value, wanted[member.key])))
        return fault;
  } else {
    std::vector<std::string> names;
    if (Fault fault = take_words(value, names)) return fault;
    for (const std::string& name : names)
      wanted[name] = DependencyCondition::started;
  }
  app.settings.depends_on = std::move(wanted);
  return std::nullopt;
}

Fault set_env_from(const Value& value, AppConfig& app) {
  std::map<std::string, std::string> sources;
  const auto add = [&sources](const std::string& name, const Value& source) -> Fault {
    if (name.empty() || name.find('=') != std::string::npos)
      return "has a '" + name + "' that cannot be the name of a variable";
    if (source.kind != Kind::string) return within(name, expected("a text", source));
    if (const auto parsed = model::parse_secret_source(source.string); !parsed)
      return within(name, parsed.error().message);
    sources[name] = source.string;
    return std::nullopt;
  };
  if (value.kind == Kind::object) {
    for (const Member& member : value.members)
      if (Fault fault = add(member.key, member.value)) return fault;
  } else if (value.kind == Kind::array) {
    for (const Value& item : value.items) {
      Value source = item;
      const std::size_t equals = item.string.find('=');
      if (item.kind != Kind::string || equals == std::string::npos)
        return "must hold texts NAME=SOURCE";
      source.string = item.string.substr(equals + 1);
      if (Fault fault = add(item.string.substr(0, equals), source)) return fault;
    }
  } else {
    return expected("a table", value);
  }
  app.settings.env_from = std::move(sources);
  return std::nullopt;
}

Fault set_labels(const Value& value, AppConfig& app) {
  if (value.kind != Kind::object) return expected("a table", value);
  for (const Member& member : value.members) {
    const std::string text = text_of(member.value);
    const Status valid = model::validate_label(member.key, text);
    if (!valid) return valid.error().message;
    app.settings.labels[member.key] = text;
  }
  if (app.settings.labels.size() > model::limits::kMaxLabels)
    return "has more than " + std::to_string(model::limits::kMaxLabels) + " labels";
  return std::nullopt;
}

Fault set_health(const Value& value, AppConfig& app) {
  if (value.kind == Kind::null || (value.kind == Kind::boolean && !value.boolean)) {
    app.settings.health.reset();
    return std::nullopt;
  }
  HealthProbe probe;
  if (value.kind == Kind::string) {
    if (Fault fault = take_probe_text(value, probe)) return fault;
    app.settings.health = std::move(probe);
    return std::nullopt;
  }
  if (value.kind != Kind::object) return expected("a table", value);
  for (const Member& member : value.members)
    if (Fault fault = within(member.key, take_health_member(member, probe))) return fault;
  if (probe.target.empty()) return "needs one of http, tcp and exec: what is looked at";
  app.settings.health = std::move(probe);
  return std::nullopt;
}

}  // namespace roost::config
