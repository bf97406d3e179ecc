// `app.apply` and `app.undo`: the plan first, then all of it at once.
#include "core/model/limits.h"
#include "daemon/api/target.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

using ipc::ApplyRequest;
using ipc::StartReply;
using ipc::UndoRequest;

using Done = std::function<void(Result<StartReply>)>;

void apply(Services& services, const ApplyRequest& request, const Asker& asker, const Done& done) {
  if (services.ending) return done(everything_ends());
  const Targets targets = targets_of(services.supervisor, request);
  if (Status possible = check_targets(services.supervisor, targets, Missing::refused); !possible)
    return done(std::move(possible).error());
  const StartWorkPtr work = begin_start(services, done);
  work->first_sent = asker.first_sent;
  work->reply.plan = make_plan(services.supervisor, targets);
  if (!request.dry_run)
    carry_out(work, targets, begin_change(services.supervisor, asker, work->reply.plan),
              request.wait);
  work->done_one();
}

void check_and_apply(Services& services, const ApplyRequest& request, Responder<StartReply> to) {
  const Asker asker{to.uid(), request.command, request.file, to.first_sent()};
  std::vector<const model::AppSpec*> specs;
  for (const ipc::ApplyApp& app : request.apps)
    specs.push_back(&app.spec);
  services.supervisor.check_identities(
      specs, [&services, request, asker, done = answer(std::move(to))](Status possible) {
        if (!possible) return done(std::move(possible).error());
        apply(services, request, asker, done);
      });
}

// ---- undo

struct Undo {
  Services& services;
  UndoRequest request;
  Asker asker;
  Done done;
};

Targets targets_of(const Supervisor& supervisor, const std::map<std::string, FormerState>& former) {
  Targets targets;
  for (const auto& [name, app] : former) {
    Target target;
    target.wish.spec = app.entry.spec;
    target.wish.source = app.entry.source;
    target.wish.stamp = app.entry.stamp;
    for (const InstanceEntry& at : app.entry.instances)
      target.wish.slots.insert(at.slot);
    target.up = {app.up.begin(), app.up.end()};
    targets.apps.push_back(std::move(target));
  }
  for (const auto& [id, app] : supervisor.book().apps())
    if (!former.contains(app.entry.spec.name)) targets.gone.push_back(app.entry.spec.name);
  return targets;
}

Error no_such_change(std::uint64_t number, std::uint64_t newest) {
  if (newest == 0)
    return {Errc::not_found, "nothing was changed yet: there is nothing to undo", {}};
  return {Errc::not_found, "no change " + std::to_string(number) + " in the history",
          "see: roost history"};
}

// The newest change is this very undo, which a daemon that died has left half done.
bool is_begun(const UndoRequest& request, const std::vector<store::AddChange>& rows) {
  const auto newest = from_json<Change>(rows.front().json, kBookLimits);
  return newest && newest->undone == request.number && rows.front().number == request.newest + 1;
}

// The rows from the change on, newest first, are those of this moment.
void undo(const Undo& order, const std::vector<store::AddChange>& rows) {
  Services& services = order.services;
  const UndoRequest& request = order.request;
  if (services.ending) return order.done(everything_ends());
  const bool begun = request.newest != 0 && is_begun(request, rows);
  if (request.newest != 0 && rows.front().number != request.newest && !begun)
    return order.done(Error{Errc::conflict, "something else was changed meanwhile",
                            "look at it again: roost undo --dry-run"});
  const auto former = state_before(services.supervisor.book(), rows);
  if (!former) return order.done(former.error());
  Targets targets = targets_of(services.supervisor, *former);
  for (Target& target : targets.apps)
    target.at_once = begun;  // what is under way is waited for
  if (Status possible = check_targets(services.supervisor, targets, Missing::allowed); !possible)
    return order.done(std::move(possible).error());
  const StartWorkPtr work = begin_start(services, order.done);
  work->first_sent = order.asker.first_sent;
  work->reply.plan = make_plan(services.supervisor, targets);
  work->reply.undone = rows.back().number;
  work->reply.newest = rows.front().number;
  if (request.dry_run) return work->done_one();
  auto change = begin_change(services.supervisor, order.asker, work->reply.plan);
  if (change) change->undone = work->reply.undone;
  if (begun) change.reset();
  carry_out(work, targets, std::move(change), request.wait);
  work->done_one();
}

// Reads what the history has; again where something is changed meanwhile.
void read_and_undo(std::shared_ptr<Undo> order) {
  Services& services = order->services;
  const std::uint64_t newest = services.supervisor.last_change();
  const std::uint64_t number = order->request.number != 0 ? order->request.number : newest;
  if (number == 0 || number > newest) return order->done(no_such_change(number, newest));
  if (services.store == nullptr)
    return order->done(Error{Errc::unavailable, "there is no history: state.db is not open", {}});
  services.store->changes(
      number, model::limits::kHistoryKept,
      [order, newest, number](const Result<std::vector<store::AddChange>>& rows) {
        if (!rows) return order->done(rows.error());
        if (order->services.supervisor.last_change() != newest) return read_and_undo(order);
        if (rows->empty() || rows->back().number != number)
          return order->done(no_such_change(number, newest));
        if (rows->size() != newest - number + 1)
          return order->done(Error{
              Errc::conflict,
              "changes after number " + std::to_string(number) + " are missing in the history",
              "apply the file as it was then"});
        undo(*order, *rows);
      });
}

}  // namespace

void register_apply_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kApply,
                Dispatcher::Handler<ApplyRequest, StartReply>(
                    [&services](const ApplyRequest& request, Responder<StartReply> to) {
                      check_and_apply(services, request, std::move(to));
                    }));
  dispatcher.on(ipc::kUndo, Dispatcher::Handler<UndoRequest, StartReply>(
                                [&services](const UndoRequest& request, Responder<StartReply> to) {
                                  const Asker asker{to.uid(), request.command, {}, to.first_sent()};
                                  read_and_undo(std::make_shared<Undo>(
                                      Undo{services, request, asker, answer(std::move(to))}));
                                }));
}

}  // namespace roost::daemon
