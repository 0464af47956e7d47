#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logical/sql_script.h"
#include "postgres/archive_toc.h"

// Names of tables and of what belongs to them, as people type them and as pg_dump writes them. Pure
// functions.
namespace dbb::logical {

// "schema", "name"
using QualifiedName = std::pair<std::string, std::string>;

// `typed` is schema.table, each as it is or in double quotes; without a schema, the first is "". Error kUsage
// when it is neither.
QualifiedName parse_table_name(std::string_view typed);

// The name that the tokens from `at` on are: schema, dot, name.
std::optional<QualifiedName> qualified_name_at(const std::vector<Token>& tokens, size_t at);

// Of what has a name of its own in its schema.
QualifiedName qualified_name(const postgres::ArchiveEntry& entry);

// What follows a table's name in the tag of a constraint, a trigger ... of it: "orders_pkey" of "orders
// orders_pkey"; "" of what is called as the table is. Those of other tables may depend on this one as well:
// nothing for them.
std::optional<std::string_view> name_after_table(const postgres::ArchiveEntry& entry,
                                                 const postgres::ArchiveEntry& table);

// The sequence of an identity column: one that comes with its table.
bool is_identity_sequence(const postgres::ArchiveEntry& entry);

// The table of a SEQUENCE OWNED BY.
std::optional<QualifiedName> owning_table(const postgres::ArchiveEntry& owned_by);

// CREATE TABLE ... INHERITS (public.a, public.b)
std::set<QualifiedName> parents_in(const postgres::ArchiveEntry& table);

// The table whose partition it becomes where it is created: pg_dump 13 writes both in one entry, later ones
// attach in an entry of its own.
std::optional<QualifiedName> attached_to(const postgres::ArchiveEntry& table);
// The definition without that.
std::string without_attachment(std::string_view definition);

}  // namespace dbb::logical
