#include "cli/table.h"

#include <algorithm>

#include "base/check.h"

namespace dbb::cli {
namespace {

std::string padded(const std::string& text, size_t width, Align align) {
  const std::string fill(width - std::min(width, display_width(text)), ' ');
  return align == Align::kLeft ? text + fill : fill + text;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!lines.back().empty() && display_width(lines.back()) + 1 + display_width(word) > width)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void Table::add(std::vector<Cell> cells) {
  DBB_CHECK(cells.size() == columns_.size(), "a row has one cell for each column");
  for (Cell& cell : cells) cell.text = printable_line(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::render(const Style& style) const {
  // Rows become lines first, so that widths are those of what is printed.
  std::vector<std::vector<Cell>> lines;
  for (const auto& row : rows_) {
    const size_t first = lines.size();
    for (size_t c = 0; c < columns_.size(); ++c) {
      const auto pieces = columns_[c].wrap_at == 0 ? std::vector<std::string>{row[c].text}
                                                   : wrap(row[c].text, columns_[c].wrap_at);
      for (size_t i = 0; i < pieces.size(); ++i) {
        if (first + i == lines.size()) lines.emplace_back(columns_.size(), Cell(""));
        lines[first + i][c] = Cell(pieces[i], row[c].tone);
      }
    }
  }

  std::vector<size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (size_t c = 0; c < columns_.size(); ++c) widths[c] = std::max(widths[c], display_width(line[c].text));
  }
  std::vector<size_t> shown;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (widths[c] == 0 && !rows_.empty()) continue;
    widths[c] = std::max(widths[c], display_width(columns_[c].header));
    shown.push_back(c);
  }

  std::string out;
  const auto append = [&](const auto& cell_of) {
    std::string painted;
    for (const size_t c : shown) {
      if (c != shown.front()) painted += "  ";
      const Cell cell = cell_of(c);
      const bool last = c == shown.back() && columns_[c].align == Align::kLeft;
      painted += style.paint(cell.tone, last ? cell.text : padded(cell.text, widths[c], columns_[c].align));
    }
    out += without_trailing_spaces(std::move(painted)) + "\n";
  };
  append([&](size_t c) { return Cell(columns_[c].header, Tone::kStrong); });
  for (const auto& line : lines) append([&](size_t c) { return line[c]; });
  return out;
}

}  // namespace dbb::cli
