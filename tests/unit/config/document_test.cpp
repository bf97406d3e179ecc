#include "config/document.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::config;
using Kind = Value::Kind;

namespace {

Document parsed(std::string text, Format format) {
  auto document = parse_document("file", std::move(text), format);
  REQUIRE_MESSAGE(document, (document ? "" : document.error().message));
  return std::move(*document);
}

std::string complaint(std::string text, Format format, Errc code = Errc::invalid) {
  auto document = parse_document("file", std::move(text), format);
  REQUIRE_FALSE(document);
  CHECK(document.error().code == code);
  return document.error().message;
}

// The same value in all three, its place aside.
void check_value(const Value& root) {
  REQUIRE(root.kind == Kind::object);
  CHECK(root.find("text")->string == "a b");
  CHECK(root.find("number")->integer == -42);
  CHECK(root.find("real")->real == doctest::Approx(1.5));
  CHECK(root.find("yes")->boolean);
  CHECK(root.find("quoted")->kind == Kind::string);
  CHECK(root.find("quoted")->string == "42");
  REQUIRE(root.find("list")->items.size() == 2);
  CHECK(root.find("list")->items[1].string == "y");
  CHECK(root.find("table")->find("inner")->integer == 7);
  CHECK(root.find("nothing") == nullptr);
}

}  // namespace

TEST_CASE("document: three formats, one value") {
  check_value(parsed(R"({"text": "a b", "number": -42, "real": 1.5, "yes": true, "quoted": "42",
                        "list": ["x", "y"], "table": {"inner": 7}})",
                     Format::json)
                  .root);
  check_value(parsed("text: a b\nnumber: -42\nreal: 1.5\nyes: true\nquoted: '42'\nlist: [x, y]\n"
                     "table:\n  inner: 7\n",
                     Format::yaml)
                  .root);
  check_value(parsed("text = 'a b'\nnumber = -42\nreal = 1.5\nyes = true\nquoted = '42'\n"
                     "list = ['x', 'y']\n[table]\ninner = 7\n",
                     Format::toml)
                  .root);
}

TEST_CASE("document: JSON may have comments and trailing commas, and texts that look like them") {
  const auto root = parsed(
                        "\xef\xbb\xbf// top\n{ /* in\n between */ \"url\": \"http://x/*y*/,]\", "
                        "\"a\": [1, 2,],\n}\n",
                        Format::json)
                        .root;
  CHECK(root.find("url")->string == "http://x/*y*/,]");
  CHECK(root.find("a")->items.size() == 2);
  CHECK(complaint("{\"a\": 1,, \"b\": 2}", Format::json).find("file:1:") == 0);
}

TEST_CASE("document: places are those of the file") {
  const auto json =
      parsed("{\n  // comment\n  \"key\": [\n    {\"inner\": true}\n  ]\n}\n", Format::json);
  CHECK(json.root.members[0].at.line == 3);
  CHECK(json.root.members[0].at.column == 3);
  CHECK(json.root.members[0].value.items[0].at.line == 4);
  const auto yaml = parsed("a: 1\nkey:\n  - inner: x\n", Format::yaml);
  CHECK(yaml.root.members[1].value.items[0].members[0].at.line == 3);
  CHECK(yaml.root.members[1].value.items[0].members[0].at.column == 5);
  const auto toml = parsed("a = 1\n[[apps]]\n  inner = 'x'\n", Format::toml);
  const auto* apps = toml.root.find("apps");
  REQUIRE(apps != nullptr);
  CHECK(apps->items[0].members[0].at.line == 3);
  CHECK(apps->items[0].members[0].at.column == 3);
}

TEST_CASE("document: a fault is shown with its line and a caret") {
  const std::string json = complaint("{\n  \"a\": tru\n}\n", Format::json);
  CHECK(json.find("file:2:") == 0);
  CHECK(json.find("\n  2 |   \"a\": tru\n") != std::string::npos);
  CHECK(json.ends_with("^"));
  CHECK(complaint("a: [1, 2\n", Format::yaml).find("file:") == 0);
  CHECK(complaint("a = \n", Format::toml).find("file:1:") == 0);
}

