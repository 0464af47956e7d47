#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/error.h"
#include "postgres/connection.h"
#include "postgres/connection_state.h"
#include "postgres/startup_options.h"

namespace dbb::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::seconds kConnectTimeout{15};
constexpr size_t kMostNotices = 1000;

// Known to every server from 13 on, so that the first statement already runs under them: a role may have
// statement_timeout = 1 ms by ALTER ROLE, or default_transaction_read_only.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kStartupSettings{{
    {"statement_timeout", "0"},
    {"lock_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"search_path", ""},
    {"default_transaction_read_only", "off"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_deferrable", "off"},
    {"client_min_messages", "notice"},
    {"DateStyle", "ISO"},
    {"IntervalStyle", "postgres"},
    {"TimeZone", "UTC"},
    {"extra_float_digits", "3"},
    {"bytea_output", "hex"},
    {"array_nulls", "on"},
    {"xmloption", "content"},
    {"quote_all_identifiers", "off"},
    {"standard_conforming_strings", "on"},
    {"synchronize_seqscans", "off"},
    {"row_security", "off"},
    {"jit", "off"},
    {"max_parallel_workers_per_gather", "0"},
    {"check_function_bodies", "off"},
}};

// What a server may be too old for is set after the login, where it exists: an unknown name among the startup
// options would refuse the session.
constexpr std::string_view kTimeouts =
    "'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', "
    "'transaction_timeout'";

bool is_format(std::string_view setting) {
  // Their names in pg_db_role_setting are spelled as they were typed.
  static constexpr std::array<std::string_view, 5> kFormats{"DateStyle", "IntervalStyle", "TimeZone",
                                                            "extra_float_digits", "bytea_output"};
  return std::ranges::any_of(kFormats, [&](std::string_view format) {
    return std::ranges::equal(
        format, setting, {}, [](unsigned char c) { return std::tolower(c); },
        [](unsigned char c) { return std::tolower(c); });
  });
}

bool has(const Settings& settings, std::string_view name) {
  return std::ranges::find(settings, name, &Settings::value_type::first) != settings.end();
}

}  // namespace

bool is_set_by_every_session(std::string_view setting) {
  const bool is_at_startup =
      std::ranges::find(kStartupSettings, setting, &decltype(kStartupSettings)::value_type::first) !=
      kStartupSettings.end();
  return (is_at_startup && !is_format(setting)) || setting.ends_with("_timeout");
}

