#pragma once

#include <string>
#include <vector>

#include "logical/operation.h"
#include "logical/restore.h"

// Schemas in which a `restore table` that was killed was building its table.
namespace dbb::logical {

// "dbbackup_restore_<random part of run>"
std::string building_schema(std::string_view random_part_of_run);

// In one database, or ("") in every one that lets us in. `database` of each is where it lies, `kind`
// "schema", `original` the table it was for, and `in_use` that its run is alive.
std::vector<Leftover> find_table_leftovers(const Operation& operation, const std::string& database = {});

// Drops the schema with the table in it. kRestoreFailed when something outside of it depends on that: a view
// that somebody made of it goes on being theirs.
void remove_table_leftover(const Leftover& leftover, const Operation& operation);

}  // namespace dbb::logical
