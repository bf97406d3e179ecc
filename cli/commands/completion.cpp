#include <set>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/launcher.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

// Options come from each command's own help, names from the daemon that runs: the scripts know
// neither. %COMMANDS% and %FILES%, commands whose words may be files, are replaced.
constexpr std::string_view kBash = R"sh(_roost() {
  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD-1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "%COMMANDS%" -- "$current"))
  elif [[ " -o --output -e --error -l --log --cwd --watch-path " == *" $before "* ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(roost "$command" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+')" -- "$current"))
  elif [ "$command" = help ]; then
    COMPREPLY=($(compgen -W "%COMMANDS%" -- "$current"))
  elif [ "$command" = completion ]; then
    COMPREPLY=($(compgen -W "bash zsh fish" -- "$current"))
  elif [ "$command" = config ] && [ "$COMP_CWORD" -eq 2 ]; then
    COMPREPLY=($(compgen -W "show" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$(roost completion names 2>/dev/null)" -- "$current"))
    [[ " %FILES% " == *" $command "* ]] && COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _roost roost
)sh";

constexpr std::string_view kZsh = R"sh(#compdef roost
_roost() {
  local command=$words[2]
  if (( CURRENT == 2 )); then
    compadd -- %COMMANDS%
  elif [[ " -o --output -e --error -l --log --cwd --watch-path " == *" $words[CURRENT-1] "* ]]; then
    _files
  elif [[ $PREFIX == -* ]]; then
    compadd -- ${(u)$(roost $command --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+')}
  elif [[ $command == help ]]; then
    compadd -- %COMMANDS%
  elif [[ $command == completion ]]; then
    compadd -- bash zsh fish
  elif [[ $command == config && CURRENT -eq 3 ]]; then
    compadd -- show
  else
    compadd -- $(roost completion names 2>/dev/null)
    [[ " %FILES% " == *" $command "* ]] && _files
  fi
}
compdef _roost roost
)sh";

constexpr std::string_view kFish = R"sh(complete -c roost -f
complete -c roost -n __fish_use_subcommand -a '%COMMANDS%'
complete -c roost -n '__fish_seen_subcommand_from help' -a '%COMMANDS%'
complete -c roost -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c roost -n '__fish_seen_subcommand_from %FILES%' -F
complete -c roost -n 'not __fish_use_subcommand; and not string match -q -- "-*" (commandline -ct)' -a '(roost completion names 2>/dev/null)'
complete -c roost -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -a '(roost (commandline -opc)[2] --help 2>/dev/null | string match -rag -- "(--[a-z][a-z-]+)")'
)sh";

void replace_all(std::string& text, std::string_view place, std::string_view by) {
  for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + by.size()))
    text.replace(at, place.size(), by);
}

std::string script(std::string_view text) {
  std::string commands;
  for (const Command& command : all_commands())
    commands.append(commands.empty() ? "" : " ").append(command.name);
  std::string out(text);
  replace_all(out, "%COMMANDS%", commands);
  replace_all(out, "%FILES%", "start apply plan check run stop restart delete");
  return out;
}

// Of a daemon that runs: completing a word starts nothing, and fails in silence.
ExitCode show_names(Invocation& invocation) {
  const auto paths = ipc::paths_from_environment();
  if (!paths) return ExitCode::failed;
  auto client = connect_if_running(*paths);
  if (!client || !*client) return ExitCode::failed;
  const auto reply = (*client)->call(ipc::kList, {});
  if (!reply) return ExitCode::failed;
  std::set<std::string> names{"all"};
  for (const auto& instance : reply->instances)
    names.insert(instance.name);
  for (const std::string& name : names)
    invocation.show(name + "\n");
  return ExitCode::ok;
}

}  // namespace

ExitCode run_completion(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  ArgParser parser(invocation, self);
  parser.words("a shell", words, {.least = 1, .most = 1});
  if (const auto done = parser.parse(args)) return *done;
  if (words[0] == "names") return show_names(invocation);
  if (words[0] != "bash" && words[0] != "zsh" && words[0] != "fish")
    return parser.usage_error({Errc::invalid, "no completion for '" + words[0] + "'",
                               "there is one for bash, zsh and fish"});
  invocation.show(script(words[0] == "bash" ? kBash : words[0] == "zsh" ? kZsh : kFish));
  return ExitCode::ok;
}

}  // namespace roost::cli
