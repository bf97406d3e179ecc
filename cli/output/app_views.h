// How apps look in text: the list, the description, and what became of them. Pure: everything that
// differs from run to run comes in the records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output/terminal.h"
#include "ipc/messages/app_messages.h"
#include "ipc/messages/job_messages.h"

namespace roost::cli {

// "api", or "api#2" when the app has several instances.
enum class Siblings : std::uint8_t { none, some };
[[nodiscard]] std::string instance_name(const ipc::InstanceInfo& instance, Siblings siblings);
[[nodiscard]] std::string list_text(const ipc::ListReply& reply, const Terminal& terminal);
[[nodiscard]] std::string describe_text(const ipc::DescribeReply& reply, const Terminal& terminal);

// One line per job.
[[nodiscard]] std::string jobs_text(const ipc::JobsReply& reply, const Terminal& terminal);

// `verb`: "started", "restarting" … One line per instance, or one per app where a dozen of the same
// fared the same.
[[nodiscard]] std::vector<std::string> start_lines(const ipc::StartReply& reply,
                                                   std::string_view verb);
// The error and the last words of those that failed; for stderr.
[[nodiscard]] std::vector<std::string> failure_lines(const ipc::StartReply& reply,
                                                     const Terminal& terminal);
// `verb`: "stopped" or "deleted".
[[nodiscard]] std::vector<std::string> stop_lines(const ipc::StopReply& reply,
                                                  std::string_view verb);

}  // namespace roost::cli