namespace {

std::string startup_options(const ConnectionTarget& target, const SessionOptions& options) {
  std::string text = target.value("options");  // theirs first: the last one wins
  for (const auto& [name, value] : kStartupSettings)
    if (!has(options.settings, name) && !(options.users_search_path && name == "search_path") &&
        !(options.users_formats && is_format(name)))
      append_startup_option(text, name, value);
  for (const auto& [name, value] : options.settings) append_startup_option(text, name, value);
  return text;
}

std::chrono::seconds connect_timeout(const ConnectionTarget& target) {
  const std::string text = target.value("connect_timeout");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds > 0 ? std::chrono::seconds(seconds) : kConnectTimeout;
}

Settings login_parameters(const ConnectionTarget& target, const SessionOptions& options) {
  Settings parameters;
  for (const auto& parameter : target.parameters())
    if (parameter.first != "options" && parameter.first != "application_name" &&
        parameter.first != "client_encoding")
      parameters.push_back(parameter);
  parameters.emplace_back("application_name", options.application_name);
  parameters.emplace_back("options", startup_options(target, options));
  // The system's own defaults notice a dead peer after two hours.
  for (const auto& [keyword, value] :
       Settings{{"keepalives_idle", "60"}, {"keepalives_interval", "10"}, {"keepalives_count", "6"}})
    if (target.value(keyword).empty()) parameters.emplace_back(keyword, value);
  // The kernel gives an address that does not answer up in time, and libpq then tries the next one of the
  // host, and the next host. Taken back after the login: see open(). PQcancel keeps it.
  if (target.value("tcp_user_timeout").empty())
    parameters.emplace_back("tcp_user_timeout",
                            std::to_string(std::chrono::milliseconds(connect_timeout(target)).count()));
  return parameters;
}

// Called by libpq, so it must not throw.
void take_notice(void* into, const PGresult* notice) {
  try {
    auto& notices = *static_cast<std::vector<std::string>*>(into);
    if (notices.size() >= kMostNotices) return;
    const ServerReport report = report_of(notice);
    notices.push_back(report.severity + ": " + report.message);
  } catch (...) {
    // Out of memory over a notice: the statement itself will say so.
  }
}

// Carries libpq's login on until it stands. Each address has the connect timeout for itself. Looking up a
// host name blocks; everything else ends on stop.
void log_in(PGconn* raw, const ConnectionTarget& target, const system::StopEvent& stop) {
  // The kernel's own timeout comes first where it can, so that another address is tried.
  const auto timeout = connect_timeout(target) + std::chrono::milliseconds(500);
  auto deadline = Clock::now() + timeout;
  std::string address;
  auto next = PGRES_POLLING_WRITING;
  while (true) {
    if (PQstatus(raw) == CONNECTION_BAD || next == PGRES_POLLING_FAILED)
      throw login_error(PQerrorMessage(raw), target);
    if (next == PGRES_POLLING_OK) return;
    if (const std::string now_at = std::string(PQhost(raw)) + " " + PQhostaddr(raw); now_at != address) {
      address = now_at;
      deadline = Clock::now() + timeout;
    }
    const auto left = std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()),
                               std::chrono::milliseconds(0));
    const auto what = next == PGRES_POLLING_READING ? system::WaitFor::kRead : system::WaitFor::kWrite;
    switch (system::wait_for(PQsocket(raw), what, stop, left)) {
      case system::WaitResult::kStopped:
        throw cancelled();
      case system::WaitResult::kTimedOut:
        throw login_error(fmt::format("timeout expired: no answer within {} s (connect_timeout)",
                                      connect_timeout(target).count()),
                          target);
      case system::WaitResult::kReady:
        break;
    }
    next = PQconnectPoll(raw);
  }
}