TEST_CASE("document: YAML plain scalars follow 1.2: no and on are texts") {
  const auto root =
      parsed("a: no\nb: on\nc: ~\nd: 0x10\ne: 1e3\nf: \"true\"\ng: '~'\nh: +5\ni: .5\nj:\n",
             Format::yaml)
          .root;
  CHECK(root.find("a")->string == "no");
  CHECK(root.find("b")->string == "on");
  CHECK(root.find("c")->kind == Kind::null);
  CHECK(root.find("d")->kind == Kind::string);
  CHECK(root.find("e")->real == 1000);
  CHECK(root.find("f")->kind == Kind::string);
  CHECK(root.find("g")->kind == Kind::string);
  CHECK(root.find("h")->integer == 5);
  CHECK(root.find("i")->real == doctest::Approx(0.5));
  CHECK(root.find("j")->kind == Kind::null);
}

TEST_CASE("document: JSON that says two things, or nothing, is JSON all the same") {
  CHECK(complaint("{\"a\": 1, // one\n \"a\": 2}", Format::json, Errc::conflict)
            .find("2:2: 'a' stands here twice") != std::string::npos);
  CHECK(complaint("[1e400]", Format::json, Errc::conflict).find("out of range") !=
        std::string::npos);
}

TEST_CASE("document: YAML merge keys, duplicates and aliases that multiply") {
  const auto root =
      parsed("one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall:\n  <<: [*one, *two]\n  a: 0\n",
             Format::yaml)
          .root;
  const auto* all = root.find("all");
  CHECK(all->find("a")->integer == 0);
  CHECK(all->find("b")->integer == 1);
  CHECK(all->find("c")->integer == 2);
  CHECK(complaint("a: 1\na: 2\n", Format::yaml).find("twice") != std::string::npos);
  std::string bomb = "l0: &l0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto before = "*l" + std::to_string(i - 1);
    bomb += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k)
      bomb += (k > 0 ? "," : "") + before;
    bomb += "]\n";
  }
  CHECK(complaint(bomb, Format::yaml).find("too many") != std::string::npos);
  CHECK(complaint("a: 1\n---\nb: 2\n", Format::yaml).find("several") != std::string::npos);
  CHECK(parsed("# x\n---\na: 1\n", Format::yaml).root.find("a")->integer == 1);
  (void)parse_document("file", ",&,", Format::yaml);  // ends
}

TEST_CASE("document: escapes of a hostile file do not reach the message") {
  CHECK(complaint("a = \x1b[2J\n", Format::toml).find("\x1b") == std::string::npos);
}

TEST_CASE("document: the text of a decimal number is as it is written") {
  const auto yaml =
      parsed("a: 1.10\nb: 007\nc: 12345678901234567890\nd: -0.50\ne: 0x1F\nf: 1e3\n", Format::yaml);
  const auto text = [&yaml](std::string_view key) { return text_of(*yaml.root.find(key)); };
  CHECK(text("a") == "1.10");
  CHECK(text("b") == "007");
  CHECK(text("c") == "12345678901234567890");
  CHECK(text("d") == "-0.50");
  CHECK(text("f") == "1000");
  const auto toml = parsed(
      "\"ö\" = \"é\"\ntable = { a = \"é\", b = 1.10 } # x\nlist = [2.50,-3.0]\nbig = 1_000.50",
      Format::toml);
  CHECK(text_of(*toml.root.find("table")->find("b")) == "1.10");
  CHECK(text_of(toml.root.find("list")->items[0]) == "2.50");
  CHECK(text_of(toml.root.find("list")->items[1]) == "-3.0");
  CHECK(text_of(*toml.root.find("big")) == "1000.5");
  CHECK(text_of(*parsed("[1.10, 7]", Format::json).root.items.data()) == "1.1");
}
