#include "cli/commands.h"

#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cli/help_text.h"
#include "core/base/fs.h"

namespace roost::cli {
namespace {

std::vector<std::string> words_of(const Command& command) {
  std::vector<std::string> words{std::string(command.name)};
  std::string aliases(command.aliases);
  for (std::size_t at = 0; at < aliases.size();) {
    const auto end = std::min(aliases.find(' ', at), aliases.size());
    words.push_back(aliases.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace

TEST_CASE("commands: every word means one command") {
  std::set<std::string> seen;
  for (const auto& command : all_commands())
    for (const auto& word : words_of(command)) {
      CHECK_MESSAGE(seen.insert(word).second, word);
      CHECK(find_command(word) == &command);
    }
}

TEST_CASE("commands: PM2's words work") {
  CHECK(find_command("del")->name == "delete");
  CHECK(find_command("ls")->name == "list");
  CHECK(find_command("ps")->name == "list");
  CHECK(find_command("status")->name == "list");
  CHECK(find_command("info")->name == "describe");
  CHECK(find_command("show")->name == "describe");
  CHECK(find_command("sendSignal")->name == "signal");
  CHECK(find_command("") == nullptr);
  CHECK(find_command("lis") == nullptr);
}

TEST_CASE("commands: an unknown word gets the nearest one") {
  CHECK(suggest_command("restrt") == "did you mean 'restart'?");
  CHECK(suggest_command("frobnicate").empty());
}

TEST_CASE("commands: each is described in one line, in the help and in docs/cli.md") {
  const auto help = overview_help();
  const auto document = read_file(ROOST_DOCS_DIR "/cli.md", 1U << 18);
  REQUIRE(document);
  for (const auto& command : all_commands()) {
    CHECK_FALSE(command.doc.empty());
    CHECK(command.doc.find('\n') == std::string_view::npos);
    CHECK(help.find("  " + std::string(command.name)) != std::string::npos);
    const auto heading = "\n## `roost " + std::string(command.name);
    CHECK_MESSAGE(document->find(heading) != std::string::npos, heading);
  }
}

TEST_CASE("help: no line is wider than 100 columns, nor is the overview wider than 80") {
  const auto widest = [](std::string_view text) {
    std::size_t most = 0;
    while (!text.empty()) {
      const auto size = std::min(text.find('\n'), text.size());
      most = std::max(most, size);
      text.remove_prefix(std::min(size + 1, text.size()));
    }
    return most;
  };
  CHECK(widest(overview_help()) <= 80);
  for (const auto& command : all_commands())
    CHECK(widest(command_help(command, {})) <= 100);
}

}  // namespace roost::cli
