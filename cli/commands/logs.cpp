#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
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
  Printer(Invocation& invocation, ipc::LogFilesReply& files, const LogReader& reader)
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

  [[nodiscard]] std::size_t count() const { return files_.instances.size(); }

  [[nodiscard]] bool knows(const ipc::LogFiles& files) const {
    return std::any_of(files_.instances.begin(), files_.instances.end(), [&](const auto& one) {
      return one.out_file == files.out_file && one.error_file == files.error_file &&
             (!files.merged || one.slot == files.slot);
    });
  }

  void add_source(const ipc::LogFiles& files, std::string_view label) {
    files_.instances.push_back(files);
    view_.add_source(files.name, label);
  }

 private:
  Invocation& invocation_;
  ipc::LogFilesReply& files_;
  LogView view_;
  bool printed_ = false;
};

Status print_last(LogReader& reader, std::size_t lines, bool raw, Printer& printer) {
  if (raw)
    return reader.last_bytes(
        lines, [&](std::size_t, model::Stream, std::string_view bytes) { printer.bytes(bytes); });
  return reader.last_lines(lines, [&](const LogLine& line) { printer.line(line); });
}

StreamChoice choice_of(const LogOptions& options) {
  if (options.out == options.err) return {};
  return {.out = options.out, .err = options.err};
}

// Apps that come while we follow: the daemon is asked for them now and then, where there is one.
class LateApps {
 public:
  LateApps(const LogOptions& options, std::size_t lines) : options_(options), lines_(lines) {}

  [[nodiscard]] int timeout_ms() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - Monotonic::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  void look(Printer& printer, Follower& follower) {
    if (Monotonic::now() < next_) return;
    next_ = Monotonic::now() + kLookAgain;
    auto client = open_quick_session();
    if (!client) return;
    const auto reply = client->call(ipc::kLogFiles, options_.request, {.limit = kPatience});
    if (!reply) return;
    const std::vector<LogSource> sources = log_sources(*reply);
    Newcomers newcomers;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (printer.knows(reply->instances[i])) continue;
      const std::size_t number = printer.count();
      printer.add_source(reply->instances[i], sources[i].label);
      if (follower.shares(sources[i], number)) continue;
      newcomers.sources.push_back(sources[i]);
      newcomers.numbers.push_back(number);
    }
    if (!newcomers.sources.empty()) add(newcomers, printer, follower);
  }

 private:
  struct Newcomers {
    std::vector<LogSource> sources;
    std::vector<std::size_t> numbers;  // what the printer calls them
  };

  static constexpr Duration kLookAgain = 2s;
  static constexpr Duration kPatience = 1s;

  // Whether the file was made since we began: then all of it is new.
  [[nodiscard]] bool is_new(const std::string& path) const {
    struct statx info {};

    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BTIME, &info) != 0) return errno == ENOENT;
    return (info.stx_mask & STATX_BTIME) != 0 &&
           info.stx_btime.tv_sec * 1000 + info.stx_btime.tv_nsec / 1'000'000 >= began_;
  }

  void add(const Newcomers& newcomers, Printer& printer, Follower& follower) {
    LogReader reader(newcomers.sources, choice_of(options_));
    // Of a file that was there before, as much as `logs` shows of any.
    const bool fresh = std::all_of(
        newcomers.sources.begin(), newcomers.sources.end(),
        [this](const LogSource& one) { return is_new(one.out_path) && is_new(one.err_path); });
    if (!fresh)
      (void)show_last(reader, newcomers, printer);  // what cannot be read is followed all the same
    std::vector<LogPosition> positions = reader.positions();
    for (LogPosition& position : positions) {
      position.source = newcomers.numbers[position.source];
      for (auto& [slot, source] : position.by_slot)
        source = newcomers.numbers[source];
      if (fresh) position.offset = 0;
    }
    follower.add(std::move(positions));
  }

  Status show_last(LogReader& reader, const Newcomers& newcomers, Printer& printer) {
    if (options_.raw)
      return reader.last_bytes(lines_, [&](std::size_t, model::Stream, std::string_view bytes) {
        printer.bytes(bytes);
      });
    return reader.last_lines(lines_, [&](LogLine line) {
      line.source = newcomers.numbers[line.source];
      printer.line(line);
    });
  }

  const LogOptions& options_;
  std::size_t lines_;
  std::int64_t began_ = wall_now_ms();
  TimePoint next_ = Monotonic::now() + kLookAgain;
};

// Sleeps until there is something to do; false when nobody reads our output any more.
bool wait_for_more(const Follower& follower, const LateApps& late) {
  std::array<pollfd, 2> fds{{{follower.fd(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
  const int due = follower.timeout_ms();
  const int limit = due < 0 ? late.timeout_ms() : std::min(due, late.timeout_ms());
  const int ready = ::poll(fds.data(), fds.size(), limit);
  return ready < 0 ? errno == EINTR : (fds[1].revents & (POLLERR | POLLHUP)) == 0;
}

Status follow(Invocation& invocation, LogReader& reader, bool raw, Printer& printer,
              LateApps& late) {
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
    if (!status || invocation.reader_gone() || !wait_for_more(follower, late)) return status;
    status = follower.handle();
    late.look(printer, follower);
  }
  return status;
}

bool wants_follow(const LogOptions& options, const Terminal& terminal) {
  return !options.no_follow && (options.follow || terminal.tty);
}

Status print_logs(Invocation& invocation, const LogOptions& options, std::size_t lines,
                  ipc::LogFilesReply files) {
  LogReader reader(log_sources(files), choice_of(options));
  Printer printer(invocation, files, reader);
  if (auto last = print_last(reader, lines, options.raw, printer); !last) return last;
  if (!wants_follow(options, invocation.terminal())) return ok();
  if (!printer.printed() && lines > 0 && invocation.terminal().tty)
    invocation.warn("no output yet; waiting for it, Ctrl-C ends");
  on_interrupt("", invocation.options);
  LateApps late(options, lines);
  return follow(invocation, reader, options.raw, printer, late);
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
