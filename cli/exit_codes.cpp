#include "cli/exit_codes.h"

namespace roost::cli {

ExitCode exit_code_for(Errc code) {
  switch (code) {
    case Errc::invalid:
      return ExitCode::usage;
    case Errc::not_found:
      return ExitCode::not_found;
    case Errc::denied:
      return ExitCode::denied;
    case Errc::unavailable:
    case Errc::protocol:
      return ExitCode::unreachable;
    case Errc::timeout:
      return ExitCode::timeout;
    case Errc::unhealthy:
      return ExitCode::unhealthy;
    case Errc::exists:
    case Errc::conflict:
    case Errc::io:
    case Errc::internal:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

}  // namespace roost::cli
