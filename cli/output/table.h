// A table without lines: columns aligned by display width, fitted into a terminal. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output/colour.h"
#include "cli/output/terminal.h"

namespace roost::cli {

struct Column {
  enum class Align : std::uint8_t { left, right };
  std::string_view header;  // must outlive the table: a literal
  Align align = Align::left;
  // 0: never left out. Otherwise the column with the highest rank goes first when space is short.
  int drop_rank = 0;
  // 0: never narrower than its content; else it may be cut down to this many columns.
  std::uint32_t min_width = 0;
};

struct Cell {
  std::string text;  // already harmless for a terminal
  Colour colour = Colour::none;
};

struct Row {
  std::vector<Cell> cells;  // as many as there are columns
  // Shown below the row, indented and cut to the width, when the last column was left out: what
  // that column would have said.
  std::string below;
};

struct Table {
  std::vector<Column> columns;
  std::vector<Row> rows;
};

// One line per row, header first; with a width given no line is wider. A row's `below` is printed
// only when its last column does not fit.
[[nodiscard]] std::string render(const Table& table, const Terminal& terminal);

// "label   value" lines; values are wrapped at nothing: long ones stay whole.
struct Pair {
  std::string label;
  Cell value;
};

[[nodiscard]] std::string render_pairs(const std::vector<Pair>& pairs, const Terminal& terminal);

}  // namespace roost::cli
