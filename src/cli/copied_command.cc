#include "cli/copied_command.h"

#include <algorithm>
#include <array>

namespace dbb::cli {
namespace {

constexpr std::string_view kProgram = "dbbackup ";
// Of the commands that go to a server or a repository. "dbbackup init" names the repository itself.
constexpr std::array<std::string_view, 15> kReaching = {"backup",  "restore", "list",   "show",    "check",
                                                        "cleanup", "doctor",  "forget", "prune",   "repair",
                                                        "locks",   "stats",   "hold",   "release", "key"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '/'; }

bool begins_with_command(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_letter);
  const std::string_view word = text.substr(0, static_cast<size_t>(end - text.begin()));
  return std::ranges::find(kReaching, word) != kReaching.end();
}

}  // namespace

std::string with_reach(std::string_view text, const std::string& reached_by) {
  if (reached_by.empty()) return std::string(text);
  std::string out;
  size_t begin = 0;
  for (size_t at = text.find(kProgram); at != std::string_view::npos; at = text.find(kProgram, at + 1)) {
    const size_t after = at + kProgram.size();
    const bool is_word = at == 0 || !is_letter(text[at - 1]);
    if (!is_word || !begins_with_command(text.substr(after))) continue;
    out.append(text.substr(begin, after - begin)).append(reached_by).append(" ");
    begin = after;
  }
  return out.append(text.substr(begin));
}

Error with_reach(const Error& error, const std::string& reached_by) {
  std::vector<std::string> solution = error.solution();
  for (std::string& step : solution) step = with_reach(step, reached_by);
  Error told(error.code(), {.message = error.message(),
                            .cause = error.cause(),
                            .solution = std::move(solution),
                            .sqlstate = error.sqlstate()});
  for (const auto& [label, value] : error.context()) told.add_context(label, value);
  return told;
}

}  // namespace dbb::cli
