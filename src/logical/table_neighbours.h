#pragma once

#include <string>
#include <vector>

#include "logical/table_entries.h"
#include "postgres/connection.h"

// What a database does of itself to a table that is built in it: privileges by default, parents,
// publications.
namespace dbb::logical {

// Takes back what default privileges gave upon the schema, its tables and its sequences: their owners alone
// have privileges afterwards, as if there were no such defaults.
void leave_to_owners(postgres::Connection& session, const std::string& schema);

// No table of the schema inherits from a table of another one, or from one of `helpers`, which are dropped.
// Columns and checks stay.
void leave_parents(postgres::Connection& session, const std::string& schema,
                   const std::vector<std::string>& helpers);

// The tables from which it inherits, in their order; none for a partition.
std::vector<QualifiedName> parents_of(postgres::Connection& session, const QualifiedName& table);

// Both tables are there. In a transaction, which can go on whatever happens. Returns for each parent that the
// new table does not fit below, why not: it keeps the old one.
std::vector<std::string> hand_over_parents(postgres::Connection& session,
                                           const std::vector<QualifiedName>& parents,
                                           const QualifiedName& from, const QualifiedName& to);

// Publications in which every table of this schema is, for people: "publication p (all tables)".
std::vector<std::string> publications_of(postgres::Connection& session, const std::string& schema);

// Where a publication of all tables would send what is loaded to subscribers that know no such table, the
// tables of the schema become unlogged, which no publication sends. Returns their names; they are to be
// logged again. That writes their rows another time, which is not sent either.
std::vector<std::string> hide_from_publications(postgres::Connection& session, const std::string& schema);
void make_logged(postgres::Connection& session, const std::string& schema,
                 const std::vector<std::string>& tables);

}  // namespace dbb::logical
