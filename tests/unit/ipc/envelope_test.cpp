#include "ipc/envelope.h"

#include <doctest/doctest.h>

#include "ipc/methods.h"
#include "ipc/version.h"

using namespace roost;
using namespace roost::ipc;

namespace {

std::string problem(std::string_view payload) {
  const Result<RequestEnvelope> envelope = decode_request(payload);
  return envelope ? "" : envelope.error().message;
}

}  // namespace

TEST_CASE("envelope: a request comes back with its method and parameters") {
  StartRequest request;
  request.targets = {"api", "web#1"};
  request.wait = false;
  const std::string payload = encode_request(kStart, request);
  CHECK(decode_request(payload)->first_sent == 0);
  const auto again = decode_request(sent_again(payload, 1'700'000'000'123));
  REQUIRE(again);
  CHECK(again->first_sent == 1'700'000'000'123);
  CHECK(again->method == "app.start");
  CHECK(again->params);
  CHECK(payload ==
        R"({"method":"app.start","params":{"targets":["api","web#1"],"wait":false,"command":"","autostart":true}})");
  const Result<RequestEnvelope> envelope = decode_request(payload);
  REQUIRE(envelope);
  CHECK(envelope->method == "app.start");
  const Result<StartRequest> back = decode<StartRequest>(envelope->params, "params");
  REQUIRE(back);
  CHECK(back->targets == request.targets);
  CHECK_FALSE(back->wait);
}

TEST_CASE("envelope: absent params are an empty object, so that required fields are still missed") {
  const Result<RequestEnvelope> envelope = decode_request(R"({"method":"app.restart"})");
  REQUIRE(envelope);
  CHECK(decode<TargetsRequest>(envelope->params, "params"));
  CHECK(decode<RestartRequest>(envelope->params, "params").error().message ==
        "params.targets: missing");
}

TEST_CASE("envelope: what is no request is told so") {
  CHECK(problem("") == "request: line 1, column 1: expected a value, got the end");
  CHECK(problem("[]") == "request: expected object, got array");
  CHECK(problem("{}") == "request: no 'method'");
  CHECK(problem(R"({"method":5})") == "request: no 'method'");
  CHECK(problem(R"({"method":"x","params":[]})") == "request: params: expected object, got array");
  CHECK(problem(R"({"method":"x","params":null})") == "request: params: expected object, got null");
}

TEST_CASE("envelope: an error keeps code, message and hint; garbage becomes a protocol error") {
  const Error error =
      decode_error(encode_error(Error{Errc::not_found, "no app 'apl'", "did you mean 'api'?"}));
  CHECK(error.code == Errc::not_found);
  CHECK(error.message == "no app 'apl'");
  CHECK(error.hint == "did you mean 'api'?");
  CHECK(decode_error("garbage").code == Errc::protocol);
  CHECK(decode_error(R"({"code":"newer_code","message":"m"})").code == Errc::internal);
}

TEST_CASE("envelope: a reply that is not the record is a protocol error with the method's name") {
  const Result<PingReply> reply = decode_reply(kPing, R"({"version":5})");
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::protocol);
  CHECK(reply.error().message.find(
            "reply to 'daemon.ping': version: expected string, got integer") == 0);
}

TEST_CASE("hello: another protocol is refused by a sentence that tells what to do") {
  CHECK(check_hello(HelloReply{kProtocol, "9.9.9", 1, 2}));
  CHECK(check_hello(make_hello()));
  const Status newer = check_hello(HelloReply{kProtocol + 1, "9.9.9", 77, 2});
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == Errc::protocol);
  CHECK(newer.error().message.find("the running daemon is version 9.9.9") != std::string::npos);
  CHECK(newer.error().hint.find("use the roost of version 9.9.9") == 0);
  const Status older = check_hello(HelloReply{kProtocol - 1, "0.0.1", 77, 2});
  REQUIRE_FALSE(older);
  CHECK(older.error().hint.find("'roost update'") != std::string::npos);
  CHECK_FALSE(check_hello(HelloRequest{kProtocol + 1, "9.9.9", 5}));
}

TEST_CASE(
    "hello: what replaces and ends a daemon is in every protocol, with requests that are empty") {
  std::size_t found = 0;
  const auto look = [&]<class Req, class Rep>(const Method<Req, Rep>& method) {
    if (!is_in_every_protocol(method.name)) return;
    ++found;
    CHECK(std::is_same_v<Req, EmptyRequest>);
  };
  std::apply([&](const auto&... method) { (look(method), ...); }, kMethods);
  CHECK(found == 3);
}

TEST_CASE("methods: names are unique and every record has a line of documentation for each field") {
  std::vector<std::string_view> names;
  const auto check_field = [](const auto& field) { CHECK(std::string_view(field.doc).size() > 2); };
  const auto check_fields = [&]<class T>(const T&) {
    std::apply([&](const auto&... field) { (check_field(field), ...); }, T::fields());
  };
  const auto check = [&]<class Req, class Rep>(const Method<Req, Rep>& method) {
    for (const std::string_view other : names)
      CHECK(other != method.name);
    names.push_back(method.name);
    CHECK(method.doc.size() > 5);
    check_fields(Req{});
    check_fields(Rep{});
  };
  std::apply([&](const auto&... method) { (check(method), ...); }, kMethods);
}
