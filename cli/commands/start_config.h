// `start` of a configuration file, `apply` and `plan`.
#pragma once

#include "cli/app_builder.h"
#include "cli/args.h"
#include "cli/config_file.h"
#include "cli/invocation.h"

namespace roost::cli {

struct ApplyOptions {
  std::vector<std::string> words;  // the file, or none: the one of the directory
  std::vector<std::string> env;    // NAME=VALUE, and NAME of env_NAME
  ConfigWishes wishes;
  bool no_wait = false;
  bool dry_run = false;
  bool prune = false;
  bool detailed = false;  // the status tells whether there is, or was, something to do
};

// The options that `apply` and `plan` have in common.
void declare_apply(ArgParser& parser, ApplyOptions& options);

// The file that was named, or the one of the working directory; Errc::invalid when there is none.
[[nodiscard]] Result<std::string> config_word(const std::vector<std::string>& words);

// Brings the apps of the file to what it says, or tells what that would be.
[[nodiscard]] ExitCode apply_config(Invocation& invocation, ApplyOptions options);

}  // namespace roost::cli
