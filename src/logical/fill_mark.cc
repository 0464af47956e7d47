#include "logical/fill_mark.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace dbb::logical {
namespace {

constexpr std::string_view kBesideOthers = "merged";

std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

}  // namespace

std::string to_setting(const FillMark& mark) {
  return fmt::format("{} {}{}{}", mark.run.text(), mark.backup.text(), mark.beside_others ? " " : "",
                     mark.beside_others ? kBesideOthers : "");
}

std::optional<FillMark> parse_fill_mark(std::string_view value) {
  try {
    FillMark mark{.run = BackupId::parse(take_word(value)), .backup = BackupId::parse(take_word(value))};
    mark.beside_others = value == kBesideOthers;
    if (!value.empty() && !mark.beside_others) return std::nullopt;
    return mark;
  } catch (const Error&) {
    return std::nullopt;  // somebody's own setting of that name
  }
}

std::optional<FillMark> take_fill_mark(postgres::DatabaseProperties& properties) {
  const auto found = std::ranges::find_if(properties.settings, [](const postgres::RoleSetting& setting) {
    return setting.role.empty() && setting.name == kFillSetting;
  });
  if (found == properties.settings.end()) return std::nullopt;
  const std::optional<FillMark> mark = parse_fill_mark(found->value);
  if (mark) properties.settings.erase(found);
  return mark;
}

void set_fill_mark(postgres::Connection& session, const std::string& database, const FillMark& mark) {
  session.execute("SET synchronous_commit = on");
  session.execute(fmt::format("ALTER DATABASE {} SET {} TO {}", session.quote_identifier(database),
                              kFillSetting, session.quote_literal(to_setting(mark))));
}

}  // namespace dbb::logical
