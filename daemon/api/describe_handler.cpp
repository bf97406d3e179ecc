// `app.describe`: the row, the spec, the files and the recorded exits; the exits come from the
// store's thread.
#include "core/model/spec_diff.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

constexpr std::uint32_t kExitsShown = 20;

// One request under way: answered when the store has told the exits of every instance.
struct Pending {
  ipc::DescribeReply reply;
  std::size_t open = 0;
  Responder<ipc::DescribeReply> to;
};

ipc::Description describe_instance(Services& services, const Instance& instance, bool reveal) {
  LogPaths paths = services.supervisor.log_paths(instance);
  ipc::Description d;
  d.instance = view_of(services, instance);
  const std::string unlimited = services.supervisor.memory_problem(*instance.spec);
  if (!unlimited.empty() && !instance.machine.reason.empty())
    d.instance.reason += "; memory_max is not held: " + unlimited;
  d.spec = reveal ? *instance.spec : model::masked(*instance.spec);
  d.created_ms = instance.created_ms;
  d.source = services.supervisor.book().apps().at(instance.app).entry.source;
  if (model::is_wanted(instance.machine))
    d.cron_due_ms = instance.spec->job ? instance.job.next_ms : instance.cron_due_ms;
  d.watching = services.policies.files().state_of(instance.app);
  d.out_file = std::move(paths.out);
  d.error_file = std::move(paths.err);
  d.log_file = std::move(paths.both);
  if (const HealthFacts* health = services.health.facts(instance.id))
    d.health = ipc::HealthInfo{.passed = health->last->passed,
                               .failures = health->failures,
                               .probed_ms = health->last_ms,
                               .took_ms = to_ms(health->last->took),
                               .output = health->last->output};
  return d;
}

void take_exits(Pending& pending, std::size_t index,
                const Result<std::vector<store::AddExit>>& rows) {
  if (rows)
    for (const store::AddExit& row : *rows)
      pending.reply.instances[index].exits.push_back(
          {row.pid, row.started_wall_ms, row.ended_wall_ms, row.status, row.reason});
  if (--pending.open == 0) pending.to.reply(pending.reply);
}

}  // namespace

void register_describe_handler(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(
      ipc::kDescribe,
      Dispatcher::Handler<ipc::DescribeRequest, ipc::DescribeReply>(
          [&services](const ipc::DescribeRequest& request, Responder<ipc::DescribeReply> to) {
            const auto ids = services.supervisor.select(request.targets);
            if (!ids) return to.fail(ids.error());
            auto pending = std::make_shared<Pending>(Pending{{}, ids->size(), std::move(to)});
            for (model::InstanceId id : *ids)
              pending->reply.instances.push_back(
                  describe_instance(services, *services.supervisor.find(id), request.reveal));
            if (ids->empty() || services.store == nullptr) return pending->to.reply(pending->reply);
            for (std::size_t i = 0; i < ids->size(); ++i)
              services.store->recent_exits((*ids)[i], kExitsShown, [pending, i](auto rows) {
                take_exits(*pending, i, rows);
              });
          }));
}

}  // namespace roost::daemon
