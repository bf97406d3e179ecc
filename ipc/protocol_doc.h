// docs/protocol.md, generated from the method table and the records' field lists. Not part of the
// product: linked into the program `roost_protocol_doc` and into the test that fails when the
// document is stale.
#pragma once

#include <string>

namespace roost::ipc {

[[nodiscard]] std::string protocol_document();

}  // namespace roost::ipc
