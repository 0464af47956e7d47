#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "postgres/connection.h"

// How the words of server, libpq and client programs become an Error. Pure functions.
namespace dbb::postgres {

// What a server says with an error.
struct ServerReport {
  std::string severity;  // not localised: "ERROR", "FATAL", ...
  std::string sqlstate;  // "" when libpq itself failed
  std::string message;
  std::string detail = {};
  std::string hint = {};
  std::string context = {};
};

// An error of a running statement. `target` is for the context lines.
Error statement_error(const ServerReport& report, const ConnectionTarget& target);

// What a statement refers to is not there: no such table, schema, function, or object of another kind.
bool is_undefined(const Error& error);

// The session ended under us, in libpq's words.
Error connection_lost(std::string_view words, const ConnectionTarget& target);

// No session came about. `words` is PQerrorMessage under PQERRORS_VERBOSE, the one way in which libpq 15
// tells the SQLSTATE of a refused login.
Error login_error(std::string_view words, const ConnectionTarget& target);

// A client program failed: `standard_error` is what it wrote last. Its messages must be English (LC_ALL=C);
// those of the server may be in any language and are then not recognised. `target` is null when it was not to
// connect.
Error program_error(std::string_view program, int exit_code, std::string_view standard_error,
                    const ConnectionTarget* target);

// Database, Host, User: the facts every failure is told with.
void add_target(Error& error, const ConnectionTarget& target);

// The error for a pooler between us and the server; `proof` says how it was recognised.
Error pooler_in_between(std::string proof, const ConnectionTarget& target);

}  // namespace dbb::postgres
