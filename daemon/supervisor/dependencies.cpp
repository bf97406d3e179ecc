#include "daemon/supervisor/dependencies.h"

#include <algorithm>

#include "core/model/limits.h"
#include "daemon/process/spawn_plan.h"

namespace roost::daemon {

using model::InstanceId;

namespace {

constexpr Duration kLookAgain = 250ms;  // for an address or a file
constexpr Duration kLookLimit = 5s;

struct Target {
  std::string kind;
  std::string target;
};

// "tcp:host:port", "http://…", "file:/path".
Target parse_target(const std::string& text) {
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  return {kind, kind == "http" ? text : text.substr(std::min(colon + 1, text.size()))};
}

}  // namespace

Dependencies::Dependencies(loop::Loop& loop, loop::Worker& worker, Bus& bus, Supervisor& supervisor,
                           std::string program)
    : loop_(loop),
      bus_(bus),
      supervisor_(supervisor),
      program_(std::move(program)),
      probes_(loop, worker, model::limits::kMaxLooks) {
  (void)bus_.subscribe([this](const Event& event) { on_event(event); });  // for good
}

// Of each event: a crowd that starts must not look at itself again and again.
void Dependencies::on_event(const Event& event) {
  if (supervisor_.is_somebody_held())
    look_at_all(event);
  else
    searches_.clear();
  stop_next();
}

void Dependencies::look_at_all(const Event& event) {
  std::vector<InstanceId> held;
  for (const auto& [id, instance] : supervisor_.instances())
    if (is_held(instance)) held.push_back(id);
  std::erase_if(searches_, [&](const auto& entry) {
    return std::find(held.begin(), held.end(), entry.first) == held.end();
  });
  for (const InstanceId id : held)
    look_at(id);
  tell_failure(event);
}

// What it is held for is there: it starts. Apps come first, then what is looked for from outside.
void Dependencies::look_at(InstanceId id) {
  const Instance* instance = supervisor_.find(id);
  if (instance == nullptr || !is_held(*instance)) return;
  const Supervisor::Unmet unmet = supervisor_.unmet_dependency(*instance);
  if (unmet.words.empty()) return supervisor_.release(id);
  supervisor_.explain_hold(id, unmet.words);
  if (!unmet.outside) {
    searches_.erase(id);
    return;
  }
  const auto [it, made] = searches_.try_emplace(id, loop_, [this, id] { look_for(id); });
  if (made) it->second.timer.start(0s);
}

void Dependencies::look_for(InstanceId id) {
  const Instance* instance = supervisor_.find(id);
  const auto search = searches_.find(id);
  if (instance == nullptr || search == searches_.end() || search->second.looking != 0) return;
  const Supervisor::Unmet unmet = supervisor_.unmet_dependency(*instance);
  if (!unmet.outside) return look_at(id);
  const std::uint64_t number = ++last_number_;
  search->second.looking = number;
  probes_.add([this, id, number] { return plan_look(id, number); },
              [this, id, number](const ProbeOutcome& outcome) { on_looked(id, number, outcome); });
}

// By its turn it may be held no more, or for something else.
std::optional<ProbePlan> Dependencies::plan_look(InstanceId id, std::uint64_t number) const {
  const Instance* instance = supervisor_.find(id);
  const auto search = searches_.find(id);
  if (instance == nullptr || search == searches_.end() || search->second.looking != number ||
      !supervisor_.unmet_dependency(*instance).outside)
    return std::nullopt;
  const Target target = parse_target(instance->spec->wait_for[instance->found]);
  return ProbePlan{.program = program_,
                   .kind = target.kind,
                   .target = target.target,
                   .timeout = kLookLimit,
                   .env = probe_environment(*instance->spec, instance->slot)};
}

void Dependencies::on_looked(InstanceId id, std::uint64_t number, const ProbeOutcome& outcome) {
  const auto search = searches_.find(id);
  if (search == searches_.end() || search->second.looking != number) return;  // of an earlier wait
  search->second.looking = 0;
  search->second.timer.start(outcome.passed ? 0s : kLookAgain);
  if (!outcome.passed) return;
  supervisor_.note_found(id);
  look_at(id);
}

// Whoever waits for the start of an app that is held is told when what it is held for has failed:
// it may come yet, but not by itself soon.
void Dependencies::tell_failure(const Event& event) {
  if (event.kind == Event::Kind::held && event.failure.empty()) {
    const Instance* instance = supervisor_.find(event.instance);
    if (instance == nullptr || !is_held(*instance)) return;
    const Supervisor::Unmet unmet = supervisor_.unmet_dependency(*instance);
    if (!unmet.failed) return;
    return bus_.publish(
        {.kind = Event::Kind::held, .instance = event.instance, .failure = unmet.words});
  }
  const bool over = event.kind == Event::Kind::run_over;
  const bool failed = event.kind == Event::Kind::spawn_failed || (over && !event.asked) ||
                      (event.kind == Event::Kind::held && !event.failure.empty());
  const bool taken_away = (over && event.asked) || event.kind == Event::Kind::stopped ||
                          event.kind == Event::Kind::deleted;
  if (!failed && !taken_away) return;
  const std::string how = event.failure.empty() ? event.reason : event.failure;
  const Instance* broken = supervisor_.find(event.instance);
  const std::string name = broken != nullptr ? broken->spec->name : event.name;
  for (const auto& [id, instance] : supervisor_.instances()) {
    const auto needs = instance.spec->depends_on.find(name);
    if (!is_held(instance) || needs == instance.spec->depends_on.end()) continue;
    if (broken != nullptr && supervisor_.meets(needs->second, *broken)) continue;
    // What somebody stopped or deleted comes when somebody starts it; what failed is tried again,
    // and who waits is told all the same.
    const Supervisor::Unmet unmet = supervisor_.unmet_app(name, needs->second);
    if (!unmet.failed && !failed) continue;
    bus_.publish({.kind = Event::Kind::held,
                  .instance = id,
                  .failure = unmet.failed ? unmet.words : "waiting for " + name + ": " + how});
  }
}

// ---- stopping

// Whether another one whose end is wanted, or under way, depends on it.
bool Dependencies::is_needed(InstanceId id) const {
  const std::string& name = supervisor_.find(id)->spec->name;
  return std::any_of(
      supervisor_.instances().begin(), supervisor_.instances().end(), [&](const auto& entry) {
        const Instance& other = entry.second;
        if (!other.spec->depends_on.contains(name) || !other.machine.current) return false;
        return stopping_.contains(entry.first) || other.machine.desired == model::Desired::down;
      });
}

void Dependencies::stop(const std::vector<InstanceId>& ids, const StopOne& stop_one) {
  const bool ordered =
      std::any_of(supervisor_.instances().begin(), supervisor_.instances().end(),
                  [](const auto& entry) { return !entry.second.spec->depends_on.empty(); });
  if (!ordered) {
    for (const InstanceId id : ids)
      stop_one(id);
    return;
  }
  for (const InstanceId id : ids) {
    const Instance* instance = supervisor_.find(id);
    if (instance != nullptr && instance->machine.current)
      stopping_[id] = stop_one;
    else
      stop_one(id);
  }
  stop_next();
}

void Dependencies::keep(const std::vector<InstanceId>& ids) {
  for (const InstanceId id : ids)
    stopping_.erase(id);
}

void Dependencies::stop_next() {
  if (stopping_.empty()) return;
  std::vector<std::pair<InstanceId, StopOne>> now;
  for (const auto& [id, stop_one] : stopping_)
    if (supervisor_.find(id) == nullptr || !is_needed(id)) now.emplace_back(id, stop_one);
  for (const auto& [id, stop_one] : now)
    stopping_.erase(id);
  for (const auto& [id, stop_one] : now)
    if (supervisor_.find(id) != nullptr) stop_one(id);
}

// ---- starting

std::vector<InstanceId> Dependencies::with_dependencies(const std::vector<InstanceId>& ids) const {
  std::vector<InstanceId> all = ids;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Instance* instance = supervisor_.find(all[i]);
    for (const auto& [name, condition] : instance->spec->depends_on) {
      const AppEntry* entry = supervisor_.book().find(name);
      if (entry == nullptr) continue;
      std::vector<InstanceId> others = entry->instance_ids();
      std::reverse(others.begin(), others.end());  // what is found here is turned round below
      for (const InstanceId other : others) {
        const model::InstanceState& m = supervisor_.find(other)->machine;
        const bool rests = !m.current && m.rest != model::Rest::waiting;
        const bool there = supervisor_.unmet_app(name, condition).words.empty();
        if (rests && !there && std::find(all.begin(), all.end(), other) == all.end())
          all.push_back(other);
      }
    }
  }
  // What is needed first, the deepest of it at the front; then those asked for, as they were.
  const auto asked = static_cast<std::ptrdiff_t>(ids.size());
  std::reverse(all.begin() + asked, all.end());
  std::rotate(all.begin(), all.begin() + asked, all.end());
  return all;
}

}  // namespace roost::daemon
