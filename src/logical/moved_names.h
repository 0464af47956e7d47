#pragma once

#include <map>
#include <string>
#include <string_view>

#include "logical/qualified_name.h"

// Statements that pg_dump wrote, with other names in them. Pure functions.
namespace dbb::logical {

// What objects are to be called, by what they are called. The kinds have names of their own: an index may be
// called as a type is, and statistics as a table.
struct MovedNames {
  using Names = std::map<QualifiedName, QualifiedName>;
  Names tables;
  Names parents;  // tables: only where one is made, altered, or inherited from
  Names sequences;
  Names indexes;
  Names statistics;
};

// A statement in which these are called by their new names: where one is named, and in literals that are cast
// to regclass, as in nextval('public.orders_id_seq'::regclass). Any other text stays as it is.
std::string with_moved_names(std::string_view definition, const MovedNames& names);

}  // namespace dbb::logical
