#include "config/js_loader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/base/words.h"

namespace roost::config {
namespace {

using model::limits::kConfigScriptLimit;

constexpr int kResultFd = 3;
constexpr std::size_t kMaxComplaint = 4096;  // of stderr

// An ES module for all three. Files that are ES modules but are not called so are tried once more
// under a name that says so, beside the file, so that what they import is found.
constexpr char kProgram[] = R"js(
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import fs from 'node:fs';
import path from 'node:path';
const file = process.env.ROOST_CONFIG_FILE, expression = process.env.ROOST_CONFIG_TEXT;
delete process.env.ROOST_CONFIG_FILE; delete process.env.ROOST_CONFIG_TEXT;
const require = createRequire(file);
const exit = process.exit;
let words = 'it waits for what never comes: a promise that is not settled';
process.exit = code => {
  words = 'it ended with process.exit(' + (code ?? '') + ') before it gave its apps';
  exit(code);
};
process.on('exit', () => { if (words) console.error(words); });
async function load() {
  if (expression !== undefined) return (0, eval)('(' + expression + '\n)');
  try {
    return require(file);
  } catch (error) {
    const text = String(error && error.message);
    if (error && /^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(error.code)) return import(pathToFileURL(file).href);
    if (!/import statement|Unexpected token 'export'|module is not defined|require is not defined/.test(text)) throw error;
    const other = path.join(path.dirname(file), '.roost-' + process.pid + (/ is not defined/.test(text) ? '.cjs' : '.mjs'));
    fs.writeFileSync(other, fs.readFileSync(file), { flag: 'wx', mode: 0o600 });
    try {
      return other.endsWith('.cjs') ? require(other) : await import(pathToFileURL(other).href);
    } finally {
      fs.unlinkSync(other);
    }
  }
}
try {
  let config = await load();
  if (config && (config.__esModule || config[Symbol.toStringTag] === 'Module')) config = config.default ?? { ...config };
  if (typeof config === 'function') config = await config();
  const dropped = [];
  const text = JSON.stringify(config, (key, value) => {
    if (typeof value === 'function') { dropped.push(key); return undefined; }
    if (typeof value === 'bigint') return String(value);
    return value instanceof RegExp ? value.source : value;
  });
  fs.writeSync(3, JSON.stringify(dropped) + '\n' + (text === undefined ? 'null' : text));
  words = '';
  exit(0);
} catch (error) {
  words = '';
  console.error(String(error && error.stack || error));
  exit(1);
}
)js";

struct Ended {
  std::string result;
  std::string complaint;
  int status = 0;
  bool timed_out = false;
};

std::vector<std::string> command_line(const std::string& program) {
  const std::string name = program.substr(program.rfind('/') + 1);
  if (name.starts_with("deno")) return {program, "eval", kProgram};
  if (name.starts_with("bun")) return {program, "-e", kProgram};
  return {program, "--input-type=module", "-e", kProgram};
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  Pipe pipe{UniqueFd(::fcntl(ends[0], F_DUPFD_CLOEXEC, 10)),
            UniqueFd(::fcntl(ends[1], F_DUPFD_CLOEXEC, 10))};
  ::close(ends[0]);
  ::close(ends[1]);
  return pipe;
}

// What the code prints goes to stderr as well: stdout belongs to the command.
Result<pid_t> spawn(std::vector<std::string> words, std::vector<std::string> variables,
                    const Pipe& result, const Pipe& complaint) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, complaint.write.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, complaint.write.get(), 2);
  ::posix_spawn_file_actions_adddup2(&actions, result.write.get(), kResultFd);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, words.front().c_str(), &actions, nullptr,
                                   pointers(words).data(), pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return errno_error(words.front(), failed);
  return pid;
}

