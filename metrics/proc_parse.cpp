#include "metrics/proc_parse.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace roost::metrics {
namespace {

Error malformed(const char* what) {
  return Error{Errc::protocol, what, {}};
}

// Numbers separated by spaces, as the kernel prints them.
class Fields {
 public:
  explicit Fields(std::string_view text) : text_(text) {}

  template <class T>
  bool next(T& value) {
    const std::string_view word = next_word();
    if (word.empty()) return false;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc{} && end == word.data() + word.size();
  }

  bool skip(int count) {
    for (int i = 0; i < count; ++i)
      if (next_word().empty()) return false;
    return true;
  }

  std::string_view next_word() {
    const std::size_t begin = text_.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return {};
    text_.remove_prefix(begin);
    const std::string_view word = text_.substr(0, text_.find_first_of(" \n"));
    text_.remove_prefix(word.size());
    return word;
  }

 private:
  std::string_view text_;
};

// Fields 3 to 24 of proc(5).
bool parse_rest(Fields& fields, ProcStat& stat) {
  const std::string_view state = fields.next_word();
  if (state.size() != 1) return false;
  stat.state = state.front();
  std::int64_t threads = 0;
  std::int64_t rss = 0;
  const bool complete = fields.next(stat.ppid) && fields.next(stat.pgrp) &&
                        fields.next(stat.session) && fields.skip(7) &&  // terminal, flags, faults
                        fields.next(stat.user_ticks) && fields.next(stat.system_ticks) &&
                        fields.skip(4) &&  // of the children, priority, nice
                        fields.next(threads) && fields.skip(1) && fields.next(stat.start_ticks) &&
                        fields.next(stat.vsize_bytes) && fields.next(rss);
  if (!complete || threads < 0) return false;
  stat.threads = static_cast<std::uint32_t>(std::min<std::int64_t>(threads, UINT32_MAX));
  stat.rss_pages = rss > 0 ? static_cast<std::uint64_t>(rss)
                           : 0;  // counted per CPU: may be below zero for a moment
  return true;
}

}  // namespace

Result<ProcStat> parse_stat(std::string_view text) {
  ProcStat stat;
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');  // the name may hold ')' itself; nothing after it does
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return malformed("stat has no name in parentheses");
  Fields before(text.substr(0, open));
  if (!before.next(stat.pid) || stat.pid <= 0) return malformed("stat has no pid");
  const std::string_view name = text.substr(open + 1, close - open - 1);
  std::memcpy(stat.comm.data(), name.data(), std::min(name.size(), stat.comm.size() - 1));
  Fields rest(text.substr(close + 1));
  if (!parse_rest(rest, stat)) return malformed("stat has a field that is missing or no number");
  return stat;
}

Result<ProcStatm> parse_statm(std::string_view text) {
  ProcStatm statm;
  Fields fields(text);
  if (!fields.next(statm.size_pages) || !fields.next(statm.resident_pages) ||
      !fields.next(statm.shared_pages))
    return malformed("statm has a field that is missing or no number");
  return statm;
}

}  // namespace roost::metrics
