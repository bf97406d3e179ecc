#include "config/ecosystem.h"

#include <algorithm>
#include <map>
#include <set>

namespace roost::config {
namespace {

using Kind = Value::Kind;

// Beside the apps of a file; other tools' business.
constexpr std::string_view kOtherKeys[] = {"deploy", "static", "$schema", "version"};

struct JobRule {
  std::string_view field;
  bool of_jobs = false;
  std::string_view message;
};

constexpr std::string_view kOfJobs = "is for a job: write type: job";
constexpr JobRule kJobRules[] = {
    {"schedule", true, kOfJobs},
    {"overlap", true, kOfJobs},
    {"timeout", true, kOfJobs},
    {"retries", true, kOfJobs},
    {"catch_up", true, kOfJobs},
    {"cron_restart", false, "does not go with type: job, which has a 'schedule'"},
    {"watch", false, "does not go with type: job: changes do not restart it"},
    {"max_restarts", false, "does not go with type: job, which has 'retries'"},
    {"max_memory_restart", false, "does not go with type: job, which is not restarted"},
    {"instances", false, "does not go with type: job, which has one"}};

const JobRule* broken_rule(std::string_view field, bool job) {
  const auto rule =
      std::find_if(std::begin(kJobRules), std::end(kJobRules),
                   [&](const JobRule& one) { return one.field == field && one.of_jobs != job; });
  return rule == std::end(kJobRules) ? nullptr : rule;
}

// Fields of an app, each with the key that said it first.
using Seen = std::map<std::string_view, std::string>;

class Reader {
 public:
  Reader(const Document& document, const EcosystemOptions& options)
      : document_(document), options_(options) {}

  Result<Ecosystem> read() {
    const std::vector<const Value*> apps = app_values();
    for (std::size_t i = 0; i < apps.size(); ++i) {
      app_ = name_of(*apps[i], i);
      read_app(*apps[i]);
    }
    app_.clear();
    check_names();
    result_.problems = std::move(problems_);
    if (!result_.problems.empty()) return std::move(result_);
    if (Status chosen = choose(); !chosen) return std::move(chosen).error();
    if (!options_.env_name.empty() && !env_names_.contains(options_.env_name))
      return Error{Errc::not_found, document_.path + ": no app has env_" + options_.env_name,
                   env_hint()};
    for (const std::string& name : without_effect_)
      names_ += (names_.empty() ? "" : ", ") + name;
    if (!names_.empty())
      result_.remarks.push_back(document_.path + ": without effect so far: " + names_);
    return std::move(result_);
  }

 private:
  void fault(Place at, std::string message, std::string hint = {}) {
    if (at.line == 0) message.insert(0, app_);  // what was computed has no line
    problems_.push_back({at, std::move(message), std::move(hint)});
  }

  // "app 'api': ", "apps[2]: ".
  static std::string name_of(const Value& app, std::size_t index) {
    const Value* name = app.find("name");
    return name != nullptr && name->kind == Kind::string && !name->string.empty()
               ? "app '" + name->string + "': "
               : "apps[" + std::to_string(index) + "]: ";
  }

  // `apps` (or `pm2`, for package.json) with a list or one object; or these at the top.
  std::vector<const Value*> app_values() {
    const Value* apps = &document_.root;
    if (apps->kind == Kind::object) {
      const Value* pm2 = apps->find("pm2");
      if (pm2 != nullptr && pm2->kind == Kind::object && pm2->find("apps") != nullptr)
        pm2 = pm2->find("apps");
      const Value* named = apps->find("apps") != nullptr ? apps->find("apps") : pm2;
      if (named != nullptr) {
        check_top(*apps);
        apps = named;
      } else if (!has_script(*apps)) {
        fault(apps->at, "describes no app: there is neither 'apps' nor 'script'");
        return {};
      }
    }
    if (apps->kind == Kind::object) return {apps};
    if (apps->kind != Kind::array) {
      fault(apps->at, "apps must be a list of tables, not " + std::string(to_string(apps->kind)));
      return {};
    }
    std::vector<const Value*> values;
    for (const Value& item : apps->items) {
      if (item.kind == Kind::object)
        values.push_back(&item);
      else
        fault(item.at, "an app must be a table, not " + std::string(to_string(item.kind)));
    }
    if (apps->items.empty()) fault(apps->at, "'apps' is empty");
    return values;
  }

  static bool has_script(const Value& app) {
    return std::any_of(app.members.begin(), app.members.end(), [](const Member& member) {
      const Field* field = find_field(member.key);
      return field != nullptr && field->name == "script";
    });
  }

  // A file of apps has little else; package.json has a lot.
  void check_top(const Value& root) {
    if (root.find("apps") == nullptr || root.find("dependencies") != nullptr) return;
    for (const Member& member : root.members) {
      const bool known = member.key == "apps" || member.key == "pm2" || member.key == "name" ||
                         std::find(std::begin(kOtherKeys), std::end(kOtherKeys), member.key) !=
                             std::end(kOtherKeys);
      if (!known && find_field(member.key) != nullptr)
        fault(member.at, "'" + member.key + "' belongs into an app, not beside 'apps'");
    }
  }

