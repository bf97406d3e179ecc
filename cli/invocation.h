// Invocation: one run of `roost`: its global options and where its output goes. Three kinds of
// output, so that --json and --silent mean the same everywhere:
//   show    what was asked for (a list, a pid, a JSON document)
//   say     what the command has done; left out with --silent and --json
//   fail    an error, on stderr; with --json as {"error":{…}} on stdout
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/exit_codes.h"
#include "cli/output/terminal.h"
#include "core/base/record_codec.h"
#include "core/base/result.h"

namespace roost::cli {

struct GlobalOptions {
  bool json = false;
  bool no_colour = false;
  bool silent = false;
  bool help = false;
  bool version = false;
};

// Sets the option that `word` names ("--json", "-s" …); false if it names none.
bool set_global_option(std::string_view word, GlobalOptions& options);

class Invocation {
 public:
  GlobalOptions options;

  // The words of this run, as one line: "roost apply api.toml".
  [[nodiscard]] std::string command_line() const;

  void set_words(std::span<const char* const> words) { words_ = words; }

  // Decided at first use, when the global options are known.
  [[nodiscard]] const Terminal& terminal();

  void show(std::string_view text);
  void say(std::string_view line);  // a newline is added
  [[nodiscard]] ExitCode fail(const Error& error);
  // What went wrong with an app, on stderr; left out with --json, where the reply has it.
  void complain(std::string_view line);
  // A remark on stderr, left out with --silent and --json.
  void warn(std::string_view line);

  template <Record T>
  void show_json(const T& record) {
    show(to_json(record) + "\n");
  }

  // `text` as it may go to the terminal: app-controlled text passes here. Unchanged when piped.
  [[nodiscard]] std::string safe(std::string_view text);
  // The same for a text of several lines.
  [[nodiscard]] std::string safe_lines(std::string_view text);

  // Writes what was shown. A reader that has gone away is no error; anything else is.
  [[nodiscard]] Status flush();

  // Nobody reads stdout any more: a command that goes on for ever may end.
  [[nodiscard]] bool reader_gone() const { return reader_gone_; }

 private:
  Status written(Status status);
  void put_out(std::string_view text);
  void finish_error(std::string_view text);

  std::span<const char* const> words_;
  std::string buffer_;
  std::optional<Error> write_failure_;  // the first
  Terminal terminal_;
  bool terminal_known_ = false;
  bool reader_gone_ = false;
};

}  // namespace roost::cli
