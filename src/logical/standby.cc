#include "logical/standby.h"

#include <fmt/format.h>

#include "logical/living_runs.h"
#include "logical/replay_trace.h"
#include "logical/restore_session.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::chrono::seconds kTimeToResume{15};

// "not paused", "pause requested", "paused"; "" when the server is no standby any more.
std::string pause_state(Connection& session) {
  const char* const state =
      session.version().major() >= 14
          ? "pg_catalog.pg_get_wal_replay_pause_state()"
          : "CASE WHEN pg_catalog.pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END";
  const bool in_recovery = session.execute("SELECT pg_catalog.pg_is_in_recovery()").boolean(0, 0);
  if (!in_recovery) return {};
  try {
    return session.execute(fmt::format("SELECT {}", state)).string(0, 0);
  } catch (const Error& error) {
    if (error.sqlstate() == "55000") return {};  // promoted in between
    throw;
  }
}

Error may_not_pause(const Error& error, Connection& session) {
  const std::string role = session.execute("SELECT pg_catalog.quote_ident(current_user)").string(0, 0);
  return Error(
      ErrorCode::kPermissionDenied,
      {.message = "The role may not pause the replay of the standby.",
       .cause = error.message(),
       .solution = {fmt::format("As a superuser on the primary, in database {}: GRANT EXECUTE ON FUNCTION "
                                "pg_wal_replay_pause(), pg_wal_replay_resume() TO {};",
                                session.database(), role),
                    "Or back up without --pause-replay, with hot_standby_feedback = on there."},
       .sqlstate = error.sqlstate()});
}

std::string replay_lsn(Connection& session) {
  return session.execute("SELECT pg_catalog.pg_last_wal_replay_lsn()").string(0, 0);
}

}  // namespace

ReplayPause::ReplayPause(const Operation& operation, std::string maintenance, std::chrono::seconds timeout,
                         const std::filesystem::path& state_directory)
    : operation_(operation),
      maintenance_(std::move(maintenance)),
      trace_(replay_trace_file(state_directory, operation.target.host_and_port())) {
  Connection session = operation.connect(maintenance_, "replay");
  if (pause_state(session) == "paused") {
    operation.notice("replay-was-paused", "Replay was paused already, and stays so when the backup ends.");
    return;
  }
  is_ours_ = true;
  write_replay_trace(trace_, {.run = operation.run});
  try {
    session.execute("SELECT pg_catalog.pg_wal_replay_pause()");
    wait_until_paused(session, timeout);
    write_replay_trace(trace_, {.run = operation.run, .lsn = replay_lsn(session)});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kPermissionDenied) {
      is_ours_ = false;
      remove_replay_trace(trace_);
      throw may_not_pause(error, session);
    }
    resume();
    throw;
  }
  operation.notice("replay-paused", "Replay of the standby is paused while the backup reads.");
  operation.at_step("replay-paused", "");
}

ReplayPause::~ReplayPause() {
  if (is_ours_) resume();
}

void ReplayPause::wait_until_paused(Connection& session, std::chrono::seconds timeout) {
  const auto deadline = operation_.clock.steady_now() + timeout;
  const system::StopEvent stopped(operation_.stop);
  while (true) {
    const std::string state = pause_state(session);
    if (state == "paused") return;
    if (state.empty()) {
      throw Error(
          ErrorCode::kServerError,
          {.message = "The standby was promoted while its replay was to be paused.",
           .solution = {"Run the backup again: the server is a primary now, and needs no --pause-replay."}});
    }
    if (operation_.clock.steady_now() >= deadline) {
      throw Error(
          ErrorCode::kLockTimeout,
          {.message = fmt::format("Replay of the standby did not pause within {} s.", timeout.count()),
           .cause =
               fmt::format("Its state is \"{}\": replay waits for a query or lock on the standby.", state),
           .solution = {"See who holds it up: SELECT pid, query, wait_event FROM pg_stat_activity;",
                        "Wait longer: --lock-wait-timeout"}});
    }
    if (!system::sleep_for(kBetweenLooks, stopped)) throw cancelled();
  }
}

