#include "cli/parse_options.h"

#include "cli/cli11.h"
#include "core/base/lazy_statics.h"

ROOST_INITIALISERS(roost_cli11_init)

namespace roost::cli {
namespace {

// Binds one declared option. Words are not CLI11's business: it would split values like "[a,b]".
struct Bind {
  CLI::App& app;
  const ArgParser::Option& option;

  void operator()(bool* target) const { app.add_flag(std::string(option.names), *target); }

  void operator()(std::optional<std::string>* target) const {
    app.add_option_function<std::string>(std::string(option.names),
                                         [target](const std::string& value) { *target = value; })
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  void operator()(std::vector<std::string>* target) const {
    app.add_option(std::string(option.names), *target)->allow_extra_args(false);
  }
};

void add_globals(CLI::App& app, GlobalOptions& options) {
  const std::array<bool GlobalOptions::*, kGlobalOptionNames.size()> members{
      &GlobalOptions::json, &GlobalOptions::no_colour, &GlobalOptions::silent, &GlobalOptions::help,
      &GlobalOptions::version};
  for (std::size_t i = 0; i < kGlobalOptionNames.size(); ++i)
    app.add_flag(std::string(kGlobalOptionNames[i]), options.*members[i]);
}

}  // namespace

Result<std::vector<std::string>> parse_options(const std::vector<ArgParser::Option>& options,
                                               GlobalOptions& globals, Args args) {
  [[maybe_unused]] static const bool once =
      (run_initialisers(__start_roost_cli11_init, __stop_roost_cli11_init), true);
  try {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    GlobalOptions seen;
    add_globals(app, seen);
    for (const auto& option : options)
      std::visit(Bind{app, option}, option.target);
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app.parse(std::move(reversed));
    globals.json |= seen.json;
    globals.no_colour |= seen.no_colour;
    globals.silent |= seen.silent;
    globals.help |= seen.help;
    globals.version |= seen.version;
    return app.remaining();
  } catch (const CLI::ArgumentMismatch& error) {  // "--name: 1 required TEXT missing"
    const std::string text = error.what();
    return Error{
        Errc::invalid, "option '" + text.substr(0, text.find(':')) + "' needs a value", {}};
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    if (!message.empty() && message.back() == '.') message.pop_back();
    return Error{Errc::invalid, std::move(message), {}};
  }
}

}  // namespace roost::cli
