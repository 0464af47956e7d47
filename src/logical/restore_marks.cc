#include "logical/restore_marks.h"

#include <fmt/format.h>

#include "base/check.h"

namespace dbb::logical {
namespace {

constexpr std::string_view kContent = "content";

}  // namespace

RestoreMarks::RestoreMarks(const BackupId& run) : schema_(fmt::format("dbbackup_{}", run.random_part())) {}

void RestoreMarks::create(postgres::Connection& session, std::string_view content) {
  postgres::in_transaction(session, [&] {
    session.execute(fmt::format("CREATE SCHEMA {}", schema_));
    session.execute(fmt::format(
        "CREATE TABLE {}.marks (mark pg_catalog.text PRIMARY KEY, amount pg_catalog.int8 NOT NULL, "
        "content pg_catalog.text)",
        schema_));
    session.execute(fmt::format("INSERT INTO {}.marks VALUES ($1, 0, $2)", schema_),
                    {std::string(kContent), std::string(content)});
  });
}

bool RestoreMarks::load(postgres::Connection& session, std::string_view content) {
  const postgres::Result there = session.execute(
      "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = 'marks'",
      {schema_});
  if (there.rows() == 0) return false;
  const postgres::Result marks =
      session.execute(fmt::format("SELECT mark, amount, content FROM {}.marks", schema_));
  const std::scoped_lock lock(mutex_);
  bool is_same = false;
  for (int row = 0; row < marks.rows(); ++row) {
    const std::string_view mark = marks.text(row, 0);
    if (mark == kContent) {
      is_same = marks.text(row, 2) == content;
    } else {
      marks_.emplace(mark, static_cast<uint64_t>(marks.integer(row, 1)));
    }
  }
  if (!is_same) marks_.clear();
  return is_same;
}

std::optional<uint64_t> RestoreMarks::amount(const std::string& mark) const {
  const std::scoped_lock lock(mutex_);
  const auto found = marks_.find(mark);
  return found == marks_.end() ? std::nullopt : std::optional(found->second);
}

bool RestoreMarks::has_any_with(std::string_view beginning) const {
  const std::scoped_lock lock(mutex_);
  const auto found = marks_.lower_bound(beginning);
  return found != marks_.end() && found->first.starts_with(beginning);
}

uint64_t RestoreMarks::count_with(std::string_view beginning) const {
  const std::scoped_lock lock(mutex_);
  uint64_t count = 0;
  for (auto at = marks_.lower_bound(beginning); at != marks_.end() && at->first.starts_with(beginning); ++at)
    ++count;
  return count;
}

void RestoreMarks::clear() {
  const std::scoped_lock lock(mutex_);
  marks_.clear();
}

std::string RestoreMarks::statement(const std::string& mark, uint64_t amount) const {
  DBB_CHECK(mark.find('\'') == std::string::npos, "marks are our own words");
  return fmt::format(
      "INSERT INTO {}.marks VALUES ('{}', {}) ON CONFLICT (mark) DO UPDATE SET amount = excluded.amount",
      schema_, mark, amount);
}

void RestoreMarks::done(const std::string& mark, uint64_t amount) {
  const std::scoped_lock lock(mutex_);
  marks_[mark] = amount;
}

void RestoreMarks::set(postgres::Connection& session, const std::string& mark) {
  session.execute(statement(mark));
  done(mark);
}

std::string RestoreMarks::removal() const { return fmt::format("DROP SCHEMA {} CASCADE", schema_); }

}  // namespace dbb::logical
