#include "cli/keeper_search.h"

#include <charconv>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"

namespace roost::cli {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

constexpr std::size_t kMaxCommandLine = 64U << 10;

bool is_ours(const std::string& proc) {
  struct stat st {};

  return ::stat(proc.c_str(), &st) == 0 && st.st_uid == ::geteuid();
}

// "…/roost-keeper\0--home\0<home>\0…"
bool is_keeper_of(std::string_view command_line, std::string_view home) {
  const auto program = command_line.substr(0, command_line.find('\0'));
  const auto name = program.substr(program.rfind('/') + 1);
  if (name != "roost-keeper") return false;
  std::string option("\0--home\0", 8);
  option.append(home).append(1, '\0');
  return command_line.substr(program.size()).starts_with(option);
}

}  // namespace

pid_t find_keeper(const std::string& home) {
  const std::unique_ptr<DIR, CloseDir> proc(::opendir("/proc"));
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    pid_t pid = 0;
    const std::string_view name(entry->d_name);
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    const std::string directory = "/proc/" + std::string(name);
    if (!is_ours(directory)) continue;
    const auto command_line = read_file(directory + "/cmdline", kMaxCommandLine);
    if (command_line && is_keeper_of(*command_line, home)) return pid;
  }
  return 0;
}

}  // namespace roost::cli
