// Our JSON parser against nlohmann's: both accept or both refuse, with the same value; what we
// write reads back the same. Known differences, by intent: NUL in strings and names used twice are
// refused by ours only.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/record_codec.h"
#include "ipc/messages/app_messages.h"

namespace {

constexpr roost::JsonLimits kLimits{.max_depth = 200};
using Oracle = nlohmann::ordered_json;

// True when the text has one of the things that only our parser refuses.
class OursOnly : public nlohmann::json_sax<Oracle> {
 public:
  bool found = false;

  bool null() override { return true; }

  bool boolean(bool) override { return true; }

  bool number_integer(std::int64_t) override { return true; }

  bool number_unsigned(std::uint64_t) override { return true; }

  bool number_float(double, const std::string&) override { return true; }

  bool string(std::string& text) override { return look_for_nul(text); }

  bool binary(Oracle::binary_t&) override { return true; }

  bool start_object(std::size_t) override {
    names_.emplace_back();
    return true;
  }

  bool key(std::string& name) override {
    for (const std::string& other : names_.back())
      found = found || other == name;
    names_.back().push_back(name);
    return look_for_nul(name);
  }

  bool end_object() override {
    names_.pop_back();
    return true;
  }

  bool start_array(std::size_t) override { return true; }

  bool end_array() override { return true; }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool look_for_nul(const std::string& text) {
    found = found || text.find('\0') != std::string::npos;
    return true;
  }

  std::vector<std::vector<std::string>> names_;
};

std::string written(roost::JsonRef value) {
  std::string text;
  roost::JsonWriter writer(text);
  write_json(writer, value);
  return text;
}

// Decoding from the text and by way of a DOM must agree. Names used twice where they are ignored
// are seen by the latter only.
template <class T>
void same_both_ways(std::string_view text, const roost::Result<roost::JsonValue>& dom) {
  const roost::Result<T> direct = roost::from_json<T>(text, kLimits);
  if (!dom) {
    if (direct && dom.error().message.find("twice") == std::string::npos) std::abort();
    return;
  }
  const roost::Result<T> by_dom = roost::decode<T>(dom->root());
  if (direct.has_value() != by_dom.has_value()) std::abort();
  if (direct ? roost::to_json(*direct) != roost::to_json(*by_dom)
             : direct.error().message != by_dom.error().message)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // nlohmann's skips a byte order mark and takes a NUL for the end.
  const bool lenient =
      text.substr(0, 3) == "\xEF\xBB\xBF" || text.find('\0') != std::string_view::npos;
  const roost::Result<roost::JsonValue> ours = roost::parse_json(text, kLimits);
  OursOnly known;
  const bool theirs_accept = Oracle::sax_parse(text, &known);
  const bool too_deep = !ours && ours.error().message.find("nested deeper") != std::string::npos;
  if (!ours && theirs_accept && !known.found && !lenient && !too_deep) std::abort();
  if (ours && !theirs_accept) std::abort();
  if (ours) {
    const std::string again = written(ours->root());
    if (Oracle::parse(again) != Oracle::parse(text)) std::abort();
    const roost::Result<roost::JsonValue> twice = roost::parse_json(again, kLimits);
    if (!twice || written(twice->root()) != again) std::abort();
    (void)roost::decode_strict<roost::ipc::StartRequest>(ours->root(), "params");
  }
  same_both_ways<roost::ipc::ListReply>(text, ours);
  same_both_ways<roost::ipc::StartRequest>(text, ours);
  return 0;
}
