#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <utility>

#include <sys/time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output/app_naming.h"
#include "cli/output/units.h"
#include "cli/session.h"
#include "core/base/json_writer.h"

namespace roost::cli {
namespace {

enum class WaitFor : std::uint8_t { ready, stopped, exit };
enum class Verdict : std::uint8_t { open, there, never };

constexpr Duration kFirstLook = 2s;

std::optional<WaitFor> parse_condition(std::string_view word) {
  if (word == "ready") return WaitFor::ready;
  if (word == "stopped") return WaitFor::stopped;
  if (word == "exit") return WaitFor::exit;
  return std::nullopt;
}

// What the handler of the deadline says; it is away while that is written.
std::array<char, 512> late_message;
volatile int late_fd = STDERR_FILENO;

extern "C" void too_late(int /*signal*/) {
  (void)!::write(late_fd, late_message.data(), std::strlen(late_message.data()));
  ::_exit(static_cast<int>(ExitCode::timeout));
}

// From now on; at once when nothing is left.
void arm(Duration left) {
  const auto us = std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(left).count(), 1);
  const itimerval timer{{0, 0}, {us / 1'000'000, us % 1'000'000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void set_late_message(std::string_view text) {
  std::string message = "roost: " + std::string(text);
  if (late_fd == STDOUT_FILENO) {
    JsonWriter json(message = {});
    json.begin_object();
    json.key("error");
    json.begin_object();
    for (const auto& [key, value] :
         {std::pair<std::string_view, std::string_view>{"code", "timeout"},
          {"message", text},
          {"hint", ""}}) {
      json.key(key);
      json.string(value);
    }
    json.end_object();
    json.end_object();
  }
  sigset_t alarm, old;
  ::sigemptyset(&alarm);
  ::sigaddset(&alarm, SIGALRM);
  ::sigprocmask(SIG_BLOCK, &alarm, &old);
  (message += '\n').copy(late_message.data(), late_message.size() - 1);
  late_message[std::min(message.size(), late_message.size() - 1)] = '\0';
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
}

// The deadline holds whatever we wait for by then: the daemon, its start, or the app. There is time
// for one look in any case.
void set_deadline(Duration limit, const std::string& text, bool json) {
  late_fd = json ? STDOUT_FILENO : STDERR_FILENO;
  set_late_message(text);

  struct sigaction action {};

  action.sa_handler = too_late;
  ::sigaction(SIGALRM, &action, nullptr);
  arm(std::max(limit, kFirstLook));
}

class Wait {
 public:
  // `late_text`: what is said at the limit.
  Wait(std::vector<std::string> targets, WaitFor what, std::optional<Duration> limit,
       std::string late_text)
      : targets_(std::move(targets)),
        what_(what),
        limit_(limit),
        late_text_(std::move(late_text)) {}

  // Until it has come about for all of them, or cannot any more. A daemon that dies is followed by
  // the next one: what is looked at is the state, events only tell when.
  Result<ipc::ListReply> run() {
    for (auto events = open_session();; events = open_next_session()) {
      if (!events) return std::move(events).error();
      auto client = open_next_session();
      if (!client) return std::move(client).error();
      ipc::EventsRequest request;
      request.targets = targets_;
      request.follow = true;
      request.last = 0;
      const auto look = [&](auto&&) -> Status { return look_at(*client); };
      Error ended =
          events->follow<ipc::EventsRequest, ipc::EventsReply>(ipc::kEvents, request, look, look);
      if (failed_) return *failed_;
      if (over_) return std::move(reply_);
      if (ended.code != Errc::io) return ended;
    }
  }

 private:
  Status look_at(ipc::Client& client) {
    auto reply = client.call(ipc::kList, ipc::TargetsRequest{targets_, {}});
    // Deleted: what is to stop has stopped, the rest cannot come any more.
    if (!reply && reply.error().code == Errc::not_found && seen_) return deleted();
    if (!reply) {
      if (reply.error().code != Errc::io) failed_ = reply.error();
      return std::move(reply).error();
    }
    reply_ = std::move(*reply);
    std::vector<const ipc::InstanceInfo*> open;
    for (const auto& instance : reply_.instances) {
      const Verdict verdict = judge(instance);
      if (verdict == Verdict::open) open.push_back(&instance);
      if (verdict == Verdict::never) return give_up(instance);
    }
    over_ = open.empty();
    if (!over_ && limit_) set_late_message(late_text_ + ": " + in_words(open));
    if (!std::exchange(seen_, true) && !over_ && limit_ && *limit_ < kFirstLook)
      arm(*limit_ - (Monotonic::now() - began_));
    return over_ ? Status(Error{Errc::conflict, "over", {}}) : ok();
  }

  // "api is launching, and 2 more"
  static std::string in_words(const std::vector<const ipc::InstanceInfo*>& open) {
    const ipc::InstanceInfo& first = *open.front();
    std::string words = "'" + first.name + "' is " + std::string(codec::enum_name(first.state));
    if (!first.reason.empty()) words += " (" + first.reason.substr(0, 120) + ")";
    if (open.size() > 1) words += ", and " + std::to_string(open.size() - 1) + " more";
    return words;
  }

  Status deleted() {
    over_ = what_ != WaitFor::ready;
    if (!over_) failed_ = Error{Errc::unhealthy, "'" + targets_.front() + "' was deleted", {}};
    return Error{Errc::conflict, "over", {}};
  }

  Status give_up(const ipc::InstanceInfo& instance) {
    const std::string reason = instance.reason.empty() ? "" : ": " + instance.reason;
    failed_ = Error{
        Errc::unhealthy,
        "'" + instance.name + "' is " + std::string(codec::enum_name(instance.state)) + reason,
        "start it: roost start " + instance.name};
    return *failed_;
  }

  Verdict judge(const ipc::InstanceInfo& instance) {
    const bool at_rest =
        instance.state == model::State::stopped || instance.state == model::State::errored;
    switch (what_) {
      case WaitFor::ready:
        if (instance.state == model::State::online) return Verdict::there;
        if (instance.scheduled) return Verdict::there;  // a job is where it should be
        return at_rest ? Verdict::never : Verdict::open;
      case WaitFor::stopped:
        return at_rest || instance.scheduled ? Verdict::there : Verdict::open;
      case WaitFor::exit:
        return judge_exit(instance, at_rest);
    }
    return Verdict::open;
  }

  // The first process seen of each instance is the one whose end is waited for.
  Verdict judge_exit(const ipc::InstanceInfo& instance, bool at_rest) {
    const auto known = pids_.find(instance.id);
    if (known != pids_.end()) return known->second == instance.pid ? Verdict::open : Verdict::there;
    // A run of a job may be over before anybody can look.
    const bool done = instance.job && instance.last_exit && (at_rest || instance.scheduled);
    if (instance.pid == 0 && done) return Verdict::there;
    if (instance.pid == 0) return at_rest ? Verdict::never : Verdict::open;
    pids_[instance.id] = instance.pid;
    return Verdict::open;
  }

  std::vector<std::string> targets_;
  WaitFor what_;
  std::optional<Duration> limit_;
  std::string late_text_;
  TimePoint began_ = Monotonic::now();
  ipc::ListReply reply_;
  std::map<std::uint32_t, std::int32_t> pids_;
  std::optional<Error> failed_;
  bool seen_ = false;
  bool over_ = false;
};

std::string outcome_line(const ipc::InstanceInfo& instance, const SeveralInstances& several,
                         WaitFor what) {
  std::string line = several.name_of(instance);
  if (what == WaitFor::exit && instance.last_exit)
    return line + " has ended: " + model::describe(*instance.last_exit);
  line += instance.scheduled ? " is on its schedule"
                             : " is " + std::string(codec::enum_name(instance.state));
  return instance.pid != 0 ? line + " (pid " + std::to_string(instance.pid) + ")" : line;
}

}  // namespace

ExitCode run_wait(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> targets;
  std::optional<std::string> condition;
  std::optional<std::string> limit;
  ArgParser parser(invocation, self);
  parser.targets("an app", targets, {.least = 1});
  parser.value("--for", "ready|stopped|exit", condition, "what to wait for; default ready");
  parser.value("--timeout", "TIME", limit, "give up after that, with status 124; default: never");
  if (const auto done = parser.parse(args)) return *done;
  const auto what = parse_condition(condition.value_or("ready"));
  if (!what)
    return parser.usage_error({Errc::invalid, "--for '" + *condition + "' is nothing to wait for",
                               "write ready, stopped or exit"});
  std::optional<Duration> time;
  std::string late;
  if (limit) {
    const auto parsed = parse_duration(*limit);
    if (!parsed) return parser.usage_error(Error(parsed.error()).context("--timeout"));
    time = *parsed;
    late = "waited " + format_duration(*time) + " for '" + condition.value_or("ready") + "'";
    set_deadline(*time, late, invocation.options.json);
  }
  on_interrupt("", invocation.options);
  const auto reply = Wait(std::move(targets), *what, time, late).run();
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  SeveralInstances several;
  for (const auto& instance : reply->instances)
    several.add(instance);
  for (const auto& instance : reply->instances)
    invocation.say(outcome_line(instance, several, *what));
  return ExitCode::ok;
}

}  // namespace roost::cli
