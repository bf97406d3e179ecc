#include "cli/commands/instance_report.h"

#include "cli/output/app_naming.h"

namespace roost::cli {

ExitCode report_instances(Invocation& invocation, const ipc::ListReply& reply,
                          std::string_view verb) {
  if (invocation.options.json) {
    invocation.show_json(reply);
    return ExitCode::ok;
  }
  SeveralInstances names;
  for (const auto& instance : reply.instances)
    names.add(instance);
  for (const auto& instance : reply.instances) {
    std::string line = std::string(verb) + " " + names.name_of(instance);
    if (instance.pid != 0) line += " (pid " + std::to_string(instance.pid) + ")";
    invocation.say(line);
  }
  return ExitCode::ok;
}

}  // namespace roost::cli
