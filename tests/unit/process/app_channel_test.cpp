#include "daemon/process/app_channel.h"

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/loop/loop.h"
#include "core/model/limits.h"
#include "daemon/process/notify_socket.h"
#include "tests/support/temp_dir.h"

using namespace roost;
using namespace roost::daemon;

namespace {

// A channel, and the app's end of it.
struct Rig {
  Rig() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    app.reset(ends[1]);
    daemon_copy.reset(::dup(ends[0]));  // the keeper's
    open(UniqueFd(ends[0]));
  }

  void open(UniqueFd fd) {
    channel.emplace(
        loop, std::move(fd),
        AppChannel::Hooks{.on_ready = [this] { ++ready; }, .on_closed = [this] { ++closed; }});
  }

  // Lets the loop run for a while.
  void pass(Duration how_long) {
    (void)loop.run_until([] { return false; }, how_long);
  }

  void say(const std::string& text) const {
    REQUIRE(::send(app.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }

  [[nodiscard]] std::string heard() const {
    std::string text(4096, '\0');
    const ssize_t n = ::recv(app.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }

  loop::Loop loop;
  UniqueFd app;
  UniqueFd daemon_copy;
  std::optional<AppChannel> channel;
  int ready = 0;
  int closed = 0;
};

}  // namespace

TEST_CASE("channel: a word is heard between others, however it is cut") {
  Rig rig;
  rig.say("{\"type\":\"noise\"}\n\"rea");
  rig.pass(30ms);
  CHECK(rig.ready == 0);
  rig.say("dy\"\nnull\n");
  CHECK(rig.loop.run_until([&] { return rig.ready == 1; }, 10s));
}

TEST_CASE("channel: half a message is left for the next daemon") {
  Rig rig;
  rig.say("\"rea");
  rig.pass(50ms);
  rig.channel.reset();  // killed
  rig.open(UniqueFd(::dup(rig.daemon_copy.get())));
  rig.say("dy\"\n");
  CHECK(rig.loop.run_until([&] { return rig.ready == 1; }, 10s));
}

TEST_CASE("channel: a message too long is skipped, to its end and no further") {
  Rig rig;
  const int flags = ::fcntl(rig.app.get(), F_GETFL);
  REQUIRE(::fcntl(rig.app.get(), F_SETFL, flags & ~O_NONBLOCK) == 0);
  std::string piece(model::limits::kMaxChannelMessage / 2, 'x');
  for (int i = 0; i < 5; ++i) {
    rig.say(piece);
    rig.pass(20ms);
  }
  rig.say("\"ready\"\n");  // the end of the long one
  rig.pass(50ms);
  CHECK(rig.ready == 0);
  rig.say("\"ready\"\n");
  CHECK(rig.loop.run_until([&] { return rig.ready == 1; }, 10s));
}

TEST_CASE("channel: messages with descriptors are acknowledged, once each") {
  Rig rig;
  rig.say("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":1}\n\"ready\"\n");
  CHECK(rig.loop.run_until([&] { return rig.ready == 1; }, 10s));
  rig.pass(10ms);
  CHECK(rig.heard() == "{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
}

TEST_CASE("channel: shutdown is sent as long as the app can hear it") {
  Rig rig;
  CHECK(rig.channel->send_shutdown());
  CHECK(rig.heard() == "\"shutdown\"\n");
  rig.app.reset();
  CHECK(rig.loop.run_until([&] { return rig.closed == 1; }, 10s));
  CHECK_FALSE(rig.channel->send_shutdown());
}

TEST_CASE("notify socket: the sender is the kernel's word, and what waits is heard later") {
  const roost::test::TempDir dir;
  const std::string path = dir.path() + "/notify.sock";
  auto bound = NotifySocket::bind(path, 0600);
  REQUIRE(bound);
  const UniqueFd app(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto say = [&](const std::string& text) {
    return ::sendto(app.get(), text.data(), text.size(), 0,
                    reinterpret_cast<const sockaddr*>(&address), sizeof address) > 0;
  };
  REQUIRE(say("READY=1"));  // nobody listens yet
  loop::Loop loop;
  std::vector<std::pair<pid_t, std::string>> heard;
  NotifySocket socket(loop, std::move(*bound), [&](pid_t sender, std::string_view text) {
    heard.emplace_back(sender, std::string(text));
    return true;
  });
  REQUIRE(say(std::string(60'000, 'x')));  // too long: ignored
  REQUIRE(say("WATCHDOG=1"));
  CHECK(loop.run_until([&] { return heard.size() == 2; }, 10s));
  CHECK(heard[0] == std::pair(::getpid(), std::string("READY=1")));
  CHECK(heard[1] == std::pair(::getpid(), std::string("WATCHDOG=1")));
}
