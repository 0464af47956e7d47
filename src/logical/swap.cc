#include "logical/swap.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/task_group.h"
#include "logical/restore_session.h"
#include "logical/staging.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr std::chrono::milliseconds kBetweenTerminations{20};

// Ends every session in the databases, again and again, until stop is requested.
void end_sessions(const Operation& operation, const std::string& maintenance, const std::vector<Swap>& swaps,
                  const std::stop_token& stop) {
  Connection session = with_stop(operation, stop).connect(maintenance, "swap-sessions");
  const system::StopEvent stopped(stop);
  std::string databases;
  for (const Swap& swap : swaps) {
    databases += fmt::format("{}{}, {}", databases.empty() ? "" : ", ", swap.staging.value,
                             swap.old_one.value_or(swap.staging).value);
  }
  const std::string list = fmt::format(
      "SELECT pid FROM pg_catalog.pg_stat_activity WHERE datid IN ({}) AND pid <> "
      "pg_catalog.pg_backend_pid()",
      databases);
  do {
    const postgres::Result sessions = session.execute(list);
    for (int row = 0; row < sessions.rows(); ++row) {
      try {
        session.execute("SELECT pg_catalog.pg_terminate_backend($1::pg_catalog.int4)",
                        {sessions.string(row, 0)});
      } catch (const Error& error) {
        // A superuser's session, when we are none: it may go by itself, and if not, the rename says who is
        // there.
        if (error.code() != ErrorCode::kPermissionDenied) throw;
      }
    }
  } while (system::sleep_for(kBetweenTerminations, stopped));
}

void check_identity(Connection& session, const std::string& name, std::optional<postgres::Oid> expected) {
  const postgres::Oid found = find_database(session, name);
  if (found == expected.value_or(postgres::Oid{})) return;
  throw Error(
      ErrorCode::kSwapFailed,
      {.message = fmt::format("Database \"{}\" is not the one it was when the restore began.", name),
       .cause = found.value == 0
                    ? fmt::format("It was dropped or renamed (OID {} expected).", expected->value)
                : expected ? fmt::format("It has OID {} now, and had {}.", found.value, expected->value)
                           : "It was created meanwhile.",
       .solution = {"See who changed it, then run the restore again."}});
}

void rename(Connection& session, const std::string& from, const std::string& to) {
  session.execute(fmt::format("ALTER DATABASE {} RENAME TO {}", session.quote_identifier(from),
                              session.quote_identifier(to)));
}

// Returns the moment of the first rename.
std::chrono::steady_clock::time_point exchange_names(Connection& session, const Operation& operation,
                                                     const Swap& swap) {
  check_identity(session, swap.staging_name, swap.staging);
  check_identity(session, swap.name, swap.old_one);
  for (const std::string& statement : swap.before_rename) session.execute(statement);
  const auto begun = operation.clock.steady_now();
  if (swap.old_one) {
    rename(session, swap.name, swap.kept_name);
    session.execute(fmt::format("COMMENT ON DATABASE {} IS {}", session.quote_identifier(swap.kept_name),
                                session.quote_literal(swap.kept_comment)));
  }
  rename(session, swap.staging_name, swap.name);
  operation.at_step("swap-open", swap.name);
  return begun;
}

// Whether a commit whose answer was lost took place.
bool has_swapped(const Operation& operation, const std::string& maintenance, const Swap& swap) noexcept {
  static constexpr std::chrono::seconds kTimeToLook{10};
  try {
    const Deadline deadline(kTimeToLook);
    Connection session = with_stop(operation, deadline.token()).connect(maintenance, "swap");
    return find_database(session, swap.name) == swap.staging;
  } catch (const std::exception&) {
    return false;
  }
}

bool is_worth_another_try(const Error& error) {
  return error.sqlstate() == "55006"      // sessions are still there
         || error.sqlstate() == "40P01"   // deadlock
         || error.sqlstate() == "XX000";  // "tuple concurrently updated": somebody changes the database
}

Error swap_failed(const Error& error, const Swap& swap) {
  return Error(
      ErrorCode::kSwapFailed,
      {.message = fmt::format("Database \"{}\" could not take its name.", swap.name),
       .cause = error.what(),
       .solution = {"Nothing was changed: the old database is as it was.",
                    fmt::format(
                        "See who uses it: SELECT * FROM pg_stat_activity WHERE datname = '{}'; and for "
                        "prepared transactions: SELECT * FROM pg_prepared_xacts;",
                        swap.name),
                    "Run the restore again."},
       .sqlstate = error.sqlstate()});
}

}  // namespace

std::vector<double> swap_databases(const Operation& operation, const std::string& maintenance,
                                   const std::vector<Swap>& swaps, std::chrono::seconds lock_timeout) {
  using TimePoint = std::chrono::steady_clock::time_point;
  Connection session = operation.connect(maintenance, "swap");
  const TimePoint deadline = operation.clock.steady_now() + lock_timeout;
  std::vector<TimePoint> begun;
  const auto windows = [&] {
    std::vector<double> seconds;
    for (const TimePoint from : begun) {
      seconds.push_back(std::chrono::duration<double>(operation.clock.steady_now() - from).count());
    }
    return seconds;
  };
  while (true) {
    begun.clear();
    try {
      TaskGroup terminator(operation.stop);
      terminator.spawn("swap-sessions", [&](const std::stop_token& stop) {
        end_sessions(operation, maintenance, swaps, stop);
      });
      postgres::in_transaction(session, [&] {
        session.execute(fmt::format("SET LOCAL lock_timeout = '{}s'", lock_timeout.count()));
        for (const Swap& swap : swaps) begun.push_back(exchange_names(session, operation, swap));
      });
      std::vector<double> seconds = windows();
      for (const Swap& swap : swaps) operation.at_step("swap-committed", swap.name);
      return seconds;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kSwapFailed || error.code() == ErrorCode::kLockTimeout) throw;
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) {
        // All or none: one tells of all.
        if (begun.size() == swaps.size() && has_swapped(operation, maintenance, swaps.front()))
          return windows();
        throw;
      }
      if (is_worth_another_try(error) && operation.clock.steady_now() < deadline) continue;
      throw swap_failed(error, swaps.at(std::min(begun.size(), swaps.size() - 1)));
    }
  }
}

}  // namespace dbb::logical
