#include "cli/logs/log_file_view.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace roost::cli {

Result<LogFileView> open_log_file(const std::string& path) {
  LogFileView view;
  // O_NONBLOCK: a FIFO must not hang the command.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return view;
  if (!fd) return errno_error("cannot read '" + path + "'", errno);

  struct stat st {};

  if (::fstat(fd.get(), &st) != 0) return errno_error("cannot read '" + path + "'", errno);
  if (!S_ISREG(st.st_mode)) return view;
  view.fd = std::move(fd);
  view.device = static_cast<std::uint64_t>(st.st_dev);
  view.inode = static_cast<std::uint64_t>(st.st_ino);
  view.size = static_cast<std::uint64_t>(st.st_size);
  view.modified_ns = st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
  return view;
}

std::string_view shown_line(std::string_view text, std::uint64_t whole_length,
                            std::string& storage) {
  text = text.substr(0, kMaxShownLine);
  if (whole_length <= text.size()) return text;
  storage.assign(text);
  storage += " … [+" + std::to_string(whole_length - text.size()) + " bytes]";
  return storage;
}

}  // namespace roost::cli
