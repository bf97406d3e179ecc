#include "cli/invocation.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "cli/output/sanitize.h"
#include "core/base/json_writer.h"
#include "core/model/spec_diff.h"

namespace roost::cli {
namespace {

constexpr std::size_t kFlushAt = 64U << 10;
constexpr std::size_t kDirectAt = 8U << 10;  // is not copied first

struct GlobalFlag {
  std::string_view word;
  bool GlobalOptions::*member;
};

constexpr std::array<GlobalFlag, 10> kGlobalFlags{{{"--json", &GlobalOptions::json},
                                                   {"--no-color", &GlobalOptions::no_colour},
                                                   {"--no-colour", &GlobalOptions::no_colour},
                                                   {"--silent", &GlobalOptions::silent},
                                                   {"-s", &GlobalOptions::silent},
                                                   {"--help", &GlobalOptions::help},
                                                   {"-h", &GlobalOptions::help},
                                                   {"--version", &GlobalOptions::version},
                                                   {"-v", &GlobalOptions::version},
                                                   {"-V", &GlobalOptions::version}}};

Status write_out(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write to standard output", errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

void write_err(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nowhere left to complain
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Messages quote what users typed and what apps are called; indentation and line ends are ours.
std::string sanitize_lines(std::string_view text) {
  std::string out;
  while (true) {
    const auto size = std::min(text.find('\n'), text.size());
    out += sanitize(text.substr(0, size));
    if (size == text.size()) return out;
    out += '\n';
    text.remove_prefix(size + 1);
  }
}

std::string error_json(const Error& error) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("error");
  out.begin_object();
  out.key("code");
  out.string(to_string(error.code));
  out.key("message");
  out.string(error.message);
  out.key("hint");
  out.string(error.hint);
  out.end_object();
  out.end_object();
  return text + "\n";
}

}  // namespace

bool set_global_option(std::string_view word, GlobalOptions& options) {
  for (const auto& flag : kGlobalFlags) {
    if (flag.word != word) continue;
    options.*flag.member = true;
    return true;
  }
  return false;
}

std::string Invocation::command_line() const {
  std::vector<std::string_view> words{"roost"};
  words.insert(words.end(), words_.begin(), words_.end());
  return model::command_without_secrets(words);
}

const Terminal& Invocation::terminal() {
  if (!terminal_known_)
    terminal_ = detect_terminal(options.no_colour ? ColourWish::never : ColourWish::when_possible);
  terminal_known_ = true;
  return terminal_;
}

// A failure to write is told by the last flush.
void Invocation::show(std::string_view text) {
  if (text.size() >= kDirectAt && flush()) {
    put_out(text);
    return;
  }
  buffer_ += text;
  if (buffer_.size() >= kFlushAt) (void)flush();
}

void Invocation::say(std::string_view line) {
  if (options.silent || options.json) return;
  show(line);
  show("\n");
}

void Invocation::warn(std::string_view line) {
  if (options.silent || options.json) return;
  finish_error(std::string(line) + "\n");
}

void Invocation::complain(std::string_view line) {
  if (!options.json) finish_error(std::string(line) + "\n");
}

ExitCode Invocation::fail(const Error& error) {
  if (options.json) {
    show(error_json(error));
    return exit_code_for(error.code);
  }
  std::string text = "roost: " + error.message + "\n";
  if (!error.hint.empty()) text += "  " + error.hint + "\n";
  finish_error(text);
  return exit_code_for(error.code);
}

// What was shown before comes first where both go to the same terminal.
void Invocation::finish_error(std::string_view text) {
  (void)flush();  // a broken stdout must not swallow the error
  write_err(::isatty(STDERR_FILENO) == 1 ? sanitize_lines(text) : std::string(text));
}

std::string Invocation::safe(std::string_view text) {
  return terminal().tty ? sanitize(text) : std::string(text);
}

std::string Invocation::safe_lines(std::string_view text) {
  return terminal().tty ? sanitize_lines(text) : std::string(text);
}

Status Invocation::flush() {
  put_out(std::exchange(buffer_, {}));
  return write_failure_ ? Status(*write_failure_) : ok();
}

void Invocation::put_out(std::string_view text) {
  if (Status done = written(write_out(text)); !done && !write_failure_)
    write_failure_ = std::move(done).error();
}

Status Invocation::written(Status status) {
  if (status || errno != EPIPE) return status;
  reader_gone_ = true;
  return ok();
}

}  // namespace roost::cli
