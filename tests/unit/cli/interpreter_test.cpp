#include "cli/interpreter.h"

#include <set>

#include <doctest/doctest.h>

namespace roost::cli {
namespace {

using model::ExecKind;

// A machine on which just these programs are installed.
FindProgram installed(std::set<std::string> programs) {
  return [programs](std::string_view name) -> std::optional<std::string> {
    if (name.starts_with('/')) return std::string(name);
    if (!programs.contains(std::string(name))) return std::nullopt;
    return "/usr/bin/" + std::string(name);
  };
}

const FindProgram kEverything = [](std::string_view name) {
  return std::optional("/usr/bin/" + std::string(name.substr(name.rfind('/') + 1)));
};

ScriptFile text(std::string path, std::string head = "hello\n") {
  return {std::move(path), false, std::move(head)};
}

ScriptFile runnable(std::string path, std::string head) {
  return {std::move(path), true, std::move(head)};
}

}  // namespace

TEST_CASE("interpreter: chosen by the extension") {
  struct Case {
    const char* path;
    const char* interpreter;
  };

  for (const auto& [path, interpreter] :
       {Case{"a.js", "node"}, Case{"a.mjs", "node"}, Case{"a.cjs", "node"}, Case{"a.ts", "bun"},
        Case{"a.py", "python3"}, Case{"a.sh", "bash"}, Case{"a.rb", "ruby"}, Case{"a.php", "php"},
        Case{"a.pl", "perl"}, Case{"A.JS", "node"}, Case{"/x.d/b.coffee", "coffee"},
        Case{"a.ls", "lsc"}}) {
    const auto choice = choose_exec(text(path), "", kEverything);
    REQUIRE_MESSAGE(choice, path);
    CHECK(choice->kind == ExecKind::interpreter);
    CHECK(choice->interpreter == std::string("/usr/bin/") + interpreter);
  }
}

TEST_CASE("interpreter: the next candidate is taken when the first is not installed") {
  CHECK(choose_exec(text("a.py"), "", installed({"python"}))->interpreter == "/usr/bin/python");
  CHECK(choose_exec(text("a.sh"), "", installed({"sh"}))->interpreter == "/usr/bin/sh");
  CHECK(choose_exec(text("a.ts"), "", installed({"node"}))->interpreter == "/usr/bin/node");
  const auto deno = choose_exec(text("a.ts"), "", installed({"deno", "node"}));
  CHECK(deno->interpreter == "/usr/bin/deno");
  CHECK(deno->interpreter_args == std::vector<std::string>{"run", "--allow-all"});
}

TEST_CASE("interpreter: a missing one names the package") {
  const auto choice = choose_exec(text("/srv/app.js"), "", installed({}));
  REQUIRE(!choice);
  CHECK(choice.error().code == Errc::not_found);
  CHECK(choice.error().message == "'/srv/app.js' needs 'node', which is not installed");
  CHECK(choice.error().hint == "apt install nodejs");
  CHECK(choose_exec(text("a.py"), "", installed({})).error().hint == "apt install python3");
  CHECK(choose_exec(text("a.php"), "", installed({})).error().hint == "apt install php-cli");
}

TEST_CASE("interpreter: an executable script with a '#!' line is executed itself") {
  const auto choice = choose_exec(runnable("tool", "#!/usr/bin/env python3\n"), "", kEverything);
  REQUIRE(choice);
  CHECK(choice->kind == ExecKind::direct);
  CHECK(choice->program == "python3");
}

TEST_CASE("interpreter: the '#!' line wins over the extension") {
  const auto choice = choose_exec(text("a.js", "#!/opt/bin/deno run -A\n"), "", kEverything);
  REQUIRE(choice);
  CHECK(choice->interpreter == "/usr/bin/deno");
  CHECK(choice->interpreter_args == std::vector<std::string>{"run", "-A"});
}

TEST_CASE("interpreter: a '#!' line that ends in a carriage return is carried out by us") {
  const auto choice = choose_exec(runnable("a.py", "#!/usr/bin/python3\r\nx\r\n"), "", kEverything);
  REQUIRE(choice);
  CHECK(choice->kind == ExecKind::interpreter);
  CHECK(choice->interpreter == "/usr/bin/python3");
}

TEST_CASE("interpreter: a '#!' line whose program is not there is an error, executable or not") {
  for (const bool executable : {false, true}) {
    const auto choice =
        choose_exec({"tool", executable, "#!/usr/bin/env ruby\n"}, "", installed({}));
    REQUIRE(!choice);
    CHECK(choice.error().hint == "apt install ruby");
  }
}

TEST_CASE("interpreter: '#!' lines in all their forms") {
  using Words = std::vector<std::string>;
  CHECK(parse_shebang("#!/bin/bash\necho") == Words{"/bin/bash"});
  CHECK(parse_shebang("#! /bin/sh -e\n") == Words{"/bin/sh", "-e"});
  CHECK(parse_shebang("#!/usr/bin/env node\n") == Words{"node"});
  CHECK(parse_shebang("#!/usr/bin/env -S node --inspect\n") == Words{"node", "--inspect"});
  CHECK(parse_shebang("#!/usr/bin/env -Snode --x\n") == Words{"node", "--x"});
  CHECK(parse_shebang("#!/usr/bin/env A=1 node\n") == Words{"node"});
  CHECK(parse_shebang("#!/bin/bash") == Words{"/bin/bash"});
  CHECK(parse_shebang("#!\n").empty());
  CHECK(parse_shebang("#!/usr/bin/env\n").empty());
  CHECK(parse_shebang("// #!/bin/sh").empty());
}

TEST_CASE("interpreter: programs are executed, and must be executable") {
  const std::string elf(
      "\x7f"
      "ELF\x02\x01",
      6);
  CHECK(choose_exec(runnable("server", elf), "", kEverything)->kind == ExecKind::direct);
  const auto choice = choose_exec(text("/srv/server", elf), "", kEverything);
  REQUIRE(!choice);
  CHECK(choice.error().code == Errc::denied);
  CHECK(choice.error().hint == "chmod +x '/srv/server'");
}

TEST_CASE("interpreter: other binary files are left to the kernel when they are executable") {
  const std::string binary("PK\x00\x01", 4);
  CHECK(choose_exec(runnable("tool", binary), "", kEverything)->kind == ExecKind::direct);
  CHECK_FALSE(choose_exec(text("tool", binary), "", kEverything));
}

TEST_CASE("interpreter: an unknown text file is an error that says what to do") {
  for (const bool executable : {false, true}) {
    const auto choice = choose_exec({"/srv/notes.txt", executable, "hello"}, "", kEverything);
    REQUIRE(!choice);
    CHECK(choice.error().code == Errc::invalid);
    CHECK(choice.error().message.find("'/srv/notes.txt'") != std::string::npos);
    CHECK(choice.error().hint.find("--interpreter") != std::string::npos);
  }
}

TEST_CASE("interpreter: the user's own wins over everything") {
  const auto choice = choose_exec(runnable("a.js", "#!/bin/sh\n"), "bun", installed({"bun"}));
  REQUIRE(choice);
  CHECK(choice->interpreter == "/usr/bin/bun");
  const auto missing = choose_exec(text("a.js"), "pyhton3", installed({"python3"}));
  REQUIRE(!missing);
  CHECK(missing.error().message == "interpreter 'pyhton3' is not installed");
}

TEST_CASE("interpreter: none executes the file itself") {
  CHECK(choose_exec(runnable("a.js", "x"), "none", installed({}))->kind == ExecKind::direct);
  CHECK(choose_exec(text("a.js"), "none", installed({})).error().code == Errc::denied);
}

}  // namespace roost::cli
