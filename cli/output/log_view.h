// Log lines as `roost logs` shows them: "api#1 | text", or one JSON object per line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/logs/log_reader.h"
#include "cli/output/terminal.h"
#include "ipc/messages/app_messages.h"

namespace roost::cli {

// The instances of `reply`, labelled "name" or "name#slot".
[[nodiscard]] std::vector<LogSource> log_sources(const ipc::LogFilesReply& reply);

// Appends lines to a text. A line that comes in pieces is put together again, unless another line
// comes between.
class LogView {
 public:
  LogView(const ipc::LogFilesReply& reply, const std::vector<LogSource>& sources,
          const Terminal& terminal);

  void add(const LogLine& line, std::string& out);
  // One more, behind the others.
  void add_source(std::string_view app, std::string_view label);

 private:
  std::vector<std::string> prefixes_;  // padded and coloured, by source
  std::size_t widest_ = 0;
  Terminal terminal_;
  bool open_ = false;  // the last thing added has not ended; it is of:
  std::size_t open_source_ = 0;
  model::Stream open_stream_ = model::Stream::out;
};

// {"message":…,"timestamp":"2026-11-24T10:00:00.000Z","type":"out","process_id":0,"app_name":"api","slot":0}
void add_json_line(const ipc::LogFilesReply& reply, const LogLine& line, std::string& out);

}  // namespace roost::cli
