#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/style.h"

namespace dbb::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string header;
  Align align = Align::kLeft;
  bool wraps = false;  // texts continue on the next line where the table is too wide otherwise
};

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;
  explicit Cell(std::string content, Tone colour = Tone::kPlain) : text(std::move(content)), tone(colour) {}
};

// Aligned text for people. Columns that are empty in every row are left out.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  // With a header line, two spaces between columns, every line ended by a newline and free of trailing
  // spaces. Columns that wrap share what the others leave of `width`, each as much as it needs.
  std::string render(const Style& style, size_t width = kUnlimited) const;

  static constexpr size_t kUnlimited = static_cast<size_t>(-1);

 private:
  struct Layout {
    std::vector<size_t> shown;   // columns, in order
    std::vector<size_t> widths;  // of every column
  };
  Layout lay_out(size_t width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// `text` cut at spaces into lines of at most `width` columns; a longer word stands alone.
std::vector<std::string> wrap(std::string_view text, size_t width);

}  // namespace dbb::cli
