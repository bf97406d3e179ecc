#include <algorithm>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_report.h"
#include "cli/commands/stop_report.h"
#include "cli/interrupt.h"
#include "cli/output/plan_view.h"
#include "cli/output/units.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

// What is to be done; the rest stays as it is.
std::vector<ipc::PlanItem> work_of(const std::vector<ipc::PlanItem>& plan) {
  std::vector<ipc::PlanItem> work;
  std::copy_if(plan.begin(), plan.end(), std::back_inserter(work), [](const ipc::PlanItem& item) {
    return item.action != ipc::PlanAction::same && item.action != ipc::PlanAction::gone;
  });
  return work;
}

void tell_plan(Invocation& invocation, const ipc::StartReply& plan) {
  const auto work = work_of(plan.plan);
  const std::string number = std::to_string(plan.undone);
  if (work.empty())
    return invocation.say("everything is as it was before change " + number + ": nothing to do");
  invocation.say("back to before change " + number + ":");
  for (const std::string& line : plan_lines(work, invocation.terminal()))
    invocation.say(line);
}

// `touched`: what was to be done; the rest is no news.
ExitCode report(Invocation& invocation, const std::vector<ipc::PlanItem>& touched,
                ipc::StartReply reply, bool waited) {
  if (!invocation.options.json)
    std::erase_if(reply.outcomes, [&](const ipc::StartOutcome& outcome) {
      return std::none_of(touched.begin(), touched.end(), [&](const ipc::PlanItem& item) {
        return item.app == outcome.instance.name && item.action != ipc::PlanAction::stop;
      });
    });
  for (const ipc::PlanItem& item : touched)
    if (item.action == ipc::PlanAction::stop) invocation.say("stopped " + item.app);
  if (!invocation.options.json)
    for (const std::string& line : stop_lines({reply.removed}, "deleted"))
      invocation.say(line);
  return report_start(invocation, reply, waited ? "started" : "starting");
}

}  // namespace

ExitCode run_undo(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  bool dry_run = false;
  bool no_wait = false;
  ArgParser parser(invocation, self);
  parser.words("the number of a change", words, {.most = 1});
  parser.flag("--dry-run", dry_run, "tell what would be done, and do nothing");
  parser.flag("--no-wait", no_wait, "do not wait until the apps have proved themselves");
  if (const auto done = parser.parse(args)) return *done;
  ipc::UndoRequest request;
  request.command = invocation.command_line();
  request.wait = !no_wait;
  request.dry_run = true;
  if (!words.empty()) {
    const auto number = parse_count(words.front(), 1, UINT32_MAX);
    if (!number) return parser.usage_error(Error(number.error()).context("the number of a change"));
    request.number = *number;
  }
  const auto plan = call(ipc::kUndo, request);
  if (!plan) return invocation.fail(plan.error());
  tell_plan(invocation, *plan);
  const auto work = work_of(plan->plan);
  if (dry_run || work.empty()) {
    if (invocation.options.json) invocation.show_json(*plan);
    return ExitCode::ok;
  }
  if (Status flushed = invocation.flush(); !flushed) return invocation.fail(flushed.error());
  on_interrupt("\nroost: interrupted; the undo goes on, see `roost list`\n", invocation.options);
  request.dry_run = false;
  request.number = plan->undone;
  request.newest = plan->newest;
  auto reply = call(ipc::kUndo, request);
  if (!reply) return invocation.fail(reply.error());
  return report(invocation, work, std::move(*reply), !no_wait);
}

}  // namespace roost::cli
