#include "cli/exit_codes.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "core/base/fs.h"

namespace roost::cli {

TEST_CASE("exit codes: every kind of error has its status") {
  CHECK(exit_code_for(Errc::invalid) == ExitCode::usage);
  CHECK(exit_code_for(Errc::not_found) == ExitCode::not_found);
  CHECK(exit_code_for(Errc::denied) == ExitCode::denied);
  CHECK(exit_code_for(Errc::unavailable) == ExitCode::unreachable);
  CHECK(exit_code_for(Errc::protocol) == ExitCode::unreachable);
  CHECK(exit_code_for(Errc::timeout) == ExitCode::timeout);
  CHECK(exit_code_for(Errc::unhealthy) == ExitCode::unhealthy);
  for (const auto code : {Errc::exists, Errc::conflict, Errc::io, Errc::internal})
    CHECK(exit_code_for(code) == ExitCode::failed);
}

TEST_CASE("exit codes: the document has the table's rows, word for word") {
  const auto text = read_file(ROOST_DOCS_DIR "/exit-codes.md", 1U << 16);
  REQUIRE(text);
  const auto end = text->find("\n\n", text->find("\n| code"));
  std::size_t rows = 0;
  for (auto at = text->find("\n| "); at < end; at = text->find("\n| ", at + 1))
    ++rows;
  CHECK(rows == kExitCodes.size() + 1);  // and the header
  for (const auto& row : kExitCodes) {
    const auto line =
        fmt::format("\n| {} | {} | {} |", static_cast<int>(row.code), row.name, row.meaning);
    CHECK_MESSAGE(text->find(line) != std::string::npos, line);
  }
}

}  // namespace roost::cli
