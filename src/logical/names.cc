#include "logical/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "codec/xxh3.h"

namespace dbb::logical {
namespace {

constexpr size_t kRandomDigits = 16;
constexpr std::string_view kStagingBegin = "dbbackup_staging_";
struct Prefix {
  MarkKind kind;
  std::string_view text;
};
constexpr std::array kPrefixes{Prefix{MarkKind::kStaging, "dbbackup: staging of run "},
                               Prefix{MarkKind::kComplete, "dbbackup: complete staging of run "},
                               Prefix{MarkKind::kFailed, "dbbackup: failed in run "},
                               Prefix{MarkKind::kKept, "dbbackup: kept by run "}};
constexpr size_t kDateDigits = 8;
constexpr std::string_view kKeptWord = "_before_";
constexpr std::string_view kFailedWord = "_failed_";
constexpr std::string_view kForSeparator = " for ";
constexpr std::string_view kCommentSeparator = "\n";

std::string with_suffix(std::string_view database, const std::string& suffix) {
  if (database.size() + suffix.size() <= kMaximumNameBytes) return std::string(database) + suffix;
  const std::string hash = fmt::format("_{:08x}", codec::xxh3_128(as_bytes(database)).low & 0xffffffff);
  const std::string_view beginning = utf8_prefix(database, kMaximumNameBytes - suffix.size() - hash.size());
  return fmt::format("{}{}{}", beginning, hash, suffix);
}

// The name ends at the first line break of a mark, so its own are written as "\\n".
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '\\') out += "\\\\";
    if (c == '\n') out += "\\n";
    if (c != '\\' && c != '\n') out += c;
  }
  return out;
}

// A backslash before anything else is one: older marks have names as they are.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const char next = text[at] == '\\' && at + 1 < text.size() ? text[at + 1] : '\0';
    const bool is_pair = next == '\\' || next == 'n';
    out += !is_pair ? text[at] : next == 'n' ? '\n' : '\\';
    if (is_pair) ++at;
  }
  return out;
}

// "<database><word><digits of a time>"
bool is_named_after(std::string_view database, std::string_view word, std::string_view name) {
  const size_t at = name.rfind(word);
  if (at == std::string_view::npos) return false;
  const bool is_time = name.find_first_not_of("0123456789TZ_", at + word.size()) == std::string_view::npos;
  return is_time && with_suffix(database, std::string(name.substr(at))) == name;
}

}  // namespace

std::string staging_name(const BackupId& run, int number) {
  return fmt::format("{}{}_{}", kStagingBegin, run.random_part(), number);
}

std::string run_in_staging_name(std::string_view name) {
  if (!name.starts_with(kStagingBegin)) return {};
  name.remove_prefix(kStagingBegin.size());
  const size_t end = name.rfind('_');
  if (end != kRandomDigits || end + 1 == name.size()) return {};
  const std::string_view run = name.substr(0, end);
  const bool is_run = run.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_run ? std::string(run) : std::string();
}

std::string kept_name(std::string_view database, UtcTime when) {
  return with_suffix(database, fmt::format("{}{}", kKeptWord, when.compact()));
}

std::string failed_name(std::string_view database, UtcTime when, int number) {
  return with_suffix(database, fmt::format("{}{}{}", kFailedWord, when.compact().substr(0, kDateDigits),
                                           number > 1 ? fmt::format("_{}", number) : ""));
}

std::string to_comment(const Mark& mark) {
  const auto prefix = std::ranges::find(kPrefixes, mark.kind, &Prefix::kind);
  std::string text =
      fmt::format("{}{}{}{}", prefix->text, mark.run.text(), kForSeparator, escaped(mark.database));
  if (!mark.original_comment.empty()) text += fmt::format("{}{}", kCommentSeparator, mark.original_comment);
  return text;
}

std::optional<Mark> parse_comment(std::string_view comment) {
  Mark mark;
  const auto prefix =
      std::ranges::find_if(kPrefixes, [&](const Prefix& one) { return comment.starts_with(one.text); });
  if (prefix == kPrefixes.end()) return std::nullopt;
  mark.kind = prefix->kind;
  comment.remove_prefix(prefix->text.size());
  const size_t separator = comment.find(kForSeparator);
  if (separator == std::string_view::npos) return std::nullopt;
  try {
    mark.run = BackupId::parse(comment.substr(0, separator));
  } catch (const Error&) {
    return std::nullopt;  // somebody's own words that begin like ours
  }
  comment.remove_prefix(separator + kForSeparator.size());
  const size_t end = comment.find(kCommentSeparator);
  mark.database = unescaped(comment.substr(0, end));
  if (end != std::string_view::npos) mark.original_comment = comment.substr(end + kCommentSeparator.size());
  return mark;
}

bool has_given_name(const Mark& mark, std::string_view name) {
  if (mark.kind == MarkKind::kKept) return is_named_after(mark.database, kKeptWord, name);
  if (run_in_staging_name(name) == mark.run.random_part()) return true;
  return mark.kind == MarkKind::kFailed && is_named_after(mark.database, kFailedWord, name);
}

void check_database_name(std::string_view name) {
  const auto refuse = [&](std::string reason) {
    throw Error(ErrorCode::kNameIllegal,
                {.message = fmt::format("\"{}\" cannot be the name of a database.", name),
                 .cause = std::move(reason),
                 .solution = {
                     fmt::format("Choose a name of 1 to {} bytes without line breaks.", kMaximumNameBytes)}});
  };
  if (name.empty()) refuse("It is empty.");
  if (name.size() > kMaximumNameBytes) {
    refuse(fmt::format("It has {} bytes, PostgreSQL keeps {}.", name.size(), kMaximumNameBytes));
  }
  if (name.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) {
    refuse("It contains a line break or a zero byte.");
  }
  if (name == "template0") refuse("template0 belongs to PostgreSQL and is never changed.");
}

}  // namespace dbb::logical
