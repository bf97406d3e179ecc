// Where the output of an instance goes, and in what form. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/model/app_spec.h"
#include "core/model/ids.h"
#include "core/model/log_marks.h"
#include "daemon/logs/pump.h"

namespace roost::daemon {

struct LogPaths {
  std::string out;
  std::string err;
  std::string both{};   // both streams as well; empty: no such file
  bool merged = false;  // the files are those of all instances
};

[[nodiscard]] LogPaths log_paths_of(const model::AppSpec& spec, std::uint32_t slot,
                                    const std::string& log_dir);

[[nodiscard]] LogTarget log_target_of(const model::AppSpec& spec, model::InstanceId id,
                                      std::uint32_t slot, model::Stream stream,
                                      const LogPaths& paths);

}  // namespace roost::daemon
