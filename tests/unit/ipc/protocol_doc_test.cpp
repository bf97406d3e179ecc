#include "ipc/protocol_doc.h"

#include <doctest/doctest.h>

#include "core/base/fs.h"

TEST_CASE(
    "protocol document: docs/protocol.md is what the method table says (else run "
    "roost_protocol_doc)") {
  const roost::Result<std::string> text = roost::read_file(ROOST_PROTOCOL_MD, 1U << 20);
  REQUIRE(text);
  CHECK((*text == roost::ipc::protocol_document()));
}
