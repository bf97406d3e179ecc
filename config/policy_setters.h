// How the fields are taken that say when an app is restarted, stopped and watched, and as what it
// runs: each has its own words (setters.h has what fields of one type share).
#pragma once

#include "config/setters.h"

namespace roost::config {

Fault set_autorestart(const Value& value, AppConfig& app);
Fault set_exit_codes(const Value& value, AppConfig& app);
Fault set_max_restarts(const Value& value, AppConfig& app);
Fault set_stop_signal(const Value& value, AppConfig& app);
Fault set_treekill(const Value& value, AppConfig& app);
Fault set_watch(const Value& value, AppConfig& app);
Fault accept_table(const Value& value, AppConfig& app);
Fault set_cron(const Value& value, AppConfig& app);
Fault set_type(const Value& value, AppConfig& app);
Fault set_schedule(const Value& value, AppConfig& app);
Fault set_timezone(const Value& value, AppConfig& app);
Fault set_memory(const Value& value, AppConfig& app);
Fault set_memory_max(const Value& value, AppConfig& app);
Fault set_umask(const Value& value, AppConfig& app);
Fault set_rlimits(const Value& value, AppConfig& app);
Fault set_filter_env(const Value& value, AppConfig& app);
Fault set_name_prefix(const Value& value, AppConfig& app);
Fault set_append_env(const Value& value, AppConfig& app);

}  // namespace roost::config
