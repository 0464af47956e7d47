#pragma once

#include <string>
#include <vector>

// What a person asked to be taken of a database, in the words of pg_dump: patterns as they were typed.
namespace dbb::logical {

struct Selection {
  std::vector<std::string> schemas = {};  // only these; empty: all
  std::vector<std::string> exclude_schemas = {};
  std::vector<std::string> tables = {};  // only these, whatever is said about schemas; empty: all
  std::vector<std::string> exclude_tables = {};
  std::vector<std::string> exclude_table_data = {};  // their definitions, without rows
  bool schema_only = false;                          // no rows, values of sequences and large objects at all

  bool is_everything() const { return *this == Selection(); }
  // Only what was named is taken: no extensions, no large objects, nothing that lies in no schema.
  bool names_what_to_take() const { return !schemas.empty() || !tables.empty(); }
  // As options of pg_dump, each pattern as it was typed: "--schema=app", ...
  std::vector<std::string> arguments() const;
  // The same for people: "--schema 'app*' --schema-only".
  std::string text() const;

  bool operator==(const Selection&) const = default;
};

// "--option 'value'" for each, the value quoted for a shell where it needs to be.
std::string option_text(const std::string& option, const std::vector<std::string>& values);

}  // namespace dbb::logical
