#include "logical/lock_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/units.h"
#include "postgres/server.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::Result;

constexpr int kFirstVersionWithWaitStart = 140000;
constexpr const char* kShownQuery =
    "pg_catalog.left(pg_catalog.regexp_replace(pg_catalog.btrim({}.query), '\\s+', ' ', 'g'), 80)";

std::string pattern_of(const Operation& operation) { return operation.application_name("%"); }

// "AccessExclusiveLock" is what people mean by an exclusive lock.
std::string lock_name(std::string_view mode) {
  return mode == "AccessExclusiveLock" || mode == "ExclusiveLock" ? "exclusive lock" : "lock";
}

std::string waits_query(int version) {
  return fmt::format(
      R"(
    SELECT a.pid, coalesce(a.datname, ''), l.locktype, l.mode,
           CASE WHEN l.locktype = 'object' AND l.classid = 1262
                THEN (SELECT d.datname FROM pg_catalog.pg_database d WHERE d.oid = l.objid) END,
           l.relation, l.classid, l.objid, l.transactionid::text,
           coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - {}), 0)::text, {}
      FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND NOT l.granted
     WHERE a.application_name LIKE $1 AND a.wait_event_type = 'Lock' ORDER BY a.pid)",
      // Before 14 the server does not say since when; the statement begins shortly before it waits.
      version >= kFirstVersionWithWaitStart ? "l.waitstart" : "a.query_start",
      fmt::format(fmt::runtime(kShownQuery), "a"));
}

std::string object_in(const Result& answer, int row) {
  const std::string_view kind = answer.text(row, 2);
  if (!answer.is_null(row, 4)) return fmt::format("database {}", answer.text(row, 4));
  // Its name is known in its own database only; our statement has it.
  if (kind == "relation" || kind == "extend")
    return fmt::format("relation {} ({})", answer.text(row, 5), answer.text(row, 10));
  if (kind == "tuple") return fmt::format("a row of relation {}", answer.text(row, 5));
  if (kind == "transactionid") return fmt::format("what transaction {} changed", answer.text(row, 8));
  if (kind == "object")
    return fmt::format("object {} of catalog {}", answer.text(row, 7), answer.text(row, 6));
  return kind.empty() ? "a lock" : std::string(kind);
}

std::string holder_text(const Result& answer, int row) {
  if (answer.integer(row, 1) == 0) return "a prepared transaction (see pg_prepared_xacts)";
  if (answer.is_null(row, 3)) return fmt::format("process {}", answer.text(row, 1));
  return fmt::format("process {} (user {}, application \"{}\", {} for {} s): {}", answer.text(row, 1),
                     answer.text(row, 3), answer.text(row, 4), answer.text(row, 5), answer.text(row, 6),
                     answer.text(row, 7));
}

// Directly before each of `pids`.
std::map<int, std::vector<LockHolder>> holders_before(Connection& session, const Operation& operation,
                                                      const std::set<int>& pids) {
  std::map<int, std::vector<LockHolder>> holders;
  if (pids.empty()) return holders;
  const Result answer =
      session.execute(fmt::format(
                          R"(
    SELECT w.pid, b.pid, coalesce(a.application_name LIKE $1, false), a.usename, a.application_name, a.state,
           pg_catalog.trunc(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change))::text, {}
      FROM pg_catalog.unnest('{{{}}}'::pg_catalog.int4[]) w(pid)
     CROSS JOIN LATERAL (SELECT DISTINCT p FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) p) b(pid)
      LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid ORDER BY 1, 2)",
                          fmt::format(fmt::runtime(kShownQuery), "a"), fmt::join(pids, ",")),
                      {pattern_of(operation)});
  for (int row = 0; row < answer.rows(); ++row) {
    holders[static_cast<int>(answer.integer(row, 0))].push_back(
        {.pid = static_cast<int>(answer.integer(row, 1)),
         .is_ours = answer.boolean(row, 2),
         .text = holder_text(answer, row)});
  }
  return holders;
}

}  // namespace

std::vector<LockWait> look_at_lock_waits(Connection& session, const Operation& operation) {
  const Result answer = session.execute(waits_query(session.version().number), {pattern_of(operation)});
  std::vector<LockWait> waits;
  std::set<int> pids;
  for (int row = 0; row < answer.rows(); ++row) {
    const auto pid = static_cast<int>(answer.integer(row, 0));
    if (!pids.insert(pid).second) continue;
    waits.push_back({.pid = pid,
                     .database = answer.string(row, 1),
                     .lock = lock_name(answer.text(row, 3)),
                     .object = object_in(answer, row),
                     .statement = answer.string(row, 10),
                     .seconds = std::strtod(answer.string(row, 9).c_str(), nullptr)});
  }
  std::map<int, std::vector<LockHolder>> holders = holders_before(session, operation, pids);
  for (LockWait& wait : waits) wait.holders = std::move(holders[wait.pid]);
  // One that was granted between the two questions has nobody before it.
  std::erase_if(waits, [](const LockWait& wait) { return wait.holders.empty(); });
  return waits;
}

std::vector<std::string> describe_locks(Connection& session, const Operation& operation,
                                        const std::vector<LockWait>& waits) {
  const postgres::ServerFacts server = postgres::read_server_facts(session);
  const postgres::LockCapacity capacity = postgres::lock_capacity(server);
  std::vector<std::string> lines{
      fmt::format("lock table: {} of {} in use (max_locks_per_transaction {} x (max_connections {} + "
                  "max_prepared_transactions {}) = {})",
                  format_count(static_cast<uint64_t>(capacity.in_use)),
                  format_count(static_cast<uint64_t>(capacity.floor)), server.max_locks_per_transaction,
                  server.max_connections, server.max_prepared_transactions,
                  format_count(static_cast<uint64_t>(capacity.documented)))};
  const Result ours = session.execute(
      fmt::format(
          "SELECT a.pid, coalesce(a.datname, ''), a.application_name, a.state, coalesce(a.wait_event_type || "
          "'/' || a.wait_event, 'runs'), {}, (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l WHERE "
          "l.pid = a.pid AND l.granted) FROM pg_catalog.pg_stat_activity a WHERE a.application_name LIKE "
          "$1 AND a.pid <> pg_catalog.pg_backend_pid() ORDER BY 1",
          fmt::format(fmt::runtime(kShownQuery), "a")),
      {pattern_of(operation)});
  for (int row = 0; row < ours.rows(); ++row) {
    lines.push_back(fmt::format("session {} in {} ({}): {}, {}, {} locks: {}", ours.text(row, 0),
                                ours.text(row, 1), ours.text(row, 2), ours.text(row, 3), ours.text(row, 4),
                                ours.text(row, 6), ours.text(row, 5)));
  }
  std::set<int> known;
  std::set<int> front;
  for (const LockWait& wait : waits) {
    lines.push_back(fmt::format("process {} waits {:.1f} s for {} on {} in {}: {}", wait.pid, wait.seconds,
                                wait.lock, wait.object, wait.database, wait.statement));
    front.insert(wait.pid);
  }
  while (!front.empty()) {
    std::set<int> next;
    for (const auto& [pid, holders] : holders_before(session, operation, front)) {
      for (const LockHolder& holder : holders) {
        lines.push_back(
            fmt::format("process {} waits for {}{}", pid, holder.is_ours ? "our own " : "", holder.text));
        if (holder.pid != 0 && !known.contains(holder.pid)) next.insert(holder.pid);
      }
    }
    known.insert(front.begin(), front.end());
    std::erase_if(next, [&](int pid) { return known.contains(pid); });
    front = std::move(next);
  }
  return lines;
}

}  // namespace dbb::logical
