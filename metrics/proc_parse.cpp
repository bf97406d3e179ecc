#include "metrics/proc_parse.h"

#include <algorithm>
#include <charconv>

namespace roost::metrics {
namespace {

Error malformed(const char* what) { return Error{Errc::invalid, std::string("malformed /proc text: ") + what, {}}; }

// Numbers separated by blanks.
class Numbers {
 public:
  explicit Numbers(std::string_view text) : text_(text) {}

  template <class T>
  bool next(T& out) {
    skip_blanks();
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), out);
    if (error != std::errc{}) return false;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return true;
  }
  // Passes over `count` fields, whatever is in them.
  bool skip(int count) {
    for (; count > 0; --count) {
      skip_blanks();
      if (text_.empty()) return false;
      text_.remove_prefix(std::min(text_.find(' '), text_.size()));
    }
    return true;
  }

 private:
  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size())); }
  std::string_view text_;
};

}  // namespace

Result<ProcStat> parse_stat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');  // the name may hold parentheses itself
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return malformed("no name");
  ProcStat stat;
  if (!Numbers(text.substr(0, open)).next(stat.pid)) return malformed("no pid");
  const std::string_view name = text.substr(open + 1, std::min(close - open - 1, stat.comm.size() - 1));
  std::copy(name.begin(), name.end(), stat.comm.begin());
  std::string_view rest = text.substr(close + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (rest.empty()) return malformed("no state");
  stat.state = rest.front();
  Numbers fields(rest.substr(1));
  // Fields 4 to 24 of proc(5).
  const bool good = fields.next(stat.ppid) && fields.next(stat.pgrp) && fields.next(stat.session) && fields.skip(7) &&
                    fields.next(stat.user_ticks) && fields.next(stat.system_ticks) && fields.skip(4) &&
                    fields.next(stat.threads) && fields.skip(1) && fields.next(stat.start_ticks) &&
                    fields.next(stat.vsize_bytes) && fields.next(stat.rss_pages);
  if (!good) return malformed("too few fields");
  return stat;
}

Result<ProcStatm> parse_statm(std::string_view text) {
  ProcStatm statm;
  Numbers fields(text);
  if (!fields.next(statm.size_pages) || !fields.next(statm.resident_pages) || !fields.next(statm.shared_pages))
    return malformed("statm");
  return statm;
}

}  // namespace roost::metrics
