#include "logical/restore_contents.h"

#include <utility>

namespace dbb::logical {

DatabaseContent read_database_content(repository::BackupReader& backup, const std::string& database) {
  const std::string tables = database_key(database, kTableKind) + "/";
  const std::string schema = database_key(database, kSchemaKind);
  const std::string statistics = database_key(database, kStatisticsKind);
  const std::string sequences = database_key(database, kSequencesKind);
  const std::string large_objects = database_key(database, kLargeObjectsKind);
  DatabaseContent content;
  backup.for_each_item([&](const repository::Item& item) {
    if (item.kind == kTableKind && item.key.starts_with(tables)) {
      content.tables.push_back({parse_table_attributes(item.attributes), item.parts});
    } else if (item.key == schema && !item.parts.empty()) {
      content.schema = item.parts.front();
    } else if (item.key == statistics && !item.parts.empty()) {
      content.statistics = item.parts.front();
    } else if (item.key == sequences) {
      content.sequences = item.parts;
      content.sequence_attributes = parse_part_attributes(item.attributes);
    } else if (item.key == large_objects) {
      content.large_objects = item.parts;
      content.large_object_attributes = parse_part_attributes(item.attributes);
    }
  });
  return content;
}

SchemaContent read_schema_content(repository::BackupReader& backup) {
  SchemaContent content;
  backup.for_each_item([&](const repository::Item& item) {
    if (item.parts.empty()) return;
    if (item.kind == kGlobalsKind) content.globals = item.parts.front();
    if (item.kind == kStatisticsKind) content.statistics.insert(item.key);
    if (item.kind == kSchemaKind) content.schemas.emplace(item.key, item.parts.front());
    if (item.kind == kLargeObjectsKind)
      content.large_objects.emplace(item.key, parse_part_attributes(item.attributes));
  });
  return content;
}

}  // namespace dbb::logical
