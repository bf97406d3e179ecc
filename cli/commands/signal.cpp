#include <charconv>
#include <csignal>
#include <cstring>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/instance_report.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

// "HUP", "sighup", "1"; 0 when there is no such signal.
int signal_number(std::string_view word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc{} && end == word.data() + word.size())
    return number >= 1 && number < NSIG ? number : 0;
  std::string name(word);
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal)
    if (const char* known = ::sigabbrev_np(signal); known != nullptr && name == known)
      return signal;
  return 0;
}

}  // namespace

ExitCode run_signal(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  ArgParser parser(invocation, self);
  parser.words("a signal and a target", words, {.least = 2});
  if (const auto done = parser.parse(args)) return *done;
  ipc::SignalRequest request;
  request.signal = signal_number(words.front());
  if (request.signal == 0)
    return parser.usage_error({Errc::invalid, "unknown signal '" + words.front() + "'",
                               "a name as in `kill -l` (HUP, SIGUSR2), or a number from 1 to 64"});
  request.targets.assign(words.begin() + 1, words.end());
  const auto reply = call(ipc::kSignal, request);
  if (!reply) return invocation.fail(reply.error());
  return report_instances(invocation, *reply, "signalled");
}

}  // namespace roost::cli
