// `app.history`: the changes that state.db has; they come from the store's thread.
#include <algorithm>

#include <unistd.h>

#include "core/model/limits.h"
#include "daemon/api/change.h"
#include "daemon/api/services.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

// Only our own user and root are let in.
std::string name_of(const Services& services, std::uint32_t uid) {
  if (uid == ::geteuid()) return services.user;
  return uid == 0 ? "root" : std::to_string(uid);
}

Result<ipc::HistoryReply> read_rows(const Services& services,
                                    const std::vector<store::AddChange>& rows) {
  ipc::HistoryReply reply;
  for (const store::AddChange& row : rows) {
    Result<Change> change = from_json<Change>(row.json, kBookLimits);
    if (!change) return std::move(change).error().context("change " + std::to_string(row.number));
    reply.entries.push_back({.number = row.number,
                             .at_ms = change->at_ms,
                             .uid = change->uid,
                             .user = name_of(services, change->uid),
                             .command = std::move(change->command),
                             .file = std::move(change->file),
                             .changes = std::move(change->items),
                             .undone = change->undone});
  }
  return reply;
}

void handle_history(Services& services, const ipc::HistoryRequest& request,
                    Responder<ipc::HistoryReply> to) {
  if (services.store == nullptr)
    return to.fail({Errc::unavailable, "there is no history: state.db is not open", {}});
  const auto most = static_cast<std::uint32_t>(model::limits::kHistoryKept);
  const std::uint32_t limit = request.limit == 0 ? most : std::min(request.limit, most);
  services.store->changes(
      0, limit,
      [&services, done = answer(std::move(to))](const Result<std::vector<store::AddChange>>& rows) {
        done(rows ? read_rows(services, *rows) : Result<ipc::HistoryReply>(rows.error()));
      });
}

}  // namespace

void register_history_handler(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kHistory, Dispatcher::Handler<ipc::HistoryRequest, ipc::HistoryReply>(
                                   [&services](const ipc::HistoryRequest& request,
                                               Responder<ipc::HistoryReply> to) {
                                     handle_history(services, request, std::move(to));
                                   }));
}

}  // namespace roost::daemon
