#include "core/base/result.h"

#include <cerrno>

#include <doctest/doctest.h>

using namespace roost;

TEST_CASE("result: every error code survives its name") {
  for (int i = 0; i <= static_cast<int>(Errc::unhealthy); ++i)
    CHECK(errc_from(to_string(static_cast<Errc>(i))) == static_cast<Errc>(i));
  CHECK(errc_from("from_the_future") == Errc::internal);
}

TEST_CASE("result: context goes in front, code and hint stay") {
  const Error error = Error{Errc::not_found, "no such directory", "make it"}
                          .context("cwd '/srv/x'")
                          .context("app 'api'");
  CHECK(error.message == "app 'api': cwd '/srv/x': no such directory");
  CHECK(error.hint == "make it");
  CHECK(error.code == Errc::not_found);
}

TEST_CASE("result: errno maps to the error codes") {
  CHECK(errno_error("open", EACCES).code == Errc::denied);
  CHECK(errno_error("open", ENOENT).code == Errc::not_found);
  CHECK(errno_error("open", EIO).code == Errc::io);
}
