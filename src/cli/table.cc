#include "cli/table.h"

#include <algorithm>

#include "base/check.h"

namespace dbb::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 24;  // of a column that wraps

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

Table::Layout Table::lay_out(size_t width) const {
  Layout layout{.shown = {}, .widths = std::vector<size_t>(columns_.size())};
  for (const auto& row : rows_) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      layout.widths[c] = std::max(layout.widths[c], display_width(row[c].text));
    }
  }
  size_t fixed = 0;
  std::vector<size_t> wrapping;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (layout.widths[c] == 0 && !rows_.empty()) continue;
    layout.widths[c] = std::max(layout.widths[c], display_width(columns_[c].header));
    if (!layout.shown.empty()) fixed += kGap;
    layout.shown.push_back(c);
    if (columns_[c].wraps) {
      wrapping.push_back(c);
    } else {
      fixed += layout.widths[c];
    }
  }
  // Narrow ones first: what they do not need is left to the wide ones.
  std::ranges::sort(wrapping, {}, [&](size_t c) { return layout.widths[c]; });
  size_t left = width > fixed ? width - fixed : 0;
  for (size_t i = 0; i < wrapping.size(); ++i) {
    const size_t share = std::max(kNarrowest, left / (wrapping.size() - i));
    size_t& mine = layout.widths[wrapping[i]];
    mine = std::min(mine, share);
    left -= std::min(left, mine);
  }
  return layout;
}

std::string Table::render(const Style& style, size_t width) const {
  const Layout layout = lay_out(width);
  std::string out;
  const auto append = [&](const std::vector<Cell>& cells) {
    std::string line;
    for (const size_t c : layout.shown) {
      if (c != layout.shown.front()) line += std::string(kGap, ' ');
      const bool last = c == layout.shown.back() && columns_[c].align == Align::kLeft;
      const std::string& text = cells[c].text;
      line += style.paint(cells[c].tone, last ? text : padded(text, layout.widths[c], columns_[c].align));
    }
    out += without_trailing_spaces(std::move(line)) + "\n";
  };

  std::vector<Cell> header;
  for (const Column& column : columns_) header.emplace_back(column.header, Tone::kStrong);
  append(header);
  for (const auto& row : rows_) {
    std::vector<std::vector<Cell>> lines;
    for (size_t c = 0; c < columns_.size(); ++c) {
      const auto pieces =
          columns_[c].wraps ? wrap(row[c].text, layout.widths[c]) : std::vector<std::string>{row[c].text};
      for (size_t i = 0; i < pieces.size(); ++i) {
        if (i == lines.size()) lines.emplace_back(columns_.size(), Cell(""));
        lines[i][c] = Cell(pieces[i], row[c].tone);
      }
    }
    for (const auto& line : lines) append(line);
  }
  return out;
}

}  // namespace dbb::cli