void ReplayPause::resume() noexcept {
  is_ours_ = false;
  try {
    const Deadline deadline(kTimeToResume);
    Connection session = with_stop(operation_, deadline.token()).connect(maintenance_, "replay");
    if (!pause_state(session).empty()) session.execute("SELECT pg_catalog.pg_wal_replay_resume()");
    remove_replay_trace(trace_);
  } catch (const std::exception& error) {
    try {
      operation_.warn("replay-still-paused",
                      fmt::format("Replay of the standby could not be resumed: {} Do it by hand: SELECT "
                                  "pg_wal_replay_resume();",
                                  error.what()));
    } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody left to tell
    }
  }
}

std::optional<PausedReplay> find_paused_replay(Connection& session, const Operation& operation,
                                               const std::filesystem::path& state_directory) {
  const std::string state = pause_state(session);
  if (state != "paused" && state != "pause requested") return std::nullopt;
  const auto trace = read_replay_trace(replay_trace_file(state_directory, operation.target.host_and_port()));
  std::set<std::string> living = living_runs(session);
  living.erase(std::string(operation.run.random_part()));
  PausedReplay found;
  if (!trace) {
    found.in_use = !living.empty();
    return found;
  }
  found.in_use = living.contains(std::string(trace->run.random_part()));
  // Who resumed it and paused it again did so at another place.
  if (!trace->lsn.empty() && trace->lsn == replay_lsn(session)) found.run = trace->run;
  return found;
}

void resume_replay(Connection& session, const Operation& operation,
                   const std::filesystem::path& state_directory) {
  session.execute("SELECT pg_catalog.pg_wal_replay_resume()");
  remove_replay_trace(replay_trace_file(state_directory, operation.target.host_and_port()));
}

void settle_replay(Connection& session, const Operation& operation,
                   const std::filesystem::path& state_directory) {
  const std::optional<PausedReplay> paused = find_paused_replay(session, operation, state_directory);
  if (!paused || paused->in_use) return;
  if (!paused->run) {
    operation.warn(
        "replay-is-paused",
        "Replay of this standby is paused, so the backup is of the time when it was. If nobody wants "
        "that: SELECT pg_wal_replay_resume();");
    return;
  }
  try {
    resume_replay(session, operation, state_directory);
    operation.notice("replay-resumed",
                     fmt::format("Replay of this standby goes on: backup {}, which was killed, had left it "
                                 "paused.",
                                 paused->run->text()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPermissionDenied) throw;
    operation.warn(
        "replay-is-paused",
        fmt::format("Replay of this standby is paused since backup {}, which was killed, and the role "
                    "may not resume it: SELECT pg_wal_replay_resume();",
                    paused->run->text()));
  }
}

bool is_recovery_conflict(const Error& error) {
  // T_R_SERIALIZATION_FAILURE: a transaction that only reads a snapshot meets no other; DATABASE_DROPPED.
  if (error.sqlstate() == "40001" || error.sqlstate() == "57P04") return true;
  return std::string_view(error.what()).find("conflict with recovery") != std::string_view::npos;
}

Error explained_conflict(const Error& error) {
  Error explained(
      ErrorCode::kServerError,
      {.message =
           "The standby ended a query of the backup, because replay had to go on (a recovery conflict).",
       .cause = error.what(),
       .solution =
           {"Hold replay still while the backup reads: --pause-replay",
            "Or let the primary keep the rows the backup still needs: hot_standby_feedback = on on the "
            "standby. It does not help against locks (DROP, TRUNCATE, ALTER TABLE on the primary).",
            "Or let replay wait longer: max_standby_streaming_delay and max_standby_archive_delay (-1: as "
            "long as it takes).",
            "Which conflicts there were: SELECT * FROM pg_stat_database_conflicts;"},
       .sqlstate = error.sqlstate()});
  for (const auto& [label, value] : error.context()) explained.add_context(label, value);
  return explained;
}

}  // namespace dbb::logical
