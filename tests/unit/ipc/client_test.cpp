#include "ipc/client.h"

#include <future>

#include <doctest/doctest.h>

#include "ipc/methods.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temp_dir.h"

using namespace roost;
using namespace roost::ipc;
using test::AfterLastScript;
using test::Peer;
using test::Script;
using test::ScriptedServer;

namespace {

const std::string kPong = to_json(PingReply{"9.9.9", 4711, 4710, 5});

void answer_ping(Peer& peer) {
  if (!peer.hello()) return;
  if (const auto request = peer.request()) peer.result(request->id, kPong);
}

// Takes the first request, then dies.
void die_after_request(Peer& peer) {
  if (peer.hello()) (void)peer.request();
}

// Answers like a daemon that hangs: until the client leaves.
void hang_after_request(Peer& peer) {
  if (!peer.hello()) return;
  (void)peer.request();
  peer.idle(10'000);
}

class Fixture {
 public:
  Fixture() : paths(*paths_for_home(temp.path())) {}

  [[nodiscard]] Result<Client> connect(const ConnectOptions& options = {}) const {
    return Client::connect(paths, options);
  }

  test::TempDir temp;
  Paths paths;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "client: hello, then a request and its reply") {
  const ScriptedServer server(paths, {answer_ping});
  Result<Client> client = connect();
  REQUIRE_MESSAGE(client, client.error().message);
  CHECK(client->hello().pid == 4711);
  const Result<PingReply> reply = client->call(kPing, EmptyRequest{});
  REQUIRE_MESSAGE(reply, reply.error().message);
  CHECK(reply->version == "9.9.9");
}

TEST_CASE_FIXTURE(Fixture, "client: in the quick way hello and request are there together") {
  const ScriptedServer server(paths, {answer_ping});
  Result<Client> client = Client::connect_quickly(paths);
  REQUIRE_MESSAGE(client, client.error().message);
  CHECK_FALSE(client->is_greeted());
  const Result<PingReply> reply = client->call(kPing, EmptyRequest{});
  REQUIRE_MESSAGE(reply, reply.error().message);
  CHECK(reply->version == "9.9.9");
  CHECK(client->is_greeted());
}

TEST_CASE_FIXTURE(Fixture, "client: who goes away before hello has carried out nothing") {
  const ScriptedServer server(paths, {[](Peer&) {}});
  Result<Client> client = Client::connect_quickly(paths);
  REQUIRE_MESSAGE(client, client.error().message);
  const TimePoint begin = Monotonic::now();
  const Result<PingReply> reply = client->call(kPing, EmptyRequest{});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::io);
  CHECK_FALSE(client->is_greeted());
  CHECK(Monotonic::now() - begin <
        5s);  // a new daemon has to be started: no patience with this one
}

TEST_CASE_FIXTURE(Fixture, "client: what must not be carried out twice does not go before hello") {
  const ScriptedServer server(paths, {answer_ping});
  Result<Client> client = Client::connect_quickly(paths);
  REQUIRE_MESSAGE(client, client.error().message);
  const Result<StartReply> reply = client->call(kRestart, RestartRequest{});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::internal);
}

TEST_CASE_FIXTURE(Fixture, "client: the daemon's error comes back with code and hint") {
  const ScriptedServer server(
      paths, {[](Peer& peer) {
        if (peer.hello())
          peer.error(peer.request()->id,
                     Error{Errc::not_found, "no app 'apl'", "did you mean 'api'?"});
      }});
  Result<Client> client = connect();
  const Result<ListReply> reply = client->call(kList, TargetsRequest{{"apl"}, {}});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::not_found);
  CHECK(reply.error().hint == "did you mean 'api'?");
}

TEST_CASE_FIXTURE(
    Fixture,
    "client: a reply of many frames, with keep-alives and late replies of others between them") {
  ListReply list;
  list.instances.resize(3000);
  for (InstanceInfo& instance : list.instances)
    instance.name = "app";
  const ScriptedServer server(paths, {[&list](Peer& peer) {
                                if (!peer.hello()) return;
                                const auto request = peer.request();
                                peer.result(request->id + 77, kPong);
                                peer.keep_alive();
                                peer.result(request->id, to_json(list));
                              }});
  Result<Client> client = connect();
  const Result<ListReply> reply = client->call(kList, TargetsRequest{});
  REQUIRE_MESSAGE(reply, reply.error().message);
  CHECK(reply->instances.size() == 3000);
}

