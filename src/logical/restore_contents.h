#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "logical/document.h"
#include "repository/backup_reader.h"

// What a backup holds, as a restore needs it.
namespace dbb::logical {

struct TableContent {
  TableAttributes attributes;
  std::vector<repository::StreamRef> parts;
};

struct DatabaseContent {
  std::optional<repository::StreamRef> schema;
  std::optional<repository::StreamRef> statistics;
  std::vector<repository::StreamRef> sequences;
  std::vector<repository::StreamRef> large_objects;
  PartAttributes sequence_attributes;
  PartAttributes large_object_attributes;
  std::vector<TableContent> tables;
  // Of which sequences the values are restored, {schema, name}; nothing: of all.
  std::optional<std::set<std::pair<std::string, std::string>>> sequences_wanted = {};

  bool wants(const postgres::SequenceValue& value) const {
    return !sequences_wanted || sequences_wanted->contains({value.schema, value.name});
  }
};

// The items of one database. Memory: about 1 KiB a table.
DatabaseContent read_database_content(repository::BackupReader& backup, const std::string& database);

// What is not rows: small, and read before anything is changed.
struct SchemaContent {
  std::optional<repository::StreamRef> globals;
  std::map<std::string, repository::StreamRef> schemas;  // by item key
  std::set<std::string> statistics;                      // item keys
  std::map<std::string, PartAttributes> large_objects;   // likewise
};
SchemaContent read_schema_content(repository::BackupReader& backup);

inline constexpr uint64_t kLongestGlobals = uint64_t{256} << 20;

}  // namespace dbb::logical
