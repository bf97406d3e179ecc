#include <array>
#include <cerrno>

#include <poll.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/logs/follower.h"
#include "cli/logs/log_reader.h"
#include "cli/output/log_view.h"
#include "cli/output/units.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

constexpr std::size_t kDefaultLines = 15;

struct LogOptions {
  ipc::TargetsRequest request;
  std::optional<std::string> lines;
  bool follow = false;
  bool no_follow = false;
  bool out = false;
  bool err = false;
  bool raw = false;
};

void declare(ArgParser& parser, LogOptions& options) {
  parser.targets("targets", options.request.targets, {});
  parser.value("-n,--lines", "N", options.lines, "how many last lines of each app; default 15");
  parser.flag("-f,--follow", options.follow, "go on with what comes, until Ctrl-C");
  parser.flag("--no-follow,--nostream", options.no_follow, "end after the last lines");
  parser.flag("--out", options.out, "stdout only");
  parser.flag("--err", options.err, "stderr only");
  parser.flag("--raw", options.raw, "the app's bytes and nothing else");
}

// Where lines and bytes go, whichever form was asked for.
class Printer {
 public:
  Printer(Invocation& invocation, const ipc::LogFilesReply& files, const LogReader& reader)
      : invocation_(invocation),
        files_(files),
        view_(files, reader.sources(), invocation.terminal()) {}

  void line(const LogLine& line) {
    std::string text;
    if (invocation_.options.json)
      add_json_line(files_, line, text);
    else
      view_.add(line, text);
    invocation_.show(text);
    printed_ = true;
  }

  void bytes(std::string_view bytes) {
    invocation_.show(bytes);
    printed_ = true;
  }

  [[nodiscard]] bool printed() const { return printed_; }

 private:
  Invocation& invocation_;
  const ipc::LogFilesReply& files_;
  LogView view_;
  bool printed_ = false;
};

Status print_last(LogReader& reader, std::size_t lines, bool raw, Printer& printer) {
  if (raw)
    return reader.last_bytes(
        lines, [&](std::size_t, model::Stream, std::string_view bytes) { printer.bytes(bytes); });
  return reader.last_lines(lines, [&](const LogLine& line) { printer.line(line); });
}

// Sleeps until there is something to do; false when nobody reads our output any more.
bool wait_for_more(const Follower& follower) {
  std::array<pollfd, 2> fds{{{follower.fd(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
  const int ready = ::poll(fds.data(), fds.size(), follower.timeout_ms());
  return ready < 0 ? errno == EINTR : (fds[1].revents & (POLLERR | POLLHUP)) == 0;
}

Status follow(Invocation& invocation, LogReader& reader, bool raw, Printer& printer) {
  Follower::Output output;
  if (raw)
    output.on_bytes = [&](std::size_t, model::Stream, std::string_view bytes) {
      printer.bytes(bytes);
    };
  else
    output.on_line = [&](const LogLine& line) { printer.line(line); };
  Follower follower(reader.positions(), std::move(output));
  auto status = follower.start();
  while (status) {
    status = invocation.flush();
    if (!status || invocation.reader_gone() || !wait_for_more(follower)) return status;
    status = follower.handle();
  }
  return status;
}

bool wants_follow(const LogOptions& options, const Terminal& terminal) {
  return !options.no_follow && (options.follow || terminal.tty);
}

StreamChoice choice_of(const LogOptions& options) {
  if (options.out == options.err) return {};
  return {.out = options.out, .err = options.err};
}

Status print_logs(Invocation& invocation, const LogOptions& options, std::size_t lines,
                  const ipc::LogFilesReply& files) {
  LogReader reader(log_sources(files), choice_of(options));
  Printer printer(invocation, files, reader);
  if (auto last = print_last(reader, lines, options.raw, printer); !last) return last;
  if (!wants_follow(options, invocation.terminal())) return ok();
  if (!printer.printed() && lines > 0 && invocation.terminal().tty)
    invocation.warn("no output yet; waiting for it, Ctrl-C ends");
  on_interrupt("");
  return follow(invocation, reader, options.raw, printer);
}

}  // namespace

ExitCode run_logs(Invocation& invocation, const Command& self, Args args) {
  LogOptions options;
  ArgParser parser(invocation, self);
  declare(parser, options);
  if (const auto done = parser.parse(args)) return *done;
  const auto lines = options.lines ? parse_count(*options.lines, 0, kMaxLines)
                                   : Result<std::uint32_t>(kDefaultLines);
  if (!lines) return parser.usage_error(Error(lines.error()).context("--lines"));
  const auto files = call(ipc::kLogFiles, options.request);
  if (!files) return invocation.fail(files.error());
  if (files->instances.empty()) {
    invocation.warn("no apps yet; start one: roost start app.js");
    return ExitCode::ok;
  }
  const auto printed = print_logs(invocation, options, *lines, *files);
  return printed ? ExitCode::ok : invocation.fail(printed.error());
}

}  // namespace roost::cli
