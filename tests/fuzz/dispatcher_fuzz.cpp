// Requests of a hostile client: through the frame decoder, the dispatcher and the handlers into a
// real supervisor. Nothing may crash, no descriptor be left, no request be dropped unanswered, and
// the daemon must still know what it knew: what it lists can be listed.
//
// Harmless by what is missing: the spawner makes no process (fake_spawner.cpp), the pump's thread
// is not started and opens no file, there is no store, and nobody listens behind the keeper's
// socket. An input that begins with '{' is one payload a line, any other one a stream of frames.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop/loop.h"
#include "daemon/api/server.h"
#include "daemon/api/services.h"
#include "keeper/protocol.h"

using namespace roost;
using namespace roost::daemon;

namespace {

constexpr std::size_t kMostRequests = 32;  // of one input
constexpr int kRuns = 200;                 // that the keeper has room for

// The daemon as Daemon composes it, without what reaches out of the process.
class Rig {
 public:
  Rig()
      : worker_(loop_, 64),
        lanes_(Lanes::open_at(CgroupKind::none, "/nonexistent", "fuzz")),
        supervisor_({.loop = loop_,
                     .worker = worker_,
                     .bus = bus_,
                     .lanes = lanes_,
                     .home_id = "fuzz",
                     .log_dir = "/nonexistent",
                     .notify = {}}),
        pump_(pump_options()),
        keeper_(loop_, keeper_end(), supervisor_),
        spawner_({.keeper_fd = -1,
                  .originals = {},
                  .post = [this](auto task, Duration) { loop_.post(std::move(task)); }}),
        waits_(bus_, supervisor_),
        health_(loop_, worker_, bus_, supervisor_, "/nonexistent/roost"),
        dependencies_(loop_, worker_, bus_, supervisor_, "/nonexistent/roost"),
        policies_(loop_, worker_, bus_, supervisor_, "/nonexistent") {
    loop_.set_exception_handler([](std::string_view, std::string_view) { std::abort(); });
    supervisor_.connect(keeper_, spawner_, pump_);
    register_daemon_handlers(dispatcher_, services_);
    register_list_handlers(dispatcher_, services_);
    register_describe_handler(dispatcher_, services_);
    register_start_handlers(dispatcher_, services_);
    register_stop_handlers(dispatcher_, services_);
    register_log_handlers(dispatcher_, services_);
    register_apply_handlers(dispatcher_, services_);
    register_history_handler(dispatcher_, services_);
    register_jobs_handler(dispatcher_, services_);
    register_scale_handler(dispatcher_, services_);
    register_save_handlers(dispatcher_, services_);
    register_events_handler(dispatcher_, services_, bus_);
    if (!keeper_.start()) std::abort();
    keeper::Message hello;
    hello.type = keeper::Type::hello;
    hello.status = kRuns;
    hello.flags = kRuns * 4;
    tell(hello);
    keeper::Message ready;
    ready.type = keeper::Type::ready;
    tell(ready);
    while (!supervisor_.is_recovered())
      turn();
  }

  void request(std::uint32_t id, std::string_view payload) {
    dispatcher_.dispatch(ReplyTo(server_.handle(), SessionId{1}, id), payload);
    turn();
    turn();  // what the first one has posted
    hear();
  }

 private:
  Pump::Options pump_options() {
    Pump::Options options;
    options.post = [this](auto task) { loop_.post(std::move(task)); };
    return options;
  }

  UniqueFd keeper_end() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    peer_.reset(ends[0]);
    return UniqueFd(ends[1]);
  }

  void tell(const keeper::Message& message) const {
    if (::send(peer_.get(), &message, sizeof message, 0) != sizeof message) std::abort();
  }

  // The keeper reads all that comes and keeps nothing.
  void hear() const {
    keeper::Message message;
    while (::recv(peer_.get(), &message, sizeof message, MSG_DONTWAIT) > 0) {
    }
  }

  void turn() {
    bool done = false;
    loop_.post([&done] { done = true; });
    if (!loop_.run_until([&done] { return done; }, 10s)) std::abort();
  }

  loop::Loop loop_;
  loop::Worker worker_;
  Bus bus_{loop_};
  Lanes lanes_;
  UniqueFd peer_;
  TreeUsage usage_;
  Supervisor supervisor_;
  Pump pump_;
  KeeperLink keeper_;
  Spawner spawner_;
  Waits waits_;
  Health health_;
  Dependencies dependencies_;
  Policies policies_;
  Dispatcher dispatcher_;
  Services services_{.loop = loop_,
                     .supervisor = supervisor_,
                     .waits = waits_,
                     .pump = pump_,
                     .usage = usage_,
                     .health = health_,
                     .dependencies = dependencies_,
                     .policies = policies_,
                     .user = "nobody",
                     .program = "/nonexistent/roostd",
                     .keeper_pid = 1,
                     .started = Monotonic::now(),
                     .begin_end = [this] { services_.ending = true; },
                     .quit = [] {},
                     .renew_keeper = [](const auto& done) { done(ok()); },
                     .step_down = [] {},
                     .clients = [] { return std::size_t{1}; }};
  Server server_{loop_, dispatcher_, 1};
};

// Channels, pipes and log files count before an app is taken: as many as a daemon may open.
bool raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int lowest_free() {
  const int fd = ::dup(0);
  ::close(fd);
  return fd;
}

void send_lines(Rig& rig, std::string_view bytes) {
  for (std::uint32_t id = 1; id <= kMostRequests && !bytes.empty(); ++id) {
    const std::size_t end = bytes.find('\n');
    rig.request(id, bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
}

void send_frames(Rig& rig, std::string_view bytes) {
  ipc::FrameDecoder decoder(ipc::Side::daemon);
  decoder.feed(bytes);
  for (std::size_t n = 0; n < kMostRequests; ++n) {
    const auto frame = decoder.next();
    if (!frame || !*frame) return;
    rig.request((*frame)->id, (*frame)->payload);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool raised = raise_descriptors();
  static const bool warm = [] {
    Rig rig;  // opens what stays open: libuv's own descriptors
    rig.request(1, R"({"method":"app.list"})");
    return true;
  }();
  if (!raised || !warm) std::abort();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const int before = lowest_free();
  {
    Rig rig;
    if (bytes.starts_with('{'))
      send_lines(rig, bytes);
    else
      send_frames(rig, bytes);
    rig.request(99, R"({"method":"app.jlist","params":{}})");
    rig.request(99, R"({"method":"app.describe","params":{"targets":["all"],"reveal":true}})");
  }
  if (lowest_free() != before) std::abort();  // a descriptor was left open
  return 0;
}
