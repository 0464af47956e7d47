#pragma once

#include <string>
#include <vector>

#include "postgres/catalog.h"
#include "postgres/connection.h"

// The statements that give a database its recorded properties. `session` quotes, and is to the target.
namespace dbb::logical {

// Privileges exactly as recorded, by grantor. None when the recorded ones are the default, which only a
// database that was never granted on has (a NULL in pg_database). They may run inside a transaction only.
std::vector<std::string> privilege_statements(const postgres::Connection& session,
                                              const std::string& database,
                                              const postgres::DatabaseProperties& wanted);

// The same with the default privileges spelled out, for a database that may have others and cannot be made to
// have none.
postgres::DatabaseProperties with_spelled_privileges(postgres::DatabaseProperties properties);

// For a role without the right to give the database away, which owns it after the restore: what everybody was
// granted, and, when it is the recorded owner, whatever it granted itself.
std::vector<std::string> privilege_statements_of(const std::string& role, const postgres::Connection& session,
                                                 const std::string& database,
                                                 const postgres::DatabaseProperties& wanted);

// ALTER DATABASE ... SET and ALTER ROLE ... IN DATABASE ... SET, and security labels: each may fail on its
// own, when the target's version has no such setting or no such label provider.
std::vector<std::string> setting_statements(const postgres::Connection& session, const std::string& database,
                                            const postgres::DatabaseProperties& wanted);

// Connection limit, template and connection flags, comment.
std::vector<std::string> flag_statements(const postgres::Connection& session, const std::string& database,
                                         const postgres::DatabaseProperties& wanted);

// Runs each in a savepoint of the open transaction; returns a warning for each that failed.
std::vector<std::string> execute_tolerantly(postgres::Connection& session,
                                            const std::vector<std::string>& statements);

// A line for each property in which the two differ.
std::vector<std::string> property_differences(const postgres::DatabaseProperties& old_one,
                                              const postgres::DatabaseProperties& backup);

// The elements of a setting that is a list of quoted names, such as search_path; pure.
std::vector<std::string> split_name_list(std::string_view value);

}  // namespace dbb::logical
