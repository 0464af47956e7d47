#include <fmt/format.h>

#include <set>

#include "base/error.h"
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
           CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT') THEN pg_catalog.pg_database_size(d.oid)
                ELSE 0 END
      FROM pg_catalog.pg_database d ORDER BY d.datname)");
  std::vector<Leftover> leftovers;
  for (int row = 0; row < answer.rows(); ++row) {
    Leftover left{.database = answer.string(row, 0), .run = run_in_staging_name(answer.text(row, 0))};
    const std::optional<Mark> mark = parse_comment(answer.text(row, 1));
    // Killed between CREATE DATABASE and its comment, one has only the name; renamed by hand, only the
    // comment.
    const bool is_marked = mark && (mark->kind == MarkKind::kStaging || mark->kind == MarkKind::kComplete);
    const bool is_staging =
        mark ? is_marked && !left.run.empty() : !left.run.empty() && answer.is_null(row, 1);
    if (!is_staging && (!mark || is_marked)) continue;
    left.kind = is_staging ? "staging" : mark->kind == MarkKind::kFailed ? "failed" : "kept";
    left.size_bytes = static_cast<uint64_t>(answer.integer(row, 2));
    if (mark) left.original = mark->database;
    if (mark) left.run = mark->run.random_part();
    left.in_use = is_staging && living.contains(left.run);
    leftovers.push_back(std::move(left));
  }
  return leftovers;
}

void remove_leftover(const Leftover& leftover, const Operation& operation) {
  const std::string maintenance = maintenance_database(operation);
  if (leftover.kind == "kept") {
    postgres::Connection session = operation.connect(maintenance, "cleanup");
    drop_old_database(operation, maintenance, {leftover.database, find_database(session, leftover.database)});
    return;
  }
  drop_staging_now(operation, maintenance, leftover.database);
}

}  // namespace dbb::logical
