#include "daemon/log.h"

#include <exception>
#include <memory>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

namespace roost::daemon {
namespace {

constexpr std::size_t kMaxBytes = 4U << 20U;
constexpr std::size_t kKept = 2;

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance;
  return instance;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

Status open_log(const std::string& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, kMaxBytes, kKept);
    auto made = std::make_shared<spdlog::logger>("roostd", std::move(sink));
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e %L %v");
    made->flush_on(spdlog::level::info);
    logger() = std::move(made);
  } catch (const std::exception& e) {
    return Error{Errc::io, "log '" + path + "': " + e.what(), {}};
  }
  (void)::chmod(path.c_str(), 0600);  // made under umask 077 anyway; repairs an older file
  return ok();
}

void log(LogLevel level, std::string_view component, std::string_view message) {
  if (logger()) logger()->log(level_of(level), "{} {}", component, message);
}

}  // namespace roost::daemon
