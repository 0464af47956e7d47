#include "logical/schema_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "logical/role_places.h"
#include "logical/sql_script.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

struct Tree {
  std::string parent;
  std::vector<std::string> children;
  uint64_t indexes = 0;
  bool is_hash = false;  // partitioned by hash: rows may have to be loaded through its root
};

struct ForeignKey {
  std::string from;
  std::string to;
};

class Reader {
 public:
  void read(const Statement& statement) {
    for (const size_t place : role_places(statement)) facts_.roles.insert(statement.tokens[place].value());
    if (statement.begins_with({"CREATE"})) {
      read_create(statement);
    } else if (statement.begins_with({"ALTER", "TABLE"})) {
      read_alter_table(statement);
    } else if (statement.begins_with({"SET", "default_tablespace"}) && statement.tokens.size() > 3) {
      const std::string name = statement.tokens[3].value();
      if (!name.empty()) facts_.tablespaces.insert(name);
    } else if (statement.begins_with({"SECURITY", "LABEL", "FOR"}) && statement.tokens.size() > 3) {
      facts_.label_providers.insert(statement.tokens[3].value());
    } else if (statement.begins_with({"REFRESH"})) {
      refreshes_ = true;
    }
  }

  void read(const postgres::ArchiveEntry& entry) {
    if (!entry.owner.empty()) facts_.roles.emplace(entry.owner);
    if (entry.tablespace && !entry.tablespace->empty()) facts_.tablespaces.emplace(*entry.tablespace);
    // A function's body may be any text; nothing in it says what the restore needs.
    if (entry.description == "FUNCTION" || entry.description == "PROCEDURE") return;
    for_each_statement(entry.definition, [&](const Statement& statement) { read(statement); });
  }

  SchemaFacts finish() {
    add("any table or index", kPlainStatement);
    if (has_extensions_) add("an extension", kExtension);
    uint64_t largest = 0;
    for (const auto& [name, tree] : tables_) {
      if (tree.children.empty() || !tree.parent.empty()) continue;
      const Size size = size_of(name);
      largest = std::max(largest, size.tables + size.indexes);
      add(fmt::format("ANALYZE {}", name), size.tables + size.indexes);
      if (size.has_hash) add(fmt::format("loading rows through {}", name), 3 * size.tables);
    }
    if (refreshes_ && largest > 0) add("a materialized view", largest + kPlainStatement);
    for (const ForeignKey& key : foreign_keys_) {
      const Size from = size_of(key.from);
      const Size to = size_of(key.to);
      if (from.tables + to.tables <= 2) continue;  // a plain statement
      add(fmt::format("foreign key {} -> {}", key.from, key.to),
          from.tables + from.indexes + to.tables + to.indexes);
    }
    for (const std::string& table : triggers_) {
      const Size size = size_of(table);
      if (size.tables > 1) add(fmt::format("trigger on {}", table), size.tables);
    }
    std::ranges::stable_sort(facts_.locks, std::ranges::greater{}, &StatementLocks::locks);
    if (facts_.locks.size() > kMostStatements) facts_.locks.resize(kMostStatements);
    return std::move(facts_);
  }

 private:
  struct Size {
    uint64_t tables = 0;
    uint64_t indexes = 0;
    bool has_hash = false;
  };

  Size size_of(const std::string& root) const {
    Size size;
    std::set<std::string> seen;  // a damaged archive may attach tables in a circle
    std::vector<std::string> open{root};
    while (!open.empty()) {
      const std::string name = std::move(open.back());
      open.pop_back();
      if (!seen.insert(name).second) continue;
      ++size.tables;
      const auto found = tables_.find(name);
      if (found == tables_.end()) continue;
      size.indexes += found->second.indexes;
      size.has_hash = size.has_hash || found->second.is_hash;
      open.insert(open.end(), found->second.children.begin(), found->second.children.end());
    }
    return size;
  }

  void add(std::string statement, uint64_t locks) { facts_.locks.push_back({std::move(statement), locks}); }

