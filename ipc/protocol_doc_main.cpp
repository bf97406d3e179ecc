// roost_protocol_doc > docs/protocol.md
#include <cstdio>

#include "ipc/protocol_doc.h"

int main() {
  return std::fputs(roost::ipc::protocol_document().c_str(), stdout) < 0 ? 1 : 0;
}
