#include <fmt/format.h>

#include <set>

#include "base/check.h"
#include "logical/living_runs.h"
#include "logical/names.h"
#include "logical/old_database.h"
#include "logical/restore.h"
#include "logical/restore_session.h"
#include "logical/staging.h"

namespace dbb::logical {
std::vector<Leftover> find_leftovers(const Operation& operation) {
  postgres::Connection session = operation.connect(maintenance_database(operation), "leftovers");
  const std::set<std::string> living = living_runs(session);
  const postgres::Result answer = session.execute(R"(
    SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'),
           CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                THEN coalesce(pg_catalog.pg_database_size(d.oid), 0) ELSE 0 END, d.oid
      FROM pg_catalog.pg_database d ORDER BY d.datname)");
  std::vector<Leftover> leftovers;
  for (int row = 0; row < answer.rows(); ++row) {
    Leftover left{.database = answer.string(row, 0),
                  .oid = answer.oid(row, 3),
                  .run = run_in_staging_name(answer.text(row, 0)),
                  .size_bytes = static_cast<uint64_t>(answer.integer(row, 2))};
    const std::optional<Mark> mark = parse_comment(answer.text(row, 1));
    // Killed between CREATE DATABASE and its comment, one has only the name.
    if (!mark && (left.run.empty() || !answer.is_null(row, 1))) continue;
    left.kind = !mark                             ? "staging"
                : mark->kind == MarkKind::kKept   ? "kept"
                : mark->kind == MarkKind::kFailed ? "failed"
                                                  : "staging";
    if (mark) {
      left.original = mark->database;
      left.original_comment = mark->original_comment;
      left.run = mark->run.random_part();
      left.is_renamed = !has_given_name(*mark, left.database);
    }
    left.in_use = left.kind == "staging" && living.contains(left.run);
    leftovers.push_back(std::move(left));
  }
  return leftovers;
}

void remove_leftover(const Leftover& leftover, const Operation& operation) {
  DBB_CHECK(!leftover.is_renamed, "what was renamed by hand is somebody's");
  const std::string maintenance = maintenance_database(operation);
  if (leftover.kind == "kept") {
    return drop_old_database(operation, maintenance, {leftover.database, leftover.oid});
  }
  drop_staging_now(operation, maintenance, leftover.database);
}

}  // namespace dbb::logical
