#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/connection.h"
#include "system/process.h"

namespace dbb::postgres {

// pg_dump and its relatives of one major version, lying in one directory.
struct ClientPrograms {
  std::filesystem::path directory;
  ServerVersion version;  // of pg_dump there
  std::filesystem::path program(std::string_view name) const { return directory / name; }
};

// What a program that works beside `session` needs so as to be let in, and to be, who the session is: see
// Connection::open.
std::vector<std::pair<std::string, std::string>> settings_beside(Connection& session);

// Every set on this host: `extra` directories first, then PATH, then the places packages put them
// (/usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, /opt/...). Each is asked for its version.
std::vector<ClientPrograms> find_client_programs(const std::vector<std::filesystem::path>& extra,
                                                 const system::StopEvent& stop);

// The programs to dump a server with: its own major, else the nearest newer one. kClientProgramMissing when
// none was found at all, kClientProgramOlder when all are older, each with the package to install.
const ClientPrograms& choose_for_dump(const std::vector<ClientPrograms>& all, ServerVersion server);

struct ProgramRun {
  std::vector<std::string> arguments;                              // without the connection
  std::vector<std::pair<std::string, std::string>> settings = {};  // for PGOPTIONS
  std::string application_name = "dbbackup";
  system::OutputConsumer on_output = {};
  system::LineConsumer on_error_line = {};
};

// Runs `name` against `target` ("-d conninfo" is added; the password goes by environment). Exit status other
// than 0 is Error kClientProgramFailed with the program's own last words and, where they tell, the code they
// mean (kAuthFailed, kLockTimeout, kLockExhaustion, kPermissionDenied, kConnectionLost, kDiskFull).
void run_program(const ClientPrograms& programs, std::string_view name, const ConnectionTarget& target,
                 const ProgramRun& run, const system::StopEvent& stop);

}  // namespace dbb::postgres
