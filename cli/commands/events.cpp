#include "cli/args.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output/event_view.h"
#include "cli/output/units.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

constexpr std::uint32_t kDefaultEvents = 30;

struct Follow {
  Invocation& invocation;
  std::int64_t newest_ms = 0;
  std::optional<Error> failed{};  // of our own output: no reason to connect again

  Status show(const ipc::EventInfo& event) {
    newest_ms = event.time_ms;
    invocation.show(invocation.options.json ? to_json(event) + "\n"
                                            : event_line(event, invocation.terminal()));
    return ok();
  }

  Status flush() {
    Status written = invocation.flush();
    if (!written) failed = written.error();
    // An end of the stream that is no error: the loop looks at reader_gone().
    if (written && invocation.reader_gone()) return Error{Errc::io, "nobody reads", {}};
    return written;
  }
};

// Until Ctrl-C, an error, or nobody reads. A daemon that dies is followed by the next one.
Status follow(Invocation& invocation, ipc::EventsRequest request) {
  Follow state{invocation};
  for (auto client = open_session();; client = open_next_session()) {
    if (!client) return std::move(client).error();
    Error ended = client->follow<ipc::EventsRequest, ipc::EventsReply>(
        ipc::kEvents, request,
        [&](const ipc::EventsReply& reply) -> Status {
          for (const auto& event : reply.events)
            if (Status shown = state.show(event); !shown) return shown;
          return state.flush();
        },
        [&](std::string_view payload) -> Status {
          const auto event = from_json<ipc::EventInfo>(payload);
          if (!event) return event.error();
          if (Status shown = state.show(*event); !shown) return shown;
          return state.flush();
        });
    if (invocation.reader_gone()) return ok();
    if (state.failed) return *state.failed;
    if (ended.code != Errc::io) return ended;
    request.after_ms = std::max(request.after_ms, state.newest_ms);
    request.last = model::limits::kEventsKept;
  }
}

}  // namespace

ExitCode run_events(Invocation& invocation, const Command& self, Args args) {
  ipc::EventsRequest request;
  std::optional<std::string> count;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  parser.value("-n,--last", "N", count, "how many past events; default 30");
  parser.flag("-f,--follow", request.follow, "go on with what comes, until Ctrl-C");
  if (const auto done = parser.parse(args)) return *done;
  const auto last = count ? parse_count(*count, 0, model::limits::kEventsKept)
                          : Result<std::uint32_t>(kDefaultEvents);
  if (!last) return parser.usage_error(Error(last.error()).context("--last"));
  request.last = *last;
  if (request.follow) {
    on_interrupt("", invocation.options);
    const Status ended = follow(invocation, request);
    return ended ? ExitCode::ok : invocation.fail(ended.error());
  }
  const auto reply = call(ipc::kEvents, request);
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  for (const auto& event : reply->events)
    invocation.show(event_line(event, invocation.terminal()));
  if (reply->events.empty()) invocation.warn("nothing has happened since this daemon began");
  return ExitCode::ok;
}

}  // namespace roost::cli
