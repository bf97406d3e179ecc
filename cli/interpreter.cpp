#include "cli/interpreter.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace roost::cli {
namespace {

struct Candidate {
  std::string_view program;
  std::string_view args;  // one blank between two
};

struct ExtensionRule {
  std::string_view extensions;  // one blank between two
  std::array<Candidate, 3> candidates;
};

constexpr std::array<ExtensionRule, 19> kRules{{
    {"js mjs cjs", {{{"node", ""}, {}, {}}}},
    {"ts tsx mts cts", {{{"bun", ""}, {"deno", "run --allow-all"}, {"node", ""}}}},
    {"py pyw", {{{"python3", ""}, {"python", ""}, {}}}},
    {"sh", {{{"bash", ""}, {"sh", ""}, {}}}},
    {"bash", {{{"bash", ""}, {}, {}}}},
    {"zsh", {{{"zsh", ""}, {}, {}}}},
    {"fish", {{{"fish", ""}, {}, {}}}},
    {"rb", {{{"ruby", ""}, {}, {}}}},
    {"php", {{{"php", ""}, {}, {}}}},
    {"pl", {{{"perl", ""}, {}, {}}}},
    {"lua", {{{"lua", ""}, {"lua5.4", ""}, {"luajit", ""}}}},
    {"coffee", {{{"coffee", ""}, {}, {}}}},
    {"ls", {{{"lsc", ""}, {}, {}}}},
    {"jar", {{{"java", "-jar"}, {}, {}}}},
    {"r", {{{"Rscript", ""}, {}, {}}}},
    {"tcl", {{{"tclsh", ""}, {}, {}}}},
    {"jl", {{{"julia", ""}, {}, {}}}},
    {"exs", {{{"elixir", ""}, {}, {}}}},
    {"awk", {{{"awk", "-f"}, {}, {}}}},
}};

struct Package {
  std::string_view programs;
  std::string_view hint;
};

constexpr std::array<Package, 21> kPackages{{
    {"node nodejs", "apt install nodejs"},
    {"npm npx", "apt install npm"},
    {"bun", "see https://bun.sh for how to install it"},
    {"deno", "see https://deno.com for how to install it"},
    {"python3 python", "apt install python3"},
    {"ruby", "apt install ruby"},
    {"php", "apt install php-cli"},
    {"perl", "apt install perl"},
    {"bash", "apt install bash"},
    {"zsh", "apt install zsh"},
    {"fish", "apt install fish"},
    {"lua lua5.4", "apt install lua5.4"},
    {"luajit", "apt install luajit"},
    {"coffee", "apt install coffeescript"},
    {"lsc", "npm install -g livescript"},
    {"java", "apt install default-jre-headless"},
    {"Rscript", "apt install r-base-core"},
    {"tclsh", "apt install tcl"},
    {"julia", "apt install julia"},
    {"elixir", "apt install elixir"},
    {"awk gawk", "apt install gawk"},
}};

std::vector<std::string> split_blanks(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const auto start = text.find_first_not_of(" \t");
    if (start == text.npos) return words;
    text.remove_prefix(start);
    const auto size = std::min(text.find_first_of(" \t"), text.size());
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
}

bool has_word(std::string_view words, std::string_view word) {
  const auto list = split_blanks(words);
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string extension_of(std::string_view path) {
  const auto name = base_name(path);
  const auto dot = name.rfind('.');
  if (dot == name.npos || dot == 0) return {};
  auto extension = name.substr(dot + 1);
  for (auto& c : extension)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return extension;
}

ExecChoice by_interpreter(std::string_view name, std::string path, std::vector<std::string> args) {
  return {model::ExecKind::interpreter, std::move(path), std::move(args), base_name(name)};
}

Error missing(const ScriptFile& file, std::string_view program) {
  return {Errc::not_found,
          fmt::format("'{}' needs '{}', which is not installed", file.path, program),
          install_hint(program)};
}

Error not_executable(const ScriptFile& file, std::string_view what) {
  return {Errc::denied, fmt::format("'{}' is {}, but not executable", file.path, what),
          fmt::format("chmod +x '{}'", file.path)};
}

Result<ExecChoice> by_wish(const ScriptFile& file, std::string_view wanted,
                           const FindProgram& find) {
  if (wanted == "none") {
    if (!file.executable) return not_executable(file, "to be executed directly");
    return ExecChoice{};
  }
  auto path = find(wanted);
  if (path) return by_interpreter(wanted, std::move(*path), {});
  return Error{Errc::not_found, fmt::format("interpreter '{}' is not installed", wanted),
               install_hint(base_name(wanted))};
}

Result<ExecChoice> by_shebang(const ScriptFile& file, std::vector<std::string> words,
                              const FindProgram& find) {
  auto path = find(words.front());
  if (!path) return missing(file, words.front());
  const auto line = std::string_view(file.head).substr(0, file.head.find('\n'));
  // The kernel would look for an interpreter whose name ends in '\r'.
  const bool kernel_can = file.executable && line.find('\r') == line.npos;
  if (kernel_can) return ExecChoice{.program = base_name(words.front())};
  auto choice = by_interpreter(words.front(), std::move(*path), {});
  choice.interpreter_args.assign(words.begin() + 1, words.end());
  return choice;
}

Result<ExecChoice> by_rule(const ScriptFile& file, const ExtensionRule& rule,
                           const FindProgram& find) {
  for (const auto& candidate : rule.candidates) {
    if (candidate.program.empty()) break;
    if (auto path = find(candidate.program))
      return by_interpreter(candidate.program, std::move(*path), split_blanks(candidate.args));
  }
  return missing(file, rule.candidates.front().program);
}

bool is_binary(std::string_view head) {
  return head.find('\0') != head.npos;
}

}  // namespace

std::vector<std::string> parse_shebang(std::string_view head) {
  if (!head.starts_with("#!")) return {};
  auto line = head.substr(2, head.find('\n') - 2);
  if (line.ends_with('\r')) line.remove_suffix(1);
  auto words = split_blanks(line);
  if (words.empty() || base_name(words.front()) != "env") return words;
  auto it = words.begin() + 1;
  if (it != words.end() && *it == "-S") {
    ++it;
  } else if (it != words.end() && it->starts_with("-S")) {
    it->erase(0, 2);
  }
  // `env NAME=VALUE program`: the kernel's way is the only exact one, the program is what matters.
  while (it != words.end() && it->find('=') != std::string::npos)
    ++it;
  return {it, words.end()};
}

std::string install_hint(std::string_view program) {
  for (const auto& package : kPackages)
    if (has_word(package.programs, program)) return std::string(package.hint);
  return {};
}

Result<ExecChoice> choose_exec(const ScriptFile& file, std::string_view wanted,
                               const FindProgram& find) {
  if (!wanted.empty()) return by_wish(file, wanted, find);
  if (file.head.starts_with("\x7f"
                            "ELF")) {
    if (!file.executable) return not_executable(file, "a program");
    return ExecChoice{.program = base_name(file.path)};
  }
  if (auto words = parse_shebang(file.head); !words.empty())
    return by_shebang(file, std::move(words), find);
  const auto extension = extension_of(file.path);
  for (const auto& rule : kRules)
    if (has_word(rule.extensions, extension)) return by_rule(file, rule, find);
  if (is_binary(file.head)) {
    if (!file.executable) return not_executable(file, "a binary file");
    return ExecChoice{.program = base_name(file.path)};
  }
  return Error{
      Errc::invalid,
      fmt::format("cannot tell what runs '{}': it has no '#!' line and no known extension",
                  file.path),
      "name it, as in --interpreter bash, or --interpreter none to execute the file itself"};
}

}  // namespace roost::cli