  // "schema.table" as it is written, from `at` on; moves `at` behind it.
  static std::string read_name(const Statement& statement, size_t& at) {
    std::string name;
    while (at < statement.tokens.size() && statement.tokens[at].is_identifier()) {
      name += statement.tokens[at++].text;
      if (at >= statement.tokens.size() || !statement.tokens[at].is_symbol('.')) break;
      name += '.';
      ++at;
    }
    return name;
  }

  void read_create(const Statement& statement) {
    const std::vector<Token>& tokens = statement.tokens;
    size_t at = 1;
    while (at < tokens.size() &&
           (tokens[at].is("UNIQUE") || tokens[at].is("UNLOGGED") || tokens[at].is("FOREIGN") ||
            tokens[at].is("MATERIALIZED") || tokens[at].is("CONSTRAINT"))) {
      ++at;
    }
    if (at >= tokens.size()) return;
    if (tokens[at].is("TABLE") || tokens[at].is("VIEW") || tokens[at].is("SEQUENCE")) ++facts_.relations;
    if (tokens[at].is("TABLE")) read_partitioning(statement, at + 1);
    if (tokens[at].is("EXTENSION")) has_extensions_ = true;
    if (tokens[at].is("SUBSCRIPTION") && at + 1 < tokens.size())
      facts_.subscriptions.insert(tokens[at + 1].value());
    if (!tokens[at].is("INDEX") && !tokens[at].is("TRIGGER")) return;
    size_t table = statement.find("ON", at) + 1;
    if (table < tokens.size() && tokens[table].is("ONLY")) ++table;
    const std::string name = read_name(statement, table);
    if (tokens[at].is("TRIGGER")) {
      triggers_.push_back(name);
    } else {
      ++tables_[name].indexes;
      ++facts_.relations;
    }
  }

  void read_partitioning(const Statement& statement, size_t at) {
    const size_t partition = statement.find("PARTITION", at);
    if (partition + 2 >= statement.tokens.size() || !statement.tokens[partition + 2].is("HASH")) return;
    tables_[read_name(statement, at)].is_hash = true;
  }

  void read_alter_table(const Statement& statement) {
    size_t at = 2;
    if (at < statement.tokens.size() && statement.tokens[at].is("ONLY")) ++at;
    const std::string table = read_name(statement, at);
    if (at + 2 >= statement.tokens.size()) return;
    if (statement.tokens[at].is("ATTACH")) {
      at += 2;  // ATTACH PARTITION
      const std::string child = read_name(statement, at);
      tables_[table].children.push_back(child);
      tables_[child].parent = table;
    } else if (statement.tokens[at].is("ADD") && statement.tokens[at + 1].is("CONSTRAINT")) {
      read_constraint(statement, table, at + 3);
    }
  }

  void read_constraint(const Statement& statement, const std::string& table, size_t at) {
    if (at >= statement.tokens.size()) return;
    const Token& kind = statement.tokens[at];
    if (kind.is("PRIMARY") || kind.is("UNIQUE") || kind.is("EXCLUDE")) {
      ++tables_[table].indexes;
      ++facts_.relations;
    } else if (kind.is("FOREIGN")) {
      size_t to = statement.find("REFERENCES", at) + 1;
      foreign_keys_.push_back({table, read_name(statement, to)});
    }
  }

  SchemaFacts facts_;
  std::map<std::string, Tree> tables_;
  std::vector<ForeignKey> foreign_keys_;
  std::vector<std::string> triggers_;
  bool has_extensions_ = false;
  bool refreshes_ = false;
};

}  // namespace

SchemaFacts read_schema_facts(const postgres::ArchiveToc& toc) {
  Reader reader;
  for (const postgres::ArchiveEntry& entry : toc.entries) {
    if (postgres::is_restored(entry)) reader.read(entry);
  }
  return reader.finish();
}

SchemaFacts read_schema_facts(std::string_view script) {
  Reader reader;
  for_each_statement(script, [&](const Statement& statement) { reader.read(statement); });
  return reader.finish();
}

}  // namespace dbb::logical