// Reads what there is; false at the end.
bool read_some(UniqueFd& fd, std::string& into, std::size_t most) {
  std::array<char, 65536> buffer;  // NOLINT: filled by read
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got <= 0) {
    fd.reset();
    return false;
  }
  into.append(buffer.data(),
              std::min(static_cast<std::size_t>(got), most - std::min(most, into.size())));
  return true;
}

Ended wait_for(pid_t pid, Pipe result, Pipe complaint) {
  result.write.reset();
  complaint.write.reset();
  Ended ended;
  const TimePoint until = Monotonic::now() + kConfigScriptLimit;
  while (result.read && !ended.timed_out) {
    std::array<pollfd, 2> fds{{{result.read.get(), POLLIN, 0}, {complaint.read.get(), POLLIN, 0}}};
    const auto left = std::max<std::int64_t>(to_ms(until - Monotonic::now()), 0);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    ended.timed_out = ready <= 0;
    if (fds[0].revents != 0) (void)read_some(result.read, ended.result, kMaxConfigBytes);
    if (fds[1].revents != 0) (void)read_some(complaint.read, ended.complaint, kMaxComplaint);
  }
  if (ended.timed_out) (void)::kill(pid, SIGKILL);
  while (::waitpid(pid, &ended.status, 0) < 0 && errno == EINTR) {
  }
  // Not to its end: a process it has left behind may hold that.
  pollfd rest{complaint.read.get(), POLLIN, 0};
  while (complaint.read && ::poll(&rest, 1, 0) > 0 &&
         read_some(complaint.read, ended.complaint, kMaxComplaint)) {
  }
  return ended;
}

std::vector<std::string> environment_with(const std::string& path, const std::string* text) {
  std::vector<std::string> variables{"ROOST_CONFIG_FILE=" + path};
  if (text != nullptr) variables.push_back("ROOST_CONFIG_TEXT=" + *text);
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with("ROOST_CONFIG_"))
      variables.emplace_back(*variable);
  return variables;
}

// What was computed stands nowhere in the file.
void forget_places(Value& value) {
  value.at = {};
  for (Value& item : value.items)
    forget_places(item);
  for (Member& member : value.members) {
    member.at = {};
    forget_places(member.value);
  }
}

Result<JsResult> run(const std::string& program, const std::string& path, const std::string* text) {
  auto result = make_pipe();
  auto complaint = make_pipe();
  if (!result || !complaint) return (result ? complaint : result).error();
  const auto pid = spawn(command_line(program), environment_with(path, text), *result, *complaint);
  if (!pid) return pid.error();
  Ended ended = wait_for(*pid, std::move(*result), std::move(*complaint));
  if (ended.timed_out)
    return Error{Errc::timeout,
                 path + ": it did not end within " + std::to_string(kConfigScriptLimit / 1s) + "s",
                 "a configuration computes its value and ends"};
  const std::size_t newline = ended.result.find('\n');
  if (WIFSIGNALED(ended.status))
    return Error{
        Errc::invalid,
        path + ": " + program + " was ended by signal " + std::to_string(WTERMSIG(ended.status)),
        {}};
  if (ended.status != 0 || newline == std::string::npos)
    return Error{
        Errc::invalid, path + ": " + ended.complaint.substr(0, ended.complaint.rfind('\n')), {}};
  auto document = parse_document(path, ended.result.substr(newline + 1), Format::json);
  auto dropped = parse_document(path, ended.result.substr(0, newline), Format::json);
  if (!document || !dropped) return (document ? dropped : document).error();
  forget_places(document->root);
  document->text.clear();
  JsResult loaded{std::move(*document), {}};
  for (const Value& name : dropped->root.items)
    loaded.dropped.push_back(name.string);
  return loaded;
}

}  // namespace

Result<JsResult> load_js(const std::string& program, const std::string& path) {
  return run(program, path, nullptr);
}

Result<JsResult> evaluate_js(const std::string& program, const std::string& path,
                             const std::string& text) {
  return run(program, path, &text);
}

}  // namespace roost::config
