#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "postgres/types.h"

struct pg_conn;
struct pg_result;

namespace dbb::postgres {

// Where libpq is told to connect: the keywords and values a person gave. Service file, environment and
// defaults stay with libpq, which applies them when it connects, here and in child programs alike. Holds a
// password only when one was typed at a prompt or stands in `conninfo`. Value type.
class ConnectionTarget {
 public:
  ConnectionTarget() = default;
  // `conninfo` may be empty, keyword/value pairs, or a URI; each of `overrides` (-h -p -U -d) wins over it.
  // Throws Error kUsage with libpq's words when it cannot be parsed, or names a service that does not exist.
  static ConnectionTarget parse(const std::string& conninfo,
                                std::span<const std::pair<std::string, std::string>> overrides);

  ConnectionTarget with(std::string_view keyword, std::string value) const;
  ConnectionTarget with_database(std::string name) const { return with("dbname", std::move(name)); }

  // What libpq will use, its defaults and environment included; "" when there is none. Costs some 100
  // microseconds.
  std::string value(std::string_view keyword) const;
  // "/run/postgresql:5432" or "db1.example.com:5432", for messages.
  std::string host_and_port() const;
  bool is_local_socket() const;
  // Keyword/value string for child programs, quoted, without any password; give `password()` by PGPASSWORD.
  // `options` and `application_name` are not in it either: in a conninfo they would win over PGOPTIONS and
  // PGAPPNAME.
  std::string conninfo_without_password() const;
  std::optional<std::string> password() const;

  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

// What a session is for. Every session has: all timeouts off (set and read back), empty search_path, fixed
// text settings (traps 1, 2, 11), client_encoding as told, client_connection_check_interval on 14+, and the
// role that connected, whatever role the database sets.
struct SessionOptions {
  std::string application_name = "dbbackup";
  // Further settings, name -> value, sent as startup options: never ALTER SYSTEM, never a file.
  std::vector<std::pair<std::string, std::string>> settings = {};
  // Empty: the database's own encoding, so that rows pass through unconverted (trap 43).
  std::string client_encoding = {};
  // Views and foreign tables cannot be read, as in pg_dump: nobody swaps a table for a view of theirs under a
  // superuser that reads rows (CVE-2024-7348; servers since August 2024). Off where functions of the users'
  // own must work, as in a restore.
  bool only_plain_tables = false;
  // Leaves the settings that decide how values are written, and what is computed of them, as the database has
  // them: time zone, styles of dates and intervals, digits of floats. For sessions that build what its users
  // would have built.
  bool users_formats = false;
  // Leaves search_path as the role and database have it, for names that mean what they mean to their user.
  // What is executed must name schemas and operators in full.
  bool users_search_path = false;
};

// One complete answer. Move-only; views live as long as it does.
class Result {
 public:
  explicit Result(pg_result* raw);
  int rows() const;
  int columns() const;
  std::string_view text(int row, int column) const;  // "" for NULL
  bool is_null(int row, int column) const;
  std::string string(int row, int column) const { return std::string(text(row, column)); }
  std::optional<std::string> optional(int row, int column) const;
  int64_t integer(int row, int column) const;  // throws Error kInternal when it is not a number
  bool boolean(int row, int column) const;     // "t"
  Oid oid(int row, int column) const;
  uint64_t affected_rows() const;  // of the command tag

 private:
  struct Clear {
    void operator()(pg_result* raw) const;
  };
  std::unique_ptr<pg_result, Clear> raw_;
};

// Whether every session of ours sets it, also one with users_formats, so that neither a role's nor a
// database's settings count.
bool is_set_by_every_session(std::string_view setting);

class CopyOut;
class CopyIn;

// A parameter in text form; empty optional is NULL.
using Parameters = std::span<const std::optional<std::string>>;

// One session. Confined to one thread at a time. All waits end on stop: the running statement is cancelled
// (PQcancel), and Error kCancelled is thrown; the session may be used again afterwards, under another token.
// A server that does not answer the cancel within 10 seconds is given up: kCancelled, and the session is
// lost. Server errors are Error with SQLSTATE and the server's words (message, detail, hint, context); lost
// connections are kConnectionLost and leave the object unusable.
class Connection {
 public:
  // Each address of each host has connect_timeout (15 s unless told) to answer.
  // kConnectionRefused, kAuthFailed, kDatabaseNotFound, kPoolerInBetween, kServerUnsupported (< 13),
  // kPermissionDenied.
  static Connection open(const ConnectionTarget& target, const SessionOptions& options, std::stop_token stop);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // May hold several statements; the last result is returned. An error in any is thrown.
  Result execute(const std::string& sql);
  Result execute(const std::string& sql, Parameters parameters);
  Result execute(const std::string& sql, std::initializer_list<std::optional<std::string>> parameters);

  // From now on waits end on `stop`: work to be undone after a stop needs a session that still waits for
  // answers.
  void use_stop_token(std::stop_token stop);
  // ROLLBACK, whatever the stop token says. A session that cannot do it within 10 seconds is lost, without an
  // error.
  void roll_back() noexcept;

  // `sql` is a COPY ... TO STDOUT / FROM STDIN. The session is busy until the object is finished or gone.
  CopyOut copy_out(const std::string& sql);
  CopyIn copy_in(const std::string& sql);

  std::string quote_identifier(std::string_view name) const;
  std::string quote_literal(std::string_view value) const;
  // "schema"."name"
  std::string qualified(std::string_view schema, std::string_view name) const;

  ServerVersion version() const;
  int backend_pid() const;
  std::string database() const;
  const ConnectionTarget& target() const;
  // Notices and warnings of the server since the last call.
  std::vector<std::string> take_notices();

 private:
  friend class CopyOut;
  friend class CopyIn;
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  static Connection open_once(const ConnectionTarget& target, const SessionOptions& options,
                              const std::stop_token& stop);
  std::unique_ptr<State> state_;
};

// Rows as the server sends them: one per call, with its newline.
class CopyOut {
 public:
  // False after the last row. The view is valid until the next call.
  bool next(ByteView& row);
  // After next() returned false: the row count of the command tag.
  uint64_t command_tag_rows() const;

  CopyOut(CopyOut&&) noexcept;
  ~CopyOut();  // when not read to the end: cancels and drains

 private:
  friend class Connection;
  explicit CopyOut(Connection::State& state);
  Connection::State* state_;
  char* buffer_ = nullptr;  // of libpq
  uint64_t rows_ = 0;
  bool done_ = false;
};

// An error of the server in the middle is thrown by the write() that notices it, at the latest by finish().
class CopyIn {
 public:
  // Any cut of the data; blocks when the server does not keep up.
  void write(ByteView data);
  // Returns the row count of the command tag.
  uint64_t finish();

  CopyIn(CopyIn&&) noexcept;
  ~CopyIn();  // when not finished: the COPY is failed on the server

 private:
  friend class Connection;
  explicit CopyIn(Connection::State& state);
  void put(ByteView piece);
  void wait_for_room();

  Connection::State* state_;
  Bytes pending_;  // short writes, until they are worth a message
  bool done_ = false;
};

// Runs `body` between BEGIN and COMMIT; ROLLBACK when it throws.
template <typename Body>
void in_transaction(Connection& connection, Body&& body) {
  connection.execute("BEGIN");
  try {
    body();
    connection.execute("COMMIT");
  } catch (...) {
    connection.roll_back();  // if that fails the session is lost, and its transaction with it
    throw;
  }
}

}  // namespace dbb::postgres