TEST_CASE_FIXTURE(
    Fixture,
    "client: a document goes to the sink; an error instead, or the sink's own, comes back") {
  const std::string document(200'000, 'd');
  const Script send_document = [&document](Peer& peer) {
    if (peer.hello()) peer.message(FrameType::document, peer.request()->id, document);
  };
  const ScriptedServer server(
      paths, {send_document, send_document, [](Peer& peer) {
                if (peer.hello())
                  peer.error(peer.request()->id, Error{Errc::conflict, "not now", {}});
              }});
  std::string got;
  REQUIRE(
      connect()->call_document(kJlist, TargetsRequest{}, [&got](std::string_view bytes) -> Status {
        got += bytes;
        return ok();
      }));
  CHECK((got == document));
  const auto full = [](std::string_view) -> Status {
    return Error{Errc::io, "stdout: no space left", {}};
  };
  const Status refused = connect()->call_document(kJlist, TargetsRequest{}, full);
  REQUIRE_FALSE(refused);
  CHECK(connect()->call_document(kJlist, TargetsRequest{}, full).error().message == "not now");
}

TEST_CASE_FIXTURE(Fixture, "client: nobody there is 'unavailable', at once") {
  const TimePoint before = Monotonic::now();
  const Result<Client> client = connect();
  REQUIRE_FALSE(client);
  CHECK(client.error().code == Errc::unavailable);
  CHECK(Monotonic::now() - before < 2s);
}

TEST_CASE_FIXTURE(Fixture, "client: with patience it waits for a daemon that is just starting") {
  std::future<bool> connected =
      std::async(std::launch::async, [this] { return connect({.patience = 10s}).has_value(); });
  const ScriptedServer server(paths, {answer_ping});
  CHECK(connected.get());
}

TEST_CASE_FIXTURE(Fixture,
                  "client: when the daemon dies under it, a repeatable request is sent again") {
  const ScriptedServer server(paths, {die_after_request, die_after_request, answer_ping});
  Result<Client> client = connect();
  const Result<PingReply> reply = client->call(kPing, EmptyRequest{});
  REQUIRE_MESSAGE(reply, reply.error().message);
  CHECK(reply->pid == 4711);
}

TEST_CASE_FIXTURE(Fixture,
                  "client: a daemon that dies in the middle of its reply is asked again, and "
                  "nothing of the first one is left") {
  const ScriptedServer server(paths, {[](Peer& peer) {
                                        if (!peer.hello()) return;
                                        std::string bytes;
                                        append_frame(bytes, FrameType::result, peer.request()->id,
                                                     R"({"version":"half)", true);
                                        peer.send(bytes);
                                      },
                                      answer_ping});
  CHECK(connect()->call(kPing, EmptyRequest{})->version == "9.9.9");
}

TEST_CASE_FIXTURE(Fixture, "client: a daemon that dies during hello is met again") {
  const ScriptedServer server(
      paths, {[](Peer& peer) { (void)peer.request(); }, [](Peer&) {}, answer_ping});
  Result<Client> client = connect();
  REQUIRE_MESSAGE(client, client.error().message);
  CHECK(client->call(kPing, EmptyRequest{}));
}

TEST_CASE_FIXTURE(
    Fixture,
    "client: a request that may have been carried out is not repeated when that is not safe") {
  const ScriptedServer server(paths, {die_after_request, answer_ping});
  Result<Client> client = connect();
  const Result<StartReply> reply = client->call(kRestart, RestartRequest{{"all"}, true});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::unavailable);
  CHECK(reply.error().message ==
        "the daemon went away during 'app.restart'; it may have been carried out");
  CHECK(client->call(kPing, EmptyRequest{}));  // and the client is usable again
}

TEST_CASE_FIXTURE(
    Fixture, "client: an unsafe request that could not be sent is sent on the next connection") {
  std::promise<void> closed;
  const ScriptedServer server(paths, {[&closed](Peer& peer) {
                                        (void)peer.hello();
                                        peer.close();
                                        closed.set_value();
                                      },
                                      [](Peer& peer) {
                                        if (peer.hello())
                                          peer.result(peer.request()->id, to_json(StartReply{}));
                                      }});
  Result<Client> client = connect();
  closed.get_future().wait();
  CHECK(client->call(kRestart, RestartRequest{{"all"}, true}));
}

TEST_CASE_FIXTURE(
    Fixture,
    "client: a document that broke off is repeated only when nothing has gone to the sink") {
  const auto collect = [](std::string& into) {
    return [&into](std::string_view bytes) -> Status {
      into += bytes;
      return ok();
    };
  };
  const ScriptedServer server(
      paths, {die_after_request,
              [](Peer& peer) {
                if (peer.hello()) peer.message(FrameType::document, peer.request()->id, "whole");
              },
              [](Peer& peer) {
                if (!peer.hello()) return;
                std::string bytes;
                append_frame(bytes, FrameType::document, peer.request()->id, "half", true);
                peer.send(bytes);
              }});
  std::string whole;
  CHECK(connect()->call_document(kJlist, TargetsRequest{}, collect(whole)));
  CHECK(whole == "whole");
  std::string half;
  CHECK_FALSE(connect()->call_document(kJlist, TargetsRequest{}, collect(half)));
  CHECK(half == "half");
}

TEST_CASE_FIXTURE(Fixture,
                  "client: a daemon that dies each time is given up when the time is over") {
  const ScriptedServer server(paths, {die_after_request}, AfterLastScript::repeat);
  Result<Client> client = connect({.retry_for = 200ms});
  const TimePoint before = Monotonic::now();
  const Result<PingReply> reply = client->call(kPing, EmptyRequest{});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::unavailable);
  CHECK(Monotonic::now() - before < 5s);
}

