#include "postgres/server_error.h"

#include <fmt/format.h>

#include <string.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <vector>

#include "base/shell_word.h"

namespace dbb::postgres {
namespace {

bool mentions(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto line = trimmed(text.substr(0, end)); !line.empty()) lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string quoted_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string psql_command(const ConnectionTarget& target) {
  std::string command = "psql";
  if (const auto host = target.value("host"); !host.empty()) command += " -h " + shell_word(host);
  if (const auto port = target.value("port"); !port.empty()) command += " -p " + shell_word(port);
  if (const auto user = target.value("user"); !user.empty()) command += " -U " + shell_word(user);
  return command + " -d postgres";
}

// The SQLSTATE that PQERRORS_VERBOSE puts between severity and message: "FATAL:  28P01: password ...".
std::string sqlstate_in(std::string_view words) {
  for (size_t at = words.find(":  "); at != std::string_view::npos; at = words.find(":  ", at + 1)) {
    const auto state = words.substr(at + 3, 5);
    const bool formed = state.size() == 5 && std::ranges::all_of(state, [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                        });
    if (formed && words.substr(at + 8, 2) == ": ") return std::string(state);
  }
  return {};
}

// The same words as a person knows them: without the SQLSTATE and the place in the server's source.
std::string plain_words(std::string_view words, const std::string& sqlstate) {
  std::string out;
  for (std::string_view line : lines_of(words)) {
    if (line.starts_with("LOCATION:")) continue;
    std::string kept(line);
    if (!sqlstate.empty()) {
      const std::string mark = ":  " + sqlstate + ": ";
      if (const auto at = kept.find(mark); at != std::string::npos) kept.replace(at, mark.size(), ":  ");
    }
    if (!out.empty()) out += "; ";
    out += kept;
  }
  return out;
}

// A way of failing that has a code and advice of its own.
struct Diagnosis {
  ErrorCode code;
  std::string message;
  std::vector<std::string> solution;
};

Diagnosis authentication(const ConnectionTarget& target) {
  const auto user = target.value("user");
  return {
      .code = ErrorCode::kAuthFailed,
      .message = fmt::format("PostgreSQL at {} does not let user \"{}\" in.", target.host_and_port(), user),
      .solution = {
          "Verify the password: in the connection string or configuration file, in PGPASSWORD, or in the "
          "password "
          "file (~/.pgpass or PGPASSFILE, mode 0600, host:port:database:user:password).",
          fmt::format("Check pg_hba.conf on the server for a line that admits user \"{}\" from this host to "
                      "database \"{}\" with the method you use, then: SELECT pg_reload_conf();",
                      user, target.value("dbname")),
          fmt::format("Check that the user exists: SELECT rolname FROM pg_roles WHERE rolname={};",
                      quoted_literal(user)),
          fmt::format("Test the connection: {}", psql_command(target)),
      }};
}

Diagnosis unreachable(const ConnectionTarget& target) {
  Diagnosis out{.code = ErrorCode::kConnectionRefused,
                .message = fmt::format("No PostgreSQL server answers at {}.", target.host_and_port()),
                .solution = {"Check that the server runs: systemctl status postgresql, or pg_lsclusters."}};
  if (target.is_local_socket()) {
    out.solution.push_back(
        fmt::format("Check host and port: the server must have its socket \"{}/.s.PGSQL.{}\" (settings "
                    "unix_socket_directories and "
                    "port).",
                    target.value("host"), target.value("port")));
  } else {
    out.solution.push_back(fmt::format("Check host and port: {} is where we asked.", target.host_and_port()));
    out.solution.emplace_back(
        "Check that the server listens there: SHOW listen_addresses; ('localhost' admits no other host).");
    out.solution.push_back(fmt::format("Check that no firewall stands in between: nc -vz {} {}",
                                       shell_word(target.value("host")), target.value("port")));
  }
  out.solution.push_back(fmt::format("Test the connection: {}", psql_command(target)));
  return out;
}

Diagnosis no_database(const ConnectionTarget& target) {
  return {.code = ErrorCode::kDatabaseNotFound,
          .message = fmt::format("There is no database \"{}\" on {}.", target.value("dbname"),
                                 target.host_and_port()),
          .solution = {fmt::format("List the databases: {} -l", psql_command(target)),
                       "Names are case sensitive here; give the name as that list shows it."}};
}

Diagnosis too_many(const ConnectionTarget& target) {
  return {
      .code = ErrorCode::kConnectionRefused,
      .message = fmt::format("PostgreSQL at {} has no free connection slot left.", target.host_and_port()),
      .solution = {
          "See who holds them: SELECT usename, application_name, state, count(*) FROM pg_stat_activity "
          "GROUP BY 1, 2, 3 ORDER BY 4 DESC;",
          "Free some, use fewer workers, or raise max_connections (or the CONNECTION LIMIT of the role or "
          "database)."}};
}

std::optional<Diagnosis> diagnose_login(const std::string& sqlstate, std::string_view words,
                                        const ConnectionTarget& target) {
  if (sqlstate.starts_with("28")) return authentication(target);
  if (sqlstate == "3D000") return no_database(target);
  if (sqlstate == "53300") return too_many(target);
  if (sqlstate == "42501")
    return Diagnosis{
        .code = ErrorCode::kPermissionDenied,
        .message = fmt::format("User \"{}\" may not connect to database \"{}\".", target.value("user"),
                               target.value("dbname")),
        .solution = {fmt::format("As its owner or a superuser: GRANT CONNECT ON DATABASE \"{}\" TO \"{}\";",
                                 target.value("dbname"), target.value("user"))}};
  if (sqlstate == "57P03")
    return Diagnosis{
        .code = ErrorCode::kConnectionRefused,
        .message = fmt::format("PostgreSQL at {} is starting up or shutting down.", target.host_and_port()),
        .solution = {"Wait until it accepts connections: pg_isready", "See its log if that does not come."}};
  if (sqlstate == "55000")
    return Diagnosis{
        .code = ErrorCode::kServerError,
        .message = fmt::format("Database \"{}\" accepts no connections.", target.value("dbname")),
        .solution = {"See its state: SELECT datname, datallowconn, datconnlimit FROM pg_database; a "
                     "datconnlimit of -2 is an interrupted DROP DATABASE: drop it again.",
                     fmt::format("If it should be open: ALTER DATABASE \"{}\" ALLOW_CONNECTIONS true;",
                                 target.value("dbname"))}};
  if (!sqlstate.empty()) return std::nullopt;

  if (mentions(words, {"no password supplied", "password authentication failed", "authentication failed",
                       "no pg_hba.conf entry", "SCRAM", "role \""}))
    return authentication(target);
  if (mentions(words, {"could not translate host name"})) {
    Diagnosis out = unreachable(target);
    out.solution.insert(out.solution.begin(),
                        fmt::format("Check the spelling of \"{}\" and that this host can resolve it: "
                                    "getent hosts {}",
                                    target.value("host"), shell_word(target.value("host"))));
    return out;
  }
  if (mentions(words, {"SSL", "certificate", "private key"}))
    return Diagnosis{
        .code = ErrorCode::kConnectionRefused,
        .message = fmt::format("No TLS session with PostgreSQL at {}.", target.host_and_port()),
        .solution = {fmt::format("Compare sslmode ({}), sslrootcert, sslcert and sslkey with what the "
                                 "server demands: SHOW ssl; and the hostssl lines of pg_hba.conf.",
                                 target.value("sslmode")),
                     fmt::format("Test the connection: {}", psql_command(target))}};
  return unreachable(target);
}

// What a statement's SQLSTATE means to us; empty optional: just an error of the server.
std::optional<ErrorCode> code_of(const ServerReport& report) {
  const std::string_view state = report.sqlstate;
  if (state == "42501") return ErrorCode::kPermissionDenied;
  if (state == "55P03") return ErrorCode::kLockTimeout;
  if (state == "53100") return ErrorCode::kDiskFull;
  if (state == "3D000") return ErrorCode::kDatabaseNotFound;
  // An error of class 08 that leaves the session alive is of a connection the server itself wanted to make,
  // to another one.
  const bool is_of_another = report.severity == "ERROR";
  if (state == "57P01" || state == "57P02" || state == "57P03" || state == "57P04" || state == "57P05" ||
      (state.starts_with("08") && !is_of_another))
    return ErrorCode::kConnectionLost;
  // 53200 is also a plain "out of memory" of one backend; the name of the setting stands in the hint in any
  // language.
  if (state == "53200" &&
      (mentions(report.hint, {"max_locks_per_transaction", "max_pred_locks_per_transaction"}) ||
       mentions(report.message, {"out of shared memory"})))
    return ErrorCode::kLockExhaustion;
  return std::nullopt;
}

std::string lost_message(const ConnectionTarget& target) {
  return fmt::format("The connection to PostgreSQL at {} was lost.", target.host_and_port());
}

std::vector<std::string> solution_for(ErrorCode code, const ConnectionTarget& target) {
  switch (code) {
    case ErrorCode::kPermissionDenied:
      return {fmt::format(
          "Grant the right to user \"{}\", or connect as a user who has it (a superuser has them all).",
          target.value("user"))};
    case ErrorCode::kLockTimeout:
      return {
          "See who holds the lock: SELECT pid, usename, state, query FROM pg_stat_activity WHERE pid IN "
          "(SELECT "
          "unnest(pg_blocking_pids(pid)) FROM pg_stat_activity);",
          "Try again when that transaction has ended, or wait longer (--lock-wait-timeout, --lock-timeout)."};
    case ErrorCode::kLockExhaustion:
      return {
          "Raise max_locks_per_transaction on the server (ALTER SYSTEM SET max_locks_per_transaction = 256; "
          "then "
          "restart it), or use fewer workers (--jobs 1).",
          "See what uses locks now: SELECT pid, count(*) FROM pg_locks GROUP BY pid ORDER BY 2 DESC;"};
    case ErrorCode::kDiskFull:
      return {"Free space on the server: its data directory, its tablespaces and pg_wal.",
              "SELECT spcname, pg_tablespace_location(oid), pg_size_pretty(pg_tablespace_size(oid)) FROM "
              "pg_tablespace;"};
    case ErrorCode::kConnectionLost:
      return {
          "See the server's log for the reason: a shutdown, a crash, or an administrator who ended the "
          "session.",
          "Run the same command again when the server is up."};
    case ErrorCode::kClientProgramFailed:
      return {"Mend what its words complain of; the server's log may say more.",
              "See what this host can do with this server: dbbackup doctor"};
    case ErrorCode::kServerError:
      return {"Mend what the server complains of; its log may say more."};
    default:
      return {};
  }
}

void append_sentence(std::string& text, std::string_view label, std::string_view words) {
  if (words.empty()) return;
  if (!text.empty()) text += "; ";
  text += label;
  text += words;
}

Error lock_exhaustion(const std::string& message, const std::string& cause, const std::string& sqlstate,
                      const ConnectionTarget& target) {
  return Error(
      ErrorCode::kLockExhaustion,
      {.message = fmt::format("LOCK_EXHAUSTION: {} - max_locks_per_transaction insufficient (error: {})",
                              message, cause.empty() ? message : cause),
       .cause = cause.empty() ? message : cause,
       .solution = solution_for(ErrorCode::kLockExhaustion, target),
       .sqlstate = sqlstate});
}

// The first error a program wrote and what follows it; the warnings before are not the reason.
std::string last_words(std::string_view program, int exit_code, std::string_view standard_error) {
  const auto lines = lines_of(standard_error);
  const auto first_error = std::ranges::find_if(lines, [](std::string_view line) {
    return mentions(line, {": error: ", ": fatal: ", ": FATAL:  ", ": ERROR:  "});
  });
  std::string words;
  for (auto line = first_error == lines.end() ? lines.begin() : first_error; line != lines.end(); ++line)
    append_sentence(words, "", *line);
  constexpr size_t kMost = 4000;
  if (words.size() > kMost) words = words.substr(0, kMost) + " ...";
  constexpr int kSignalled = 128;  // as shells count
  if (words.empty() && exit_code > kSignalled)
    words = fmt::format("{} was ended by signal {} ({}).", program, exit_code - kSignalled,
                        ::strsignal(exit_code - kSignalled));
  if (words.empty())
    words = fmt::format("{} ended with exit status {} and said nothing.", program, exit_code);
  return words;
}

std::optional<Diagnosis> diagnose_program_login(std::string_view cause, const ConnectionTarget& target) {
  if (!mentions(cause, {"connection to server", "connection to database", "could not connect"}))
    return std::nullopt;
  if (mentions(cause, {"password authentication failed", "no pg_hba.conf entry", "no password supplied",
                       "authentication failed for user", "FATAL:  role "}))
    return authentication(target);
  if (mentions(cause, {"FATAL:  database "}) && mentions(cause, {"does not exist"}))
    return no_database(target);
  if (mentions(cause, {"too many clients", "remaining connection slots", "too many connections"}))
    return too_many(target);
  if (mentions(cause, {"Connection refused", "could not translate host name", "Is the server running",
                       "timeout expired"}))
    return unreachable(target);
  return std::nullopt;
}

ErrorCode code_of_program_words(std::string_view cause) {
  if (mentions(cause, {"lock timeout", "could not obtain lock"})) return ErrorCode::kLockTimeout;
  // pg_dump --lock-wait-timeout is a statement_timeout in truth.
  if (mentions(cause, {"statement timeout"}) && mentions(cause, {"LOCK TABLE"}))
    return ErrorCode::kLockTimeout;
  if (mentions(cause, {"No space left on device"})) return ErrorCode::kDiskFull;
  if (mentions(cause, {"permission denied", "must be owner", "must be superuser"}))
    return ErrorCode::kPermissionDenied;
  if (mentions(cause, {"server closed the connection", "terminating connection", "the database system is",
                       "no connection to the server"}))
    return ErrorCode::kConnectionLost;
  return ErrorCode::kClientProgramFailed;
}

Error diagnose_program(std::string_view program, int exit_code, const std::string& cause,
                       const ConnectionTarget& target) {
  if (mentions(cause, {"out of shared memory", "max_locks_per_transaction"}))
    return lock_exhaustion("out of shared memory", cause, "53200", target);
  if (mentions(cause, {"unsupported startup parameter"})) return pooler_in_between(cause, target);
  if (auto diagnosis = diagnose_program_login(cause, target))
    return Error(diagnosis->code, {.message = std::move(diagnosis->message),
                                   .cause = cause,
                                   .solution = std::move(diagnosis->solution)});
  if (exit_code == 127)
    return Error(ErrorCode::kClientProgramMissing,
                 {.message = fmt::format("{} could not be started.", program),
                  .cause = cause,
                  .solution = {"Install the client programs of PostgreSQL anew: apt-get install --reinstall "
                               "postgresql-client-<major version>"}});
  const ErrorCode code = code_of_program_words(cause);
  return Error(code, {.message = fmt::format("{} failed (exit status {}).", program, exit_code),
                      .cause = cause,
                      .solution = solution_for(code, target)});
}

}  // namespace

void add_target(Error& error, const ConnectionTarget& target) {
  error.add_context("Database", target.value("dbname"));
  error.add_context("Host", target.host_and_port());
  error.add_context("User", target.value("user"));
}

Error statement_error(const ServerReport& report, const ConnectionTarget& target) {
  const ErrorCode code = code_of(report).value_or(ErrorCode::kServerError);
  const bool is_lost = code == ErrorCode::kConnectionLost;
  std::string cause;
  if (is_lost) append_sentence(cause, "", report.message);
  append_sentence(cause, "", report.detail);
  append_sentence(cause, "Hint: ", report.hint);
  append_sentence(cause, "Context: ", report.context);

  Error error = code == ErrorCode::kLockExhaustion
                    ? lock_exhaustion(report.message, cause, report.sqlstate, target)
                    : Error(code, {.message = is_lost ? lost_message(target) : report.message,
                                   .cause = std::move(cause),
                                   .solution = solution_for(code, target),
                                   .sqlstate = report.sqlstate});
  add_target(error, target);
  return error;
}

bool is_undefined(const Error& error) {
  const std::string& state = error.sqlstate();
  return state == "42P01" || state == "3F000" || state == "42883" || state == "42704";
}

Error connection_lost(std::string_view words, const ConnectionTarget& target) {
  std::string cause;
  for (const auto line : lines_of(words)) append_sentence(cause, "", line);
  Error error(ErrorCode::kConnectionLost, {.message = lost_message(target),
                                           .cause = std::move(cause),
                                           .solution = solution_for(ErrorCode::kConnectionLost, target)});
  add_target(error, target);
  return error;
}

Error pooler_in_between(std::string proof, const ConnectionTarget& target) {
  Error error(
      ErrorCode::kPoolerInBetween,
      {.message = fmt::format("{} is a connection pooler, not PostgreSQL itself.", target.host_and_port()),
       .cause = std::move(proof),
       .solution = {
           "Give the address of the PostgreSQL server itself (-h, -p): behind a pooler, settings and "
           "snapshots of one session can land in another.",
           "With PgBouncer, that is the address in the [databases] section of pgbouncer.ini."}});
  add_target(error, target);
  return error;
}

Error login_error(std::string_view words, const ConnectionTarget& target) {
  const std::string sqlstate = sqlstate_in(words);
  std::string cause = plain_words(words, sqlstate);
  if (mentions(words, {"unsupported startup parameter"})) return pooler_in_between(std::move(cause), target);
  if (code_of({.sqlstate = sqlstate, .message = cause}) == ErrorCode::kLockExhaustion) {
    Error error = lock_exhaustion("out of shared memory", cause, sqlstate, target);
    add_target(error, target);
    return error;
  }

  auto diagnosis = diagnose_login(sqlstate, words, target)
                       .value_or(Diagnosis{.code = ErrorCode::kServerError,
                                           .message = fmt::format("PostgreSQL at {} refused the session.",
                                                                  target.host_and_port())});
  Error error(diagnosis.code, {.message = std::move(diagnosis.message),
                               .cause = std::move(cause),
                               .solution = std::move(diagnosis.solution),
                               .sqlstate = sqlstate});
  add_target(error, target);
  return error;
}

Error program_error(std::string_view program, int exit_code, std::string_view standard_error,
                    const ConnectionTarget* target) {
  const std::string cause = last_words(program, exit_code, standard_error);
  const ConnectionTarget unknown;
  Error error = diagnose_program(program, exit_code, cause, target != nullptr ? *target : unknown);
  error.add_context("Program", std::string(program));
  if (target != nullptr) add_target(error, *target);
  return error;
}

}  // namespace dbb::postgres
