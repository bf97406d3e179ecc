#include "cli/output/table.h"

#include <algorithm>
#include <utility>

#include "cli/output/width.h"

namespace roost::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kBelowIndent = 4;

// Widths of the cells, row by row, and by column; 0 with shown[i] false for one that is left out.
struct Layout {
  std::vector<std::size_t> cells;  // the header's first
  std::vector<std::size_t> widths;
  std::vector<bool> shown;
};

std::vector<std::size_t> cell_widths(const Table& table) {
  std::vector<std::size_t> widths;
  widths.reserve((table.rows.size() + 1) * table.columns.size());
  for (const auto& column : table.columns)
    widths.push_back(display_width(column.header));
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      widths.push_back(i < row.cells.size() ? display_width(row.cells[i].text) : 0);
  return widths;
}

std::vector<std::size_t> natural_widths(const std::vector<std::size_t>& cells,
                                        std::size_t columns) {
  std::vector<std::size_t> widths(columns);
  for (std::size_t i = 0; i < cells.size(); i += columns)
    for (std::size_t column = 0; column < columns; ++column)
      widths[column] = std::max(widths[column], cells[i + column]);
  return widths;
}

std::size_t total_width(const Layout& layout) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < layout.widths.size(); ++i)
    if (layout.shown[i]) total += layout.widths[i] + (total == 0 ? 0 : kGap);
  return total;
}

// Takes columns that are too much from the widest of those that may be cut.
void shrink(const Table& table, Layout& layout, std::size_t limit) {
  for (auto total = total_width(layout); total > limit; total = total_width(layout)) {
    std::size_t widest = layout.widths.size();
    for (std::size_t i = 0; i < layout.widths.size(); ++i) {
      const auto floor = table.columns[i].min_width;
      if (!layout.shown[i] || floor == 0 || layout.widths[i] <= floor) continue;
      if (widest == layout.widths.size() || layout.widths[i] > layout.widths[widest]) widest = i;
    }
    if (widest == layout.widths.size()) return;
    const auto room = layout.widths[widest] - table.columns[widest].min_width;
    layout.widths[widest] -= std::min(room, total - limit);
  }
}

bool drop_one(const Table& table, Layout& layout) {
  std::size_t worst = layout.widths.size();
  int rank = 0;
  for (std::size_t i = 0; i < layout.widths.size(); ++i) {
    if (!layout.shown[i] || table.columns[i].drop_rank <= rank) continue;
    worst = i;
    rank = table.columns[i].drop_rank;
  }
  if (worst == layout.widths.size()) return false;
  layout.shown[worst] = false;
  return true;
}

Layout fit(const Table& table, const Terminal& terminal) {
  Layout layout{cell_widths(table), {}, std::vector<bool>(table.columns.size(), true)};
  layout.widths = natural_widths(layout.cells, table.columns.size());
  if (!terminal.width) return layout;
  const auto natural = layout.widths;
  for (;;) {
    shrink(table, layout, *terminal.width);
    if (total_width(layout) <= *terminal.width) return layout;
    if (!drop_one(table, layout)) return layout;
    layout.widths = natural;
  }
}

// `blanks` stand before the cell; returned are those that it leaves to the next one.
std::size_t append_cell(std::string& line, const Cell& cell, std::size_t used, std::size_t width,
                        const Column& column, std::size_t blanks, Colouring colouring) {
  std::string cut;
  std::string_view text = cell.text;
  if (used > width) {
    cut = truncate(cell.text, width);
    text = cut;
    used = display_width(text);
  }
  const auto padding = width > used ? width - used : 0;
  const bool right = column.align == Column::Align::right;
  if (text.empty()) return blanks + padding;
  line.append(blanks + (right ? padding : 0), ' ');
  if (colouring == Colouring::on)
    line += paint(text, cell.colour, colouring);
  else
    line += text;
  return right ? 0 : padding;
}

// The last column gets no padding: lines carry no trailing blanks.
void append_line(std::string& out, const std::vector<Cell>& cells, std::size_t line,
                 const Table& table, const Layout& layout, Colouring colouring) {
  const auto start = out.size();
  bool first = true;
  std::size_t blanks = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!layout.shown[i]) continue;
    if (!std::exchange(first, false)) blanks += kGap;
    blanks = append_cell(out, cells[i], layout.cells[line * table.columns.size() + i],
                         layout.widths[i], table.columns[i], blanks, colouring);
  }
  while (out.size() > start && out.back() == ' ')
    out.pop_back();
  out += '\n';
}

}  // namespace

std::string render(const Table& table, const Terminal& terminal) {
  const auto layout = fit(table, terminal);
  const auto colouring = terminal.colour ? Colouring::on : Colouring::off;
  std::string out;
  out.reserve((table.rows.size() + 1) * (total_width(layout) + 1));
  std::vector<Cell> header;
  for (const auto& column : table.columns)
    header.push_back({std::string(column.header), Colour::dim});
  std::size_t line = 0;
  append_line(out, header, line, table, layout, colouring);
  for (const auto& row : table.rows) {
    append_line(out, row.cells, ++line, table, layout, colouring);
    if (row.below.empty() || layout.shown.back()) continue;
    const auto room = std::max<std::size_t>(*terminal.width, kBelowIndent + 1) - kBelowIndent;
    out.append(kBelowIndent, ' ');
    out += paint(truncate(row.below, room), Colour::dim, colouring);
    out += '\n';
  }
  return out;
}

std::string render_pairs(const std::vector<Pair>& pairs, const Terminal& terminal) {
  std::size_t widest = 0;
  for (const auto& pair : pairs)
    widest = std::max(widest, display_width(pair.label));
  const auto colouring = terminal.colour ? Colouring::on : Colouring::off;
  std::string out;
  for (const auto& pair : pairs) {
    const std::string padding(widest - display_width(pair.label) + kGap, ' ');
    out += paint(pair.label, Colour::dim, colouring) + padding;
    out += paint(pair.value.text, pair.value.colour, colouring) + '\n';
  }
  return out;
}

}  // namespace roost::cli