  static bool is_named_env(std::string_view key) {
    return key.starts_with("env_") && find_field(key) == nullptr;
  }

  void read_app(const Value& value) {
    const std::size_t before = problems_.size();
    AppConfig app;
    app.at = value.at;
    Seen seen;
    for (const Member& member : value.members) {
      if (is_named_env(member.key)) continue;
      read_field(member, app, seen);
    }
    for (const Member& member : value.members)
      if (is_named_env(member.key)) read_named_env(member, app);
    app.says_restart = seen.contains("restart") || seen.contains("autorestart");
    if (app.script.empty() && !seen.contains("script") && !blamed_.contains("script"))
      fault(value.at, "the app has no 'script'");
    if (!blamed_.contains("type")) check_job(value, app);
    blamed_.clear();
    if (problems_.size() == before) result_.apps.push_back(std::move(app));
  }

  // What only jobs have, and what they cannot have.
  void check_job(const Value& value, const AppConfig& app) {
    for (const Member& member : value.members) {
      const Field* field = find_field(member.key);
      if (field == nullptr || member.value.kind == Kind::null) continue;
      const JobRule* rule = broken_rule(field->name, app.settings.job);
      if (rule == nullptr) continue;
      const bool off = (field->name == "instances" && app.instances == "1") ||
                       (field->name == "watch" && !app.settings.watch) ||
                       (field->name == "cron_restart" && app.settings.cron_restart.empty());
      if (!off) fault(member.at, "'" + member.key + "' " + std::string(rule->message));
    }
    if (app.settings.catch_up && app.settings.job && app.settings.schedule.empty())
      fault(value.at, "'catch_up' needs a 'schedule'");
  }

  void read_field(const Member& member, AppConfig& app, Seen& seen) {
    const Field* field = find_field(member.key);
    if (field == nullptr) {
      for (const std::string_view name : {"script", "type"})
        if (suggest_field(member.key).find("'" + std::string(name) + "'") != std::string::npos)
          blamed_.insert(name);
      return fault(member.at, "unknown field '" + member.key + "'", suggest_field(member.key));
    }
    if (field->set == nullptr) {
      without_effect_.insert(member.key);
      return;
    }
    if (const auto [first, fresh] = seen.emplace(field->name, member.key); !fresh)
      return fault(member.at, "'" + member.key + "' says again what '" + first->second + "' said");
    if (member.value.kind == Kind::null) return;  // as if it were not there
    if (auto wrong = field->set(member.value, app)) {
      // As templates leave it.
      const bool is_blank = member.value.kind == Kind::string && member.value.string.empty();
      if (is_blank && field->name != "name" && field->name != "script") return;
      blamed_.insert(field->name);
      return fault(member.at, "'" + member.key + "' " + *wrong);
    }
    app.places[std::string(field->name)] = member.at;
    if (field->name == "env") note_places(member.value, app);
  }

  static void note_places(const Value& variables, AppConfig& app) {
    for (const Member& variable : variables.members)
      app.places["env." + variable.key] = variable.at;
  }

  // Over `env`, when it is the one that was asked for; of the right kind in any case.
  void read_named_env(const Member& member, AppConfig& app) {
    AppConfig other;
    if (auto wrong = find_field("env")->set(member.value, other))
      return fault(member.at, "'" + member.key + "' " + *wrong);
    env_names_.insert(member.key.substr(4));
    if (options_.env_name.empty() || member.key.substr(4) != options_.env_name) return;
    note_places(member.value, app);
    for (auto& [name, text] : other.env)
      app.env[name] = std::move(text);
  }

  [[nodiscard]] std::string env_hint() const {
    std::string names;
    for (const std::string& name : env_names_)
      names += (names.empty() ? "there is: " : ", ") + name;
    return names;
  }

  void check_names() {
    std::set<std::string> names;
    for (const AppConfig& app : result_.apps)
      if (app.name && !names.insert(*app.name).second)
        fault(app.at, "two apps are called '" + *app.name + "'");
  }

  Status choose() {
    if (options_.only.empty()) return ok();
    for (const std::string& name : options_.only)
      if (std::none_of(result_.apps.begin(), result_.apps.end(),
                       [&](const AppConfig& app) { return app.name == name; }))
        return Error{Errc::not_found, document_.path + " has no app '" + name + "'", {}};
    std::erase_if(result_.apps, [&](const AppConfig& app) {
      return std::none_of(options_.only.begin(), options_.only.end(),
                          [&](const std::string& name) { return app.name == name; });
    });
    return ok();
  }

  const Document& document_;
  const EcosystemOptions& options_;
  Ecosystem result_;
  std::vector<Problem> problems_;
  std::set<std::string> without_effect_;
  std::set<std::string_view> blamed_;  // fields of this app that a fault told before is about
  std::string names_;
  std::string app_;                  // which one is read, in words
  std::set<std::string> env_names_;  // of env_NAME, whatever app has it
};

}  // namespace

std::string_view job_misfit(std::string_view field, bool job) {
  const JobRule* rule = broken_rule(field, job);
  return rule == nullptr ? std::string_view() : rule->message;
}

Result<Ecosystem> read_ecosystem(const Document& document, const EcosystemOptions& options) {
  return Reader(document, options).read();
}

}  // namespace roost::config
