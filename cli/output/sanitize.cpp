#include "cli/output/sanitize.h"

#include <fmt/format.h>

#include "cli/output/width.h"

namespace roost::cli {
namespace {

bool is_bidi(char32_t c) {
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

// Line and paragraph separators, and the tag characters that hide text.
bool is_hidden(char32_t c) {
  return c == 0x2028 || c == 0x2029 || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

// Length of a complete CSI sequence at the start of `text`, 0 if there is none.
std::size_t csi_length(std::string_view text) {
  std::size_t i = 2;
  while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3f)
    ++i;
  return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : 0;
}

// Length of a complete OSC (or DCS, APC, PM, SOS) sequence, ended by BEL or ESC \.
std::size_t string_length(std::string_view text) {
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] == '\a') return i + 1;
    if (text[i] == '\x1b') return i + 1 < text.size() && text[i + 1] == '\\' ? i + 2 : 0;
  }
  return 0;
}

std::size_t sequence_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b') return 0;
  if (text[1] == '[') return csi_length(text);
  return std::string_view("]PX^_").find(text[1]) != std::string_view::npos ? string_length(text)
                                                                           : 0;
}

void append_visible(std::string& out, char32_t c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c < 0x100) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
  } else {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  }
}

bool is_harmless(char32_t c) {
  if (c == '\t') return true;
  return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !is_bidi(c) && !is_hidden(c);
}

}  // namespace

std::string sanitize(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (const auto skip = sequence_length(text); skip != 0) {
      text.remove_prefix(skip);
      continue;
    }
    const auto c = decode_utf8(text);
    if (!c.valid) {
      append_visible(out, static_cast<unsigned char>(text[0]));
    } else if (is_harmless(c.value)) {
      out.append(text.substr(0, c.size));
    } else {
      append_visible(out, c.value);
    }
    text.remove_prefix(c.size);
  }
  return out;
}

}  // namespace roost::cli
