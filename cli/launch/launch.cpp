#include "cli/launch/launch.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/unique_fd.h"
#include "core/base/words.h"
#include "core/model/limits.h"

namespace roost::cli {
namespace {

namespace limits = model::limits;

constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;

[[noreturn]] void end(const std::string& why, int status) {
  const std::string line = "roost: " + why + "\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());  // nobody else could be told
  ::_exit(status);
}

Error problem(std::string message) {
  return {Errc::io, std::move(message), {}};
}

Error too_long() {
  return problem("is larger than " + std::to_string(limits::kMaxSecretBytes >> 10U) + " KiB");
}

Result<std::string> read_plain_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));

  struct stat info {};

  if (!fd || ::fstat(fd.get(), &info) != 0)
    return problem("'" + path + "': " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return problem("'" + path + "' is no plain file");
  std::string text(limits::kMaxSecretBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return problem("'" + path + "': " + std::strerror(errno));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > limits::kMaxSecretBytes) return too_long().context("'" + path + "'");
  text.resize(size);
  return text;
}

Result<std::string> read_source(const model::SecretSource& source, const std::string& credentials) {
  switch (source.kind) {
    case model::SecretKind::file:
      return read_plain_file(source.what);
    case model::SecretKind::command:
      return command_output(source.what);
    case model::SecretKind::credential:
      break;
  }
  if (credentials.empty())
    return problem("there are no credentials: roost was started without $CREDENTIALS_DIRECTORY");
  return read_plain_file(credentials + "/" + source.what);
}

// The words of the command line, one after the other.
class Words {
 public:
  explicit Words(Args args) : left_(args) {}

  std::string take() {
    if (left_.empty()) misused();
    std::string word(left_.front());
    left_ = left_.subspan(1);
    return word;
  }

  std::size_t take_number() {
    const std::string word = take();
    std::size_t number = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || rest != word.data() + word.size()) misused();
    return number;
  }

  [[nodiscard]] std::vector<std::string> rest() const { return {left_.begin(), left_.end()}; }

  [[noreturn]] static void misused() {
    end("roost launch is for roostd: DIRECTORY COUNT NAME=SOURCE... PROGRAM ARGUMENTS...", 2);
  }

 private:
  Args left_;
};

}  // namespace

Result<std::string> find_secret(const model::SecretSource& source, const std::string& credentials) {
  auto value = read_source(source, credentials);
  if (!value) return value;
  while (value->ends_with('\n') || value->ends_with('\r'))
    value->pop_back();
  if (value->find('\0') != std::string::npos) return problem("holds a NUL byte");
  return value;
}

int run_launch(Args args) {
  Words words(args);
  std::string credentials = words.take();
  if (const char* own = ::getenv("CREDENTIALS_DIRECTORY"); own != nullptr) credentials = own;
  std::vector<std::pair<std::string, std::string>> values;
  for (std::size_t left = words.take_number(); left > 0; --left) {
    const std::string entry = words.take();
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) Words::misused();
    const std::string name = entry.substr(0, equals);
    const auto source = model::parse_secret_source(std::string_view(entry).substr(equals + 1));
    if (!source) end("env_from " + name + ": " + source.error().message, kLaunchFailed);
    auto value = find_secret(*source, credentials);
    if (!value) end("env_from " + name + ": " + value.error().message, kLaunchFailed);
    values.emplace_back(name, std::move(*value));
  }
  // Only now: no command sees the value of another.
  for (const auto& [name, value] : values)
    if (::setenv(name.c_str(), value.c_str(), 1) != 0)
      end("env_from " + name + ": " + std::strerror(errno), kLaunchFailed);
  std::vector<std::string> program = words.rest();
  if (program.empty()) Words::misused();
  ::execve(program.front().c_str(), pointers(program).data(), environ);
  const int failed = errno;
  end("exec '" + program.front() + "': " + std::strerror(failed),
      failed == ENOENT ? kNotFound : kCannotExecute);
}

}  // namespace roost::cli
