// ArgParser: the options of one command, declared by the command itself, which also gives its help.
// CLI11 is behind it (parse_options.cpp only), and is not touched when no option is given.
//
// Global options (invocation.h) are understood everywhere before "--". What the user did wrong is
// told with the nearest known option and the usage line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/command.h"
#include "cli/invocation.h"

namespace roost::cli {

class ArgParser {
 public:
  // Both outlive the parser; so do the variables given to the functions below.
  ArgParser(Invocation& invocation, const Command& command)
      : invocation_(invocation), command_(command) {}

  // `names`: "-f,--follow". `doc` is one line.
  void flag(std::string_view names, bool& target, std::string_view doc);
  void value(std::string_view names, std::string_view value_name,
             std::optional<std::string>& target, std::string_view doc);
  // May be given several times.
  void list(std::string_view names, std::string_view value_name, std::vector<std::string>& target,
            std::string_view doc);

  struct Words {
    std::size_t least = 0;
    std::size_t most = static_cast<std::size_t>(-1);
  };

  void words(std::string_view what, std::vector<std::string>& target, Words count);
  // Words that name apps, behind `plain` others; instead of them labels may be given, by -l.
  void targets(std::string_view what, std::vector<std::string>& target, Words count,
               std::size_t plain = 0);
  // What stands after "--", verbatim; without this such words are positional ones.
  void rest(std::vector<std::string>& target);

  // Nothing: go on. Else the command is over with that status: help was asked for, or an error
  // told.
  [[nodiscard]] std::optional<ExitCode> parse(Args args);

  // A value that makes no sense: told with the usage line; the status to return.
  [[nodiscard]] ExitCode usage_error(Error error);

  struct Option {
    std::string_view names;
    std::string_view value_name;
    std::string_view doc;
    std::variant<bool*, std::optional<std::string>*, std::vector<std::string>*> target;
  };

 private:
  [[nodiscard]] std::string usage_line() const;
  [[nodiscard]] std::string help_text() const;
  Status read_options(Args args);
  [[nodiscard]] Error unknown_option(std::string_view word) const;
  void take_rest(Args args);
  Status take_labels();
  Status check_words() const;

  Invocation& invocation_;
  const Command& command_;
  std::vector<Option> options_;
  std::string_view words_what_;
  std::vector<std::string>* words_ = nullptr;
  Words words_count_{.most = 0};
  std::vector<std::string>* rest_ = nullptr;
  std::vector<std::string> labels_;  // of -l
  std::size_t plain_words_ = 0;      // before the targets
};

}  // namespace roost::cli