// A session may be silent for longer than a login.
void restore_user_timeout(PGconn* raw, const ConnectionTarget& target) {
  if (target.is_local_socket()) return;
  unsigned int timeout_ms = 0;
  const std::string text = target.value("tcp_user_timeout");
  std::from_chars(text.data(), text.data() + text.size(), timeout_ms);
  // Fails on a Unix socket among several hosts, which has no such timeout.
  ::setsockopt(PQsocket(raw), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

std::string names_not_in(const Settings& settings, std::initializer_list<std::string_view> names) {
  std::string list;
  for (const auto name : names)
    if (!has(settings, name)) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", name);
  return list.empty() ? "''" : list;
}

// Settles what startup options cannot, checks the result, and finds a pooler out; one round trip.
void settle(Connection& connection, const SessionOptions& options) {
  const auto& own = options.settings;
  std::string sql = fmt::format(
      "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN ({});\n",
      names_not_in(own, {"idle_session_timeout", "transaction_timeout"}));
  // ALTER DATABASE ... SET role is for its users; who connects with a role of his own asked for it.
  const bool asked_for_role =
      has(own, "role") || connection.target().value("options").find("role=") != std::string::npos;
  if (!asked_for_role) {
    sql +=
        "SELECT pg_catalog.set_config('role', 'none', false) FROM pg_catalog.pg_db_role_setting s, "
        "pg_catalog.unnest(s.setconfig) c WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM "
        "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
        "AND c = 'role=' || pg_catalog.current_setting('role');\n";
  }
  // Other systems than Linux refuse it, at least before 15.
  sql += fmt::format(
      "SELECT pg_catalog.set_config(name, '2s', false) FROM pg_catalog.pg_settings "
      "WHERE name IN ({}) AND pg_catalog.version() ~ 'linux';\n",
      names_not_in(own, {"client_connection_check_interval"}));
  if (options.only_plain_tables)
    sql +=
        "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) FROM pg_catalog.pg_settings "
        "WHERE name = 'restrict_nonsystem_relation_kind';\n";
  sql += fmt::format("SELECT pg_catalog.set_config('client_encoding', {}, false);\n",
                     options.client_encoding.empty() ? "pg_catalog.current_setting('server_encoding')"
                                                     : connection.quote_literal(options.client_encoding));
  sql += fmt::format(
      "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('search_path'), "
      "(SELECT pg_catalog.string_agg(name || ' = ' || setting, ', ') FROM pg_catalog.pg_settings "
      "WHERE name IN ({}) AND name NOT IN ({}) AND setting <> '0')",
      kTimeouts,
      own.empty() ? "''"
                  : fmt::format("{}", fmt::join(
                                          [&] {
                                            std::vector<std::string> names;
                                            for (const auto& [name, value] : own)
                                              names.push_back(connection.quote_literal(name));
                                            return names;
                                          }(),
                                          ", ")));

  const Result answer = connection.execute(sql);
  if (answer.integer(0, 0) != connection.backend_pid())
    throw pooler_in_between(fmt::format("The login named server process {}, and process {} answers.",
                                        connection.backend_pid(), answer.string(0, 0)),
                            connection.target());
  const bool path_kept = !answer.text(0, 1).empty() && answer.text(0, 1) != "\"\"" &&
                         !has(own, "search_path") && !options.users_search_path;
  if (path_kept || !answer.is_null(0, 2))
    throw Error(
        ErrorCode::kServerError,
        {.message = "The server did not keep the settings of the session.",
         .cause = path_kept ? "search_path = " + answer.string(0, 1) : answer.string(0, 2),
         .solution = {
             "Look for a login event trigger or an extension that changes settings of new sessions."}});
}

// Whether an event trigger on login may be the reason: it may raise what it likes.
bool may_be_a_trigger(const Error& error) {
  const std::string& state = error.sqlstate();
  const bool is_of_the_server =
      state.starts_with("28") || state.starts_with("53") || state.starts_with("57P") || state == "3D000";
  return !is_of_the_server && (!state.empty() || error.code() == ErrorCode::kServerError);
}

}  // namespace

// An event trigger on login (from 17 on) is part of what is backed up or restored, and must not keep us from
// it. Only a superuser may do without, and an older server does not know the setting: so it is tried when a
// login failed, and if that fails, too, the first reason is the one.
Connection Connection::open(const ConnectionTarget& target, const SessionOptions& options,
                            std::stop_token stop) {
  try {
    return open_once(target, options, stop);
  } catch (const Error& error) {
    if (has(options.settings, "event_triggers") || !may_be_a_trigger(error)) throw;
    SessionOptions quiet = options;
    quiet.settings.emplace_back("event_triggers", "off");
    std::optional<Connection> second;
    try {
      second.emplace(open_once(target, quiet, stop));
    } catch (const Error& again) {
      if (again.code() == ErrorCode::kCancelled) throw;
    }
    if (second) return std::move(*second);
    throw;
  }
}

Connection Connection::open_once(const ConnectionTarget& target, const SessionOptions& options,
                                 const std::stop_token& stop) {
  auto state = std::make_unique<State>();
  state->target = target;
  state->stop = std::make_unique<system::StopEvent>(stop);
  if (state->stop->stop_requested()) throw cancelled();

  const Settings parameters = login_parameters(target, options);
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  // 0: the name of a database is never looked into for a conninfo.
  state->raw.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!state->raw) throw login_error("out of memory", target);
  PGconn* raw = state->raw.get();
  PQsetNoticeReceiver(raw, take_notice, &state->notices);
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);
  log_in(raw, target, *state->stop);
  restore_user_timeout(raw, target);
  PQsetErrorVerbosity(raw, PQERRORS_DEFAULT);
  PQsetnonblocking(raw, 1);

  if (PQserverVersion(raw) < 130000) {
    const char* version = PQparameterStatus(raw, "server_version");
    Error error(ErrorCode::kServerUnsupported,
                {.message = fmt::format("PostgreSQL {} is too old: 13 and later are supported.",
                                        version != nullptr ? version : "of unknown version"),
                 .solution = {"Use the pg_dump of that version, or upgrade the server."}});
    add_target(error, target);
    throw error;
  }
  Connection connection(std::move(state));
  settle(connection, options);
  return connection;
}

}  // namespace dbb::postgres
