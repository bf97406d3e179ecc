// THE list of variables that an app gets from the shell from which it is started, so that what it
// is does not depend on that shell, and secrets of the shell do not end up in every app.
#pragma once

#include <string>
#include <vector>

#include "cli/app_env.h"

namespace roost::cli {

// What finds programs and the user, languages and time zone, the terminal, settings of Node and
// Python, and those of `more`: names, or "all".
[[nodiscard]] Environment passed_environment(const Environment& environment,
                                             const std::vector<std::string>& more);

// Names of those that tell nothing but from where roost was called: what finds programs and the
// user, languages and time zone, the terminal; of LC_* what `environment` has. Not those of `more`,
// nor what is filtered out or set (NAME=VALUE). With kAllOfLocale where nothing is left out.
// Sorted.
[[nodiscard]] std::vector<std::string> variables_of_session(
    const Environment& environment, const std::vector<std::string>& more,
    const config::EnvFilter& filter, const std::vector<std::string>& settings);

// Variables that were not passed but look wanted: PORT, HOST, *_URL, *_HOST, *_PORT, DATABASE*, and
// those that a file .env names, given as its text. Sorted; what `settings` (NAME=VALUE) set is not
// missed.
[[nodiscard]] std::vector<std::string> missed_variables(const Environment& environment,
                                                        const Environment& passed,
                                                        const std::string& dotenv_text,
                                                        const std::vector<std::string>& settings);

}  // namespace roost::cli
