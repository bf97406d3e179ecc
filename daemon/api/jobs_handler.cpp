// `app.jobs`: jobs, their times and their last runs; these come from the store's thread.
#include "core/model/readiness.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

// One request under way: answered when the store has told the last run of every job.
struct Pending {
  ipc::JobsReply reply;
  std::size_t open = 0;
  Responder<ipc::JobsReply> to;
};

ipc::JobInfo job_of(Services& services, const Instance& instance) {
  ipc::JobInfo job;
  job.instance = view_of(services, instance);
  job.schedule = instance.spec->schedule;
  job.timezone = instance.spec->timezone;
  if (model::is_wanted(instance.machine)) {
    job.next_ms = instance.job.next_ms;
    job.next = services.policies.jobs().next_time(instance);
  }
  job.queued = instance.job.queued;
  job.skipped = instance.job.skipped;
  return job;
}

void take_last(Services& services, Pending& pending, std::size_t index,
               const Result<std::vector<store::AddExit>>& rows) {
  if (rows && !rows->empty()) {
    const store::AddExit& row = rows->front();
    ipc::JobInfo& job = pending.reply.jobs[index];
    job.last = {row.pid, row.started_wall_ms, row.ended_wall_ms, row.status, row.reason};
    job.last_ended = services.policies.jobs().shown_in(job.timezone, row.ended_wall_ms);
    job.timed_out = model::tells_overtime(row.reason);
  }
  if (--pending.open == 0) pending.to.reply(pending.reply);
}

}  // namespace

void register_jobs_handler(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(
      ipc::kJobs,
      Dispatcher::Handler<ipc::TargetsRequest, ipc::JobsReply>(
          [&services](const ipc::TargetsRequest& request, Responder<ipc::JobsReply> to) {
            auto ids = services.supervisor.select(request.targets);
            if (!ids) return to.fail(ids.error());
            std::erase_if(*ids, [&](model::InstanceId id) {
              return !services.supervisor.find(id)->spec->job;
            });
            auto pending = std::make_shared<Pending>(Pending{{}, ids->size(), std::move(to)});
            for (model::InstanceId id : *ids)
              pending->reply.jobs.push_back(job_of(services, *services.supervisor.find(id)));
            if (ids->empty() || services.store == nullptr) return pending->to.reply(pending->reply);
            for (std::size_t i = 0; i < ids->size(); ++i)
              services.store->recent_exits((*ids)[i], 1, [&services, pending, i](auto rows) {
                take_last(services, *pending, i, rows);
              });
          }));
}

}  // namespace roost::daemon
