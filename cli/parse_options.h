// Reads the options of a command line with CLI11, which nothing else includes. Its static objects
// are made at the first call.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args.h"
#include "cli/invocation.h"
#include "core/base/result.h"

namespace roost::cli {

// In the order of GlobalOptions' members.
inline constexpr std::array<std::string_view, 5> kGlobalOptionNames{
    "--json", "--no-color,--no-colour", "-s,--silent", "-h,--help", "-v,-V,--version"};

// Sets the targets of the options found; the words left over come back in their order. What CLI11
// throws comes back as an error.
[[nodiscard]] Result<std::vector<std::string>> parse_options(
    const std::vector<ArgParser::Option>& options, GlobalOptions& globals, Args args);

}  // namespace roost::cli
