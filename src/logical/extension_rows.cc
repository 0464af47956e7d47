#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "logical/row_loader.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

std::string name_of(const Connection& session, const TableContent& table) {
  return session.qualified(table.attributes.schema, table.attributes.name);
}

std::vector<const TableContent*> config_tables(const DatabaseContent& content) {
  std::vector<const TableContent*> tables;
  for (const TableContent& table : content.tables) {
    if (table.attributes.is_extension_config) tables.push_back(&table);
  }
  return tables;
}

// referencing -> referenced, of those tables only, without references to themselves
std::map<const TableContent*, std::set<const TableContent*>> references(
    Connection& session, const std::vector<const TableContent*>& tables) {
  const postgres::Result answer = session.execute(R"(
    SELECT fn.nspname, f.relname, tn.nspname, t.relname
      FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_class f ON f.oid = k.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
      JOIN pg_catalog.pg_class t ON t.oid = k.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
     WHERE k.contype = 'f' AND k.conrelid <> k.confrelid)");
  const auto find = [&](const std::string& schema, const std::string& name) -> const TableContent* {
    const auto found = std::ranges::find_if(tables, [&](const TableContent* table) {
      return table->attributes.schema == schema && table->attributes.name == name;
    });
    return found == tables.end() ? nullptr : *found;
  };
  std::map<const TableContent*, std::set<const TableContent*>> result;
  for (int row = 0; row < answer.rows(); ++row) {
    const TableContent* from = find(answer.string(row, 0), answer.string(row, 1));
    const TableContent* to = find(answer.string(row, 2), answer.string(row, 3));
    if (from != nullptr && to != nullptr) result[from].insert(to);
  }
  return result;
}

// Referenced tables first. False: there is a circle, and what is in it stands at the end.
bool sort_by_references(Connection& session, std::vector<const TableContent*>& tables) {
  auto open = references(session, tables);
  std::vector<const TableContent*> sorted;
  std::vector<const TableContent*> left = std::move(tables);
  while (!left.empty()) {
    const size_t before = sorted.size();
    std::erase_if(left, [&](const TableContent* table) {
      if (!open[table].empty()) return false;
      sorted.push_back(table);
      return true;
    });
    if (sorted.size() == before) break;
    for (auto& [from, to] : open) {
      for (size_t i = before; i < sorted.size(); ++i) to.erase(sorted[i]);
    }
  }
  tables = std::move(sorted);
  tables.insert(tables.end(), left.begin(), left.end());
  return left.empty();
}

void copy_in(repository::BackupReader& backup, Connection& session, const TableContent& table) {
  postgres::CopyIn copy = session.copy_in(fmt::format(
      "COPY {} FROM STDIN", with_columns(session, name_of(session, table), table.attributes.columns)));
  for (const repository::StreamRef& part : table.parts) {
    const std::unique_ptr<repository::StreamReader> reader = backup.open_stream(part);
    for (ByteView piece; reader->next(piece);) copy.write(piece);
  }
  copy.finish();
}

}  // namespace

void load_extension_rows(repository::BackupReader& backup, const DatabaseContent& content,
                         const Operation& operation, const WorkSession& work, bool is_superuser,
                         RestoreMarks* marks) {
  static const std::string kMark = "extension rows";
  std::vector<const TableContent*> tables = config_tables(content);
  if (tables.empty() || (marks != nullptr && marks->has(kMark))) return;
  Connection session = open_session(operation, work, "extensions", operation.stop);
  const bool in_order = sort_by_references(session, tables);
  postgres::in_transaction(session, [&] {
    if (!in_order && is_superuser) session.execute("SET LOCAL session_replication_role = replica");
    for (const TableContent* table : tables) {
      try {
        copy_in(backup, session, *table);
      } catch (Error& error) {
        error.add_context("Table", table->attributes.qualified_name());
        throw;
      }
    }
    if (marks != nullptr) session.execute(marks->statement(kMark));
  });
  if (marks != nullptr) marks->done(kMark);
}

}  // namespace dbb::logical
