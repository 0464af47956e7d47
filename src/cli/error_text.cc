#include "cli/error_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbb::cli {
namespace {

std::string heading(const Error& error, std::string_view operation) {
  const std::string_view title = error.info().title;
  if (operation.empty()) return std::string(title);
  const std::string failed = fmt::format("{} Failed", operation);
  return failed == title ? failed : fmt::format("{}: {}", failed, title);
}

}  // namespace

std::string documentation_of(const Error& error) {
  return fmt::format("docs/errors/{}.md", error.info().page);
}

std::string render_error(const Error& error, std::string_view operation, const Style& style) {
  std::string out = fmt::format("{} {}\n", style.paint(Tone::kBad, "[FAIL]"),
                                style.paint(Tone::kStrong, heading(error, operation)));
  out += "\n" + indent_rest(printable(error.message()), "") + "\n";
  if (!error.context().empty()) {
    size_t width = 0;
    for (const auto& [label, value] : error.context()) width = std::max(width, display_width(label));
    out += "\n";
    for (const auto& [label, value] : error.context()) {
      out += fmt::format("{}:{}  {}\n", label, std::string(width - display_width(label), ' '),
                         indent_rest(printable(value), std::string(width + 3, ' ')));
    }
  }
  if (!error.cause().empty()) {
    out += fmt::format("\n{} {}\n", style.paint(Tone::kStrong, "Root Cause:"),
                       indent_rest(printable(error.cause()), "  "));
  }
  if (!error.solution().empty()) {
    out += "\n" + style.paint(Tone::kStrong, "How to Fix:") + "\n";
    size_t number = 0;
    for (const std::string& step : error.solution()) {
      const std::string prefix = fmt::format("  {}. ", ++number);
      out += prefix + indent_rest(printable(step), std::string(prefix.size(), ' ')) + "\n";
    }
  }
  out += fmt::format("\nDocumentation: {}\nCode: {}{}\n", documentation_of(error), error.info().name,
                     error.sqlstate().empty() ? "" : fmt::format(" (SQLSTATE {})", error.sqlstate()));
  return out;
}

}  // namespace dbb::cli
