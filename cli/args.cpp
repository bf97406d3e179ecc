#include "cli/args.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/help_text.h"
#include "cli/parse_options.h"
#include "core/base/suggest.h"

namespace roost::cli {
namespace {

// What people who come from PM2 type and roost has otherwise.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kOptionsOfPm2{
    {{"--update-env", "the file is the truth: roost apply; of the shell: --pass-env NAME"},
     {"--no-daemon", "roost run does that"},
     {"--attach", "roost start, then roost logs NAME -f"},
     {"--force", "two apps of one script have two names: --name"},
     {"-w", "--watch"},
     {"-x", "--interpreter none"},
     {"--timestamp", "the time is there anyway; without it: --raw"}}};

std::string_view without_value(std::string_view word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word;
}

// "-n,--name": each name on its own.
void split_names(std::string_view names, std::vector<std::string_view>& out) {
  while (!names.empty()) {
    const auto size = std::min(names.find(','), names.size());
    out.push_back(names.substr(0, size));
    names.remove_prefix(std::min(size + 1, names.size()));
  }
}

// "-3" is a number: no option is called so.
bool is_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-' && !(word[1] >= '0' && word[1] <= '9');
}

// A parser is not needed for plain words and whole global options.
bool is_simple(Args args) {
  GlobalOptions ignored;
  return std::all_of(args.begin(), args.end(), [&](const char* word) {
    return !is_option(word) || set_global_option(word, ignored);
  });
}

Args before_separator(Args args) {
  const auto separator = std::find(args.begin(), args.end(), std::string_view("--"));
  return args.first(static_cast<std::size_t>(separator - args.begin()));
}

}  // namespace

void ArgParser::flag(std::string_view names, bool& target, std::string_view doc) {
  options_.push_back({names, {}, doc, &target});
}

void ArgParser::value(std::string_view names, std::string_view value_name,
                      std::optional<std::string>& target, std::string_view doc) {
  options_.push_back({names, value_name, doc, &target});
}

void ArgParser::list(std::string_view names, std::string_view value_name,
                     std::vector<std::string>& target, std::string_view doc) {
  options_.push_back({names, value_name, doc, &target});
}

void ArgParser::words(std::string_view what, std::vector<std::string>& target, Words count) {
  words_what_ = what;
  words_ = &target;
  words_count_ = count;
}

void ArgParser::targets(std::string_view what, std::vector<std::string>& target, Words count,
                        std::size_t plain) {
  words(what, target, count);
  plain_words_ = plain;
  list("-l,--selector", "NAME=VALUE", labels_,
       "apps with this label; may be repeated: with all of them");
}

void ArgParser::rest(std::vector<std::string>& target) {
  rest_ = &target;
}

std::optional<ExitCode> ArgParser::parse(Args args) {
  const auto options = before_separator(args);
  auto read = read_options(options);
  if (invocation_.options.help) {
    invocation_.show(help_text());
    return ExitCode::ok;
  }
  if (invocation_.options.version) {
    invocation_.show(version_line());
    return ExitCode::ok;
  }
  if (!read) return usage_error(std::move(read).error());
  if (options.size() < args.size()) take_rest(args.subspan(options.size() + 1));
  if (Status labels = take_labels(); !labels) return usage_error(std::move(labels).error());
  auto words = check_words();
  if (!words) return usage_error(std::move(words).error());
  return std::nullopt;
}

Status ArgParser::read_options(Args args) {
  std::vector<std::string> words;
  if (is_simple(args)) {
    for (const char* word : args)
      if (!set_global_option(word, invocation_.options)) words.emplace_back(word);
  } else {
    auto parsed = parse_options(options_, invocation_.options, args);
    if (!parsed) return std::move(parsed).error();
    words = std::move(*parsed);
  }
  for (const auto& word : words)
    if (is_option(word)) return unknown_option(word);
  if (words_ != nullptr) {
    *words_ = std::move(words);
  } else if (!words.empty()) {
    return Error{Errc::invalid, fmt::format("'{}' takes no '{}'", command_.name, words[0]), {}};
  }
  return ok();
}

Error ArgParser::unknown_option(std::string_view word) const {
  std::vector<std::string_view> known;
  for (const auto& option : options_)
    split_names(option.names, known);
  for (const auto names : kGlobalOptionNames)
    split_names(names, known);
  const auto name = without_value(word);
  std::string hint;
  for (const auto& [of_pm2, meant] : kOptionsOfPm2)
    if (of_pm2 == name) hint = meant;
  // Any short option is one letter away from any other.
  if (hint.empty() && name.size() > 2) hint = did_you_mean(name, known);
  if (hint.empty() && rest_ != nullptr) hint = "options of the app itself stand behind --";
  return {Errc::invalid, fmt::format("unknown option '{}'", name), std::move(hint)};
}

void ArgParser::take_rest(Args args) {
  auto* target = rest_ != nullptr ? rest_ : words_;
  if (target != nullptr) target->insert(target->end(), args.begin(), args.end());
}

// One word stands for all of them: "team=web,tier=a".
Status ArgParser::take_labels() {
  if (labels_.empty()) return ok();
  if (words_->size() > plain_words_)
    return Error{Errc::invalid, fmt::format("both '{}' and -l name apps", words_->back()),
                 "give names or labels, not both"};
  std::string word;
  for (const std::string& label : labels_) {
    if (label.find('=') == std::string::npos)
      return Error{Errc::invalid, fmt::format("-l '{}' is not NAME=VALUE", label), {}};
    word += (word.empty() ? "" : ",") + label;
  }
  words_->push_back(std::move(word));
  return ok();
}

Status ArgParser::check_words() const {
  const auto count = words_ == nullptr ? 0 : words_->size();
  if (count < words_count_.least)
    return Error{Errc::invalid, fmt::format("'{}' needs {}", command_.name, words_what_), {}};
  if (count > words_count_.most)
    return Error{
        Errc::invalid, fmt::format("'{}' takes no second '{}'", command_.name, words_->back()), {}};
  return ok();
}

std::string ArgParser::usage_line() const {
  return fmt::format("usage: roost {}{}{}", command_.name, command_.usage.empty() ? "" : " ",
                     command_.usage);
}

ExitCode ArgParser::usage_error(Error error) {
  if (!error.hint.empty()) error.hint += "\n  ";
  error.hint += usage_line();
  return invocation_.fail(error);
}

std::string ArgParser::help_text() const {
  std::vector<HelpOption> rows;
  for (const auto& option : options_)
    rows.push_back({option.names, option.value_name, option.doc});
  return command_help(command_, rows);
}

}  // namespace roost::cli
