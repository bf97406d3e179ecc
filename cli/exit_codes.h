// THE table of exit statuses: what `roost` returns, and which error of the program leads to which.
// docs/exit-codes.md is kept in step with it by a test.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace roost::cli {

enum class ExitCode : std::uint8_t {
  ok = 0,
  failed = 1,
  usage = 2,
  not_found = 3,
  denied = 4,
  unreachable = 5,
  unhealthy = 6,
  changes = 7,
  timeout = 124,
  interrupted = 130
};

struct ExitCodeDoc {
  ExitCode code;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array<ExitCodeDoc, 10> kExitCodes{{
    {ExitCode::ok, "ok", "done; also when there was nothing to do"},
    {ExitCode::failed, "failed", "the command could not be carried out"},
    {ExitCode::usage, "usage", "unknown command or option, or a value that makes no sense"},
    {ExitCode::not_found, "not found", "no such app, file or program"},
    {ExitCode::denied, "permission", "not allowed to do that"},
    {ExitCode::unreachable, "daemon unreachable",
     "the daemon does not answer and could not be started, or speaks another protocol"},
    {ExitCode::unhealthy, "app unhealthy",
     "an app did not come up, or died while it was proving itself"},
    {ExitCode::changes, "changes", "with --detailed-exitcode: there is, or was, something to do"},
    {ExitCode::timeout, "timeout", "the time limit passed"},
    {ExitCode::interrupted, "interrupted", "ended by Ctrl-C"},
}};

[[nodiscard]] ExitCode exit_code_for(Errc code);

}  // namespace roost::cli
