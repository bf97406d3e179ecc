// `app.events`.
#include "core/model/selector.h"
#include "daemon/api/event_log.h"
#include "daemon/api/services.h"
#include "daemon/supervisor/regex.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

// Targets are held against each event as it comes, so that apps to come are meant as well. The
// labels of one that is gone are not known.
Result<EventLog::Wanted> wanted_by(const Supervisor& supervisor,
                                   const std::vector<std::string>& targets) {
  auto selectors = parse_targets(targets);
  if (!selectors) return std::move(selectors).error();
  return EventLog::Wanted([&supervisor,
                           selectors = std::move(*selectors)](const ipc::EventInfo& event) {
    const Instance* instance = supervisor.find(model::InstanceId{event.id});
    const model::TargetFacts facts{model::InstanceId{event.id}, event.name, event.ns, event.slot,
                                   instance != nullptr ? &instance->spec->labels : nullptr};
    return selectors.empty() ||
           std::any_of(selectors.begin(), selectors.end(),
                       [&](const auto& one) { return model::matches(one, facts); });
  });
}

void handle_events(const Supervisor& supervisor, EventLog& log, const ipc::EventsRequest& request,
                   Responder<ipc::EventsReply> to) {
  const auto wanted = wanted_by(supervisor, request.targets);
  if (!wanted) return to.fail(wanted.error());
  const ipc::EventsReply reply{log.past(request.last, request.after_ms, *wanted)};
  // Of an app that is gone there may be events; who waits for one to come may do so.
  if (!request.follow && reply.events.empty() && !request.targets.empty())
    if (const auto known = supervisor.select(request.targets); !known)
      return to.fail(known.error());
  if (!request.follow) return to.reply(reply);
  const auto token = std::make_shared<std::uint64_t>();
  const EventStream stream = to.stream(reply, [&log, token] { log.unsubscribe(*token); });
  *token = log.subscribe([stream, wanted = *wanted](const ipc::EventInfo& event) {
    if (wanted(event)) stream.send(to_json(event));
  });
}

}  // namespace

void register_events_handler(Dispatcher& dispatcher, Services& services, Bus& bus) {
  const auto log = std::make_shared<EventLog>(bus, services.supervisor);
  dispatcher.on(
      ipc::kEvents,
      Dispatcher::Handler<ipc::EventsRequest, ipc::EventsReply>(
          [log, &services](const ipc::EventsRequest& request, Responder<ipc::EventsReply> to) {
            handle_events(services.supervisor, *log, request, std::move(to));
          }));
}

}  // namespace roost::daemon
