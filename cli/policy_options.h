// PolicyOptions: the options of `start` that set one field of the app each. Their values are taken
// as those of the field in a configuration file are.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cli/args.h"
#include "config/ecosystem.h"

namespace roost::cli {

class PolicyOptions {
 public:
  // The options refer to this object, which outlives the parser.
  void declare(ArgParser& parser);
  // Whether any of them was given.
  [[nodiscard]] bool any() const;
  // Puts what was given into `app`. Errc::invalid names the option that makes no sense.
  [[nodiscard]] Status apply(config::AppConfig& app) const;

 private:
  [[nodiscard]] bool given(std::string_view field) const;
  // What is for jobs only, and what does not go with one.
  [[nodiscard]] Status check_job(bool job) const;

  static constexpr std::size_t kValues = 25;
  static constexpr std::size_t kLists = 8;

  std::array<std::optional<std::string>, kValues> values_;
  std::array<std::vector<std::string>, kLists> lists_;
  bool watch_ = false;
  bool catch_up_ = false;
  bool no_treekill_ = false;
  bool no_new_privs_ = false;
  bool wait_ready_ = false;
  bool shutdown_with_message_ = false;
  bool time_ = false;
  bool merge_logs_ = false;
  bool tty_ = false;
  bool disable_logs_ = false;
};

}  // namespace roost::cli
