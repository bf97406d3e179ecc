#include "core/model/instance_text.h"

#include <charconv>
#include <optional>

namespace roost::model {
namespace {

constexpr std::string_view kSlot = "{i}";
constexpr std::string_view kPort = "{port+i}";

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Puts `value` where `mark` begins at `at`, or the mark itself where it stands in braces once more;
// the place behind it.
std::size_t replace(std::string& text, std::size_t at, std::string_view mark,
                    const std::string& value) {
  const bool quoted = at > 0 && text[at - 1] == '{' && text.substr(at + mark.size(), 1) == "}";
  if (quoted) {
    text.replace(at - 1, mark.size() + 2, mark);
    return at - 1 + mark.size();
  }
  if (value.empty()) return at + mark.size();
  text.replace(at, mark.size(), value);
  return at + value.size();
}

}  // namespace

InstanceText::InstanceText(const AppSpec& spec, std::uint32_t slot)
    : on_(!spec.increment_var.empty()), slot_(std::to_string(slot)) {
  const auto port = spec.env.find("PORT");
  if (port == spec.env.end()) return;
  if (const auto number = number_in(port->second)) port_ = std::to_string(*number + slot);
}

std::string InstanceText::operator()(std::string_view text) const {
  std::string out(text);
  if (!on_) return out;
  for (std::size_t at = out.find('{'); at != std::string::npos; at = out.find('{', at)) {
    if (out.compare(at, kSlot.size(), kSlot) == 0)
      at = replace(out, at, kSlot, slot_);
    else if (out.compare(at, kPort.size(), kPort) == 0)
      at = replace(out, at, kPort, port_);
    else
      ++at;
  }
  return out;
}

std::map<std::string, std::string> instance_environment(const AppSpec& spec, std::uint32_t slot) {
  const InstanceText with(spec, slot);
  std::map<std::string, std::string> env;
  for (const auto& [name, value] : spec.env)
    env.emplace(name, with(value));
  if (spec.increment_var.empty()) return env;
  std::string& value = env[spec.increment_var];
  value = std::to_string(number_in(value).value_or(0) + slot);
  return env;
}

std::vector<std::string> instance_words(const AppSpec& spec, std::uint32_t slot) {
  std::vector<std::string> words;
  switch (spec.kind) {
    case ExecKind::direct:
      words = {spec.script};
      break;
    case ExecKind::interpreter:
      words = {spec.interpreter};
      words.insert(words.end(), spec.interpreter_args.begin(), spec.interpreter_args.end());
      words.push_back(spec.script);
      break;
    case ExecKind::shell:
      words = {"/bin/sh", "-c", spec.script,
               spec.name};  // the name is $0: it stands before the shell's messages
      break;
  }
  const InstanceText with(spec, slot);
  for (const std::string& arg : spec.args)
    words.push_back(with(arg));
  return words;
}

}  // namespace roost::model
