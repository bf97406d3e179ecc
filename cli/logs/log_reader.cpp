#include "cli/logs/log_reader.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <unistd.h>

#include "cli/logs/line_scan.h"
#include "cli/logs/log_file_view.h"
#include "cli/logs/marks_reader.h"

namespace roost::cli {
namespace {
// A line that may be shown: where it is, and when it came.
struct Candidate {
  std::size_t file = 0;  // index into the positions
  std::size_t source = 0;
  LineExtent extent;
  model::Stream stream = model::Stream::out;
  std::uint64_t order = 0;
  std::int64_t wall_ns = 0;
  bool estimated = false;
};

using Candidates = std::vector<Candidate>;

void sort_by_receipt(Candidates& lines) {
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Candidate& a, const Candidate& b) { return a.order < b.order; });
}

// Reads pieces of files in ascending order. Keeps few files open, and one block of each.
class TextReader {
 public:
  explicit TextReader(const std::vector<LogPosition>& files) : files_(files) {}

  // At most kMaxShownLine bytes; fewer when the file was truncated meanwhile.
  std::string_view text(std::size_t file, std::uint64_t begin, std::uint64_t end) {
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, kMaxShownLine));
    Open& open = open_file(file);
    if (begin < open.begin || begin + length > open.begin + open.block.size())
      load(open, begin, std::max<std::size_t>(length, kReadAhead));
    const std::string_view block(open.block);
    return begin >= open.begin + block.size()
               ? std::string_view()
               : block.substr(static_cast<std::size_t>(begin - open.begin), length);
  }

 private:
  static constexpr std::size_t kReadAhead = 16U << 10;
  static constexpr std::size_t kMaxOpen = 64;

  struct Open {
    UniqueFd fd;
    std::uint64_t begin = 0;
    std::string block;
  };

  Open& open_file(std::size_t file) {
    if (const auto found = open_.find(file); found != open_.end()) return found->second;
    if (open_.size() >= kMaxOpen) open_.clear();
    Open& open = open_[file];
    const LogPosition& position = files_[file];
    if (auto view = open_log_file(position.path);
        view && view->device == position.device && view->inode == position.inode)
      open.fd = std::move(view->fd);
    return open;
  }

  static void load(Open& open, std::uint64_t begin, std::size_t length) {
    open.begin = begin;
    open.block.resize(length);
    const ssize_t n =
        open.fd ? ::pread(open.fd.get(), open.block.data(), length, static_cast<off_t>(begin)) : 0;
    open.block.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  }

  const std::vector<LogPosition>& files_;
  std::map<std::size_t, Open> open_;
};

// The last `lines` lines of one file that are wanted, oldest first, with their times.
Candidates last_of_file(std::size_t index, const LogPosition& file, const LogFileView& view,
                        std::size_t lines) {
  MarksReader marks(file.path, file.device, file.inode);
  Candidates found;
  if (lines == 0) return found;
  scan_lines_backwards(view.fd.get(), file.offset, [&](const LineExtent& extent) {
    Candidate line;
    line.file = index;
    line.extent = extent;
    line.order = static_cast<std::uint64_t>(view.modified_ns);  // of a file without marks
    const auto mark = marks.at(extent.begin);
    if (mark) {
      line.order = mark->seq;
      line.wall_ns = mark->wall_ns;
      line.estimated = (mark->flags & model::kMarkEstimated) != 0;
    }
    if (const auto origin = origin_of(file, mark ? &*mark : nullptr)) {
      line.source = origin->source;
      line.stream = origin->stream;
      found.push_back(line);
    }
    return found.size() < lines;
  });
  std::reverse(found.begin(), found.end());
  // Within a file the order of the bytes is the truth.
  for (std::size_t i = 1; i < found.size(); ++i)
    found[i].order = std::max(found[i].order, found[i - 1].order);
  return found;
}

