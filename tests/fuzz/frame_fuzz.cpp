// The frame decoder and what follows it, fed with arbitrary bytes in arbitrary pieces, as either
// side.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ipc/envelope.h"
#include "ipc/frame.h"

using namespace roost::ipc;

namespace {

// Cuts the input at sizes taken from the input itself.
template <class Take>
void in_pieces(std::string_view bytes, Take take) {
  while (!bytes.empty()) {
    const std::size_t piece = 1U + static_cast<unsigned char>(bytes[0]) % 97U;
    take(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
}

void decode_as(Side side, std::string_view bytes) {
  FrameDecoder decoder(side);
  MessageAssembler assembler(4096);
  std::size_t fed = 0;
  std::size_t given = 0;
  in_pieces(bytes, [&](std::string_view piece) {
    decoder.feed(piece);
    fed += piece.size();
    for (;;) {
      roost::Result<std::optional<Frame>> next = decoder.next();
      if (!next || !*next) break;
      given += kFrameHeaderBytes + (*next)->payload.size();
      if (given > fed) std::abort();
      if (side == Side::daemon) (void)decode_request((*next)->payload);
      if (side == Side::client) (void)assembler.add(std::move(**next));
    }
    if (decoder.pending() > fed - given) std::abort();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  decode_as(Side::daemon, bytes);
  decode_as(Side::client, bytes);
  (void)decode_error(bytes);
  return 0;
}
