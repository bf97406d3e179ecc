#include "ipc/socket.h"

#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "tests/support/temp_dir.h"

using namespace roost;
using namespace roost::ipc;

namespace {

std::string deep_directory(const test::TempDir& temp) {
  std::string path = temp.path();
  while (path.size() < 400)
    path += "/a-rather-long-directory-name";
  REQUIRE(make_dirs(path, 0700));
  return path;
}

UniqueFd accepted(const UniqueFd& listener) {
  pollfd waiting{listener.get(), POLLIN, 0};
  REQUIRE(::poll(&waiting, 1, 5000) == 1);
  Result<UniqueFd> fd = accept_unix(listener.get());
  REQUIRE(fd);
  REQUIRE(*fd);
  return std::move(*fd);
}

}  // namespace

TEST_CASE("socket: connect, accept and credentials, in a short and in a very deep directory") {
  const test::TempDir temp;
  for (const std::string& directory : {temp.path(), deep_directory(temp)}) {
    const std::string path = directory + "/roost.sock";
    const Result<UniqueFd> listener = listen_unix(path, {});
    REQUIRE_MESSAGE(listener, listener.error().message);
    const Result<UniqueFd> client = connect_unix(path);
    REQUIRE_MESSAGE(client, client.error().message);
    const UniqueFd server = accepted(*listener);
    CHECK(peer_credentials(server.get())->pid == ::getpid());
    CHECK(peer_credentials(server.get())->uid == ::geteuid());
    CHECK(::write(client->get(), "x", 1) == 1);
    char byte = 0;
    CHECK(::read(server.get(), &byte, 1) == 1);
    CHECK((::fcntl(server.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(server.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(listen_unix(path, {.replace_stale = true}).error().code == Errc::exists);
  }
}

TEST_CASE("socket: mode 0600 whatever the umask") {
  const test::TempDir temp;
  for (const mode_t mask : {0000, 0777}) {
    const std::string path = temp.path() + "/s" + std::to_string(mask);
    const mode_t old = ::umask(mask);
    const Result<UniqueFd> listener = listen_unix(path, {});
    ::umask(old);
    REQUIRE(listener);

    struct stat info {};

    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
  }
}

TEST_CASE("socket: nobody there is 'unavailable'") {
  const test::TempDir temp;
  const std::string path = temp.path() + "/roost.sock";
  CHECK(connect_unix(path).error().code == Errc::unavailable);
  CHECK(connect_unix(temp.path() + "/no/" + std::string(200, 'd') + "/roost.sock").error().code ==
        Errc::unavailable);
  (void)listen_unix(path, {});  // closed at once: a stale socket stays
  CHECK(connect_unix(path).error().code == Errc::unavailable);
}

TEST_CASE(
    "socket: a stale socket is replaced only by a caller that may, and never a file of another "
    "kind") {
  const test::TempDir temp;
  const std::string path = temp.path() + "/roost.sock";
  (void)listen_unix(path, {});
  CHECK(listen_unix(path, {}).error().code == Errc::conflict);
  const Result<UniqueFd> listener = listen_unix(path, {.replace_stale = true});
  REQUIRE(listener);
  CHECK(connect_unix(path));
  const std::string file = temp.path() + "/file";
  REQUIRE(write_file_atomic(file, "precious", 0600));
  CHECK(listen_unix(file, {.replace_stale = true}).error().code == Errc::conflict);
  CHECK(*read_file(file, 100) == "precious");
}

TEST_CASE("socket: a full backlog is 'try again', not 'nobody there'") {
  const test::TempDir temp;
  const std::string path = temp.path() + "/roost.sock";
  const Result<UniqueFd> listener = listen_unix(path, {.backlog = 0});
  REQUIRE(listener);
  const Result<UniqueFd> first = connect_unix(path);
  REQUIRE(first);
  Errc code = Errc::internal;
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 10; ++i) {
    Result<UniqueFd> more = connect_unix(path);
    if (!more) code = more.error().code;
    if (more) waiting.push_back(std::move(*more));
  }
  CHECK(code == Errc::timeout);
}

TEST_CASE("socket: accept without a client gives no descriptor") {
  const test::TempDir temp;
  const Result<UniqueFd> listener = listen_unix(temp.path() + "/s", {});
  const Result<UniqueFd> none = accept_unix(listener->get());
  REQUIRE(none);
  CHECK_FALSE(*none);
}