// Those of each source, all merged in the order in which they came.
Candidates select_last(const std::vector<LogPosition>& files, std::size_t lines) {
  lines = std::min(lines, kMaxLines);
  Candidates all;
  for (std::size_t i = 0; i < files.size();) {
    const std::size_t source = files[i].source;
    Candidates of_source;
    for (; i < files.size() && files[i].source == source; ++i) {
      const auto view = open_log_file(files[i].path);
      if (!view || !view->fd || view->inode != files[i].inode) continue;
      const Candidates more = last_of_file(i, files[i], *view, lines);
      of_source.insert(of_source.end(), more.begin(), more.end());
    }
    sort_by_receipt(of_source);
    const std::size_t surplus = of_source.size() > lines ? of_source.size() - lines : 0;
    all.insert(all.end(), of_source.begin() + static_cast<std::ptrdiff_t>(surplus),
               of_source.end());
  }
  sort_by_receipt(all);
  return all;
}
}  // namespace

// Nobody knows whose an estimated one is.
std::optional<LineOrigin> origin_of(const LogPosition& file, const model::Mark* mark) {
  LineOrigin origin{file.source, file.stream};
  const bool known = mark != nullptr && (mark->flags & model::kMarkEstimated) == 0;
  if (file.shared && known) origin.stream = model::stream_of(*mark);
  if (file.only && *file.only != origin.stream) return std::nullopt;
  if (file.by_slot.empty() || !known) return origin;
  const auto source = file.by_slot.find(model::slot_of(*mark));
  if (source == file.by_slot.end()) return std::nullopt;
  origin.source = source->second;
  return origin;
}

LogReader::LogReader(std::vector<LogSource> sources, StreamChoice choice)
    : sources_(std::move(sources)), choice_(choice) {}

// One entry per file; a file both streams go to is read once.
Status LogReader::take_positions() {
  positions_.clear();
  Status result = ok();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const LogSource& source = sources_[i];
    const bool shared = source.out_path == source.err_path;
    const auto add = [&](model::Stream stream, const std::string& path) {
      if (path.empty()) return;
      if (source.slot)
        for (LogPosition& known : positions_)
          if (known.path == path && !known.by_slot.empty()) {
            known.by_slot.emplace(*source.slot, i);
            return;
          }
      LogPosition position;
      if (source.slot) position.by_slot.emplace(*source.slot, i);
      position.source = i;
      position.stream = stream;
      position.path = path;
      position.shared = shared;
      if (shared && choice_.out != choice_.err)
        position.only = choice_.out ? model::Stream::out : model::Stream::err;
      auto view = open_log_file(path);
      if (!view) {
        if (result) result = view.error();
      } else {
        position.device = view->device;
        position.inode = view->inode;
        position.offset = view->size;
      }
      positions_.push_back(std::move(position));
    };
    if (choice_.out || (shared && choice_.err)) add(model::Stream::out, source.out_path);
    if (choice_.err && !shared) add(model::Stream::err, source.err_path);
  }
  return result;
}

const std::vector<LogPosition>& LogReader::positions() {
  if (positions_.empty()) (void)take_positions();  // what cannot be read is reported by last_*
  return positions_;
}

Status LogReader::last_lines(std::size_t lines, const OnLine& on_line) {
  Status result = take_positions();
  TextReader reader(positions_);
  std::string storage;
  for (const Candidate& line : select_last(positions_, lines)) {
    const std::string_view text = reader.text(line.file, line.extent.begin, line.extent.end);
    on_line(LogLine{line.source, line.stream, line.wall_ns, line.estimated, line.extent.ended,
                    shown_line(text, line.extent.end - line.extent.begin, storage)});
  }
  return result;
}

Status LogReader::last_bytes(std::size_t lines, const OnBytes& on_bytes) {
  Status result = take_positions();
  const Candidates all = select_last(positions_, lines);
  TextReader reader(positions_);
  for (const Candidate& line : all) {
    const std::uint64_t end = line.extent.end + (line.extent.ended ? 1 : 0);
    for (std::uint64_t at = line.extent.begin; at < end;) {
      const std::string_view piece = reader.text(line.file, at, end);
      if (piece.empty()) break;
      on_bytes(line.source, line.stream, piece);
      at += piece.size();
    }
    if (!line.extent.ended && &line != &all.back()) on_bytes(line.source, line.stream, "\n");
  }
  return result;
}

}  // namespace roost::cli