TEST_CASE_FIXTURE(Fixture, "client: the caller's limit ends the repeating too") {
  const ScriptedServer server(paths, {die_after_request}, AfterLastScript::repeat);
  Result<Client> client = connect();
  const TimePoint before = Monotonic::now();
  const Result<PingReply> reply = client->call(kPing, EmptyRequest{}, {.limit = 150ms});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::timeout);
  CHECK(Monotonic::now() - before < 5s);
}

TEST_CASE_FIXTURE(Fixture, "client: a hung daemon is told with its pid") {
  const ScriptedServer server(paths, {hang_after_request});
  Result<Client> client = connect({.silence = 100ms});
  const TimePoint before = Monotonic::now();
  const Result<StartReply> reply = client->call(kStart, StartRequest{});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::unavailable);
  CHECK(reply.error().message ==
        "the daemon does not answer (pid 4711): no sign of life for 100ms");
  CHECK(Monotonic::now() - before >= 100ms);
}

TEST_CASE_FIXTURE(
    Fixture, "client: a daemon that accepts and says nothing is told already when connecting") {
  const ScriptedServer server(paths, {[](Peer& peer) {
                                (void)peer.request();
                                peer.idle(10'000);
                              }});
  const Result<Client> client = connect({.silence = 100ms});
  REQUIRE_FALSE(client);
  CHECK(client.error().message.find("the daemon does not answer: no sign of life for 100ms") == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "client: keep-alives keep a long wait going, but not beyond the caller's limit") {
  const Script slow = [](Peer& peer) {
    if (!peer.hello()) return;
    const auto request = peer.request();
    for (int i = 0; i < 12; ++i) {
      peer.keep_alive();
      peer.idle(50);
    }
    peer.result(request->id, to_json(StartReply{{}, "done", {}, {}}));
  };
  const ScriptedServer server(paths, {slow, slow});
  CHECK(connect({.silence = 400ms})->call(kStart, StartRequest{})->note == "done");
  const Result<StartReply> late =
      connect({.silence = 400ms})->call(kStart, StartRequest{}, {.limit = 150ms});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timeout);
  CHECK(late.error().message == "no reply to 'app.start' within 150ms");
}

TEST_CASE_FIXTURE(Fixture,
                  "client: after a hello that failed the next call begins with hello again") {
  const ScriptedServer server(paths, {die_after_request,
                                      [](Peer& peer) {
                                        (void)peer.request();
                                        peer.idle(10'000);
                                      },
                                      answer_ping});
  Result<Client> client = connect({.silence = 500ms});
  CHECK_FALSE(client->call(kPing, EmptyRequest{}));
  CHECK(client->call(kPing, EmptyRequest{}));
}

TEST_CASE_FIXTURE(Fixture, "client: another protocol is refused with advice, never decoded") {
  const ScriptedServer server(paths, {[](Peer& peer) { (void)peer.hello(kProtocol + 1); }});
  const Result<Client> client = connect();
  REQUIRE_FALSE(client);
  CHECK(client.error().code == Errc::protocol);
  CHECK(client.error().hint.find("9.9.9") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "client: goes on with another protocol when it is told to") {
  const ScriptedServer server(paths, {[](Peer& peer) {
                                if (!peer.hello(kProtocol + 1)) return;
                                if (const auto request = peer.request())
                                  peer.result(request->id, kPong);
                              }});
  Result<Client> client = Client::connect(paths, {}, Protocol::any);
  REQUIRE(client);
  CHECK(client->hello().protocol == kProtocol + 1);
  CHECK(client->call(kPing, EmptyRequest{}));
}

TEST_CASE_FIXTURE(Fixture,
                  "client: a refusal before hello is told, also when the daemon closed at once") {
  const ScriptedServer server(
      paths, {[](Peer& peer) {
        peer.error(0, Error{Errc::unavailable, "1024 clients are connected", {}});
      }});
  const Result<Client> client = connect();
  REQUIRE_FALSE(client);
  CHECK(client.error().message == "1024 clients are connected");
}

TEST_CASE_FIXTURE(Fixture, "client: garbage is a protocol error, not a hang and not a crash") {
  const Script garbage = [](Peer& peer) {
    if (!peer.hello()) return;
    (void)peer.request();
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.idle(10'000);
  };
  const Script wrong_record = [](Peer& peer) {
    if (peer.hello()) peer.result(peer.request()->id, R"({"version":[]})");
  };
  const ScriptedServer server(paths, {garbage, wrong_record});
  CHECK(connect()->call(kPing, EmptyRequest{}).error().code == Errc::protocol);
  CHECK(connect()->call(kPing, EmptyRequest{}).error().code == Errc::protocol);
}

TEST_CASE_FIXTURE(Fixture, "client: a request larger than the daemon takes is refused here") {
  const ScriptedServer server(paths, {answer_ping});
  Result<Client> client = connect();
  const Result<ListReply> reply =
      client->call(kList, TargetsRequest{{std::string(2U << 20, 'x')}, {}});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::invalid);
  CHECK(client->call(kPing, EmptyRequest{}));
}
