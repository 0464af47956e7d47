#include "logical/build_cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "logical/qualified_name.h"
#include "logical/sql_script.h"
#include "logical/work_estimate.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using Tokens = std::vector<Token>;

// Seconds, of each row of a million, by SortKind. More rows take more each, for deeper sorts and colder
// caches; whether they fit into maintenance_work_mem made no difference.
constexpr std::array kPerRowSorted{0.08e-6, 0.2e-6, 0.3e-6, 0.6e-6, 0.8e-6};
constexpr double kGrowth = 0.2;                   // ten million: 1.6 times that
constexpr double kPerRowChecked = 0.17e-6;        // a foreign key
constexpr double kPerRowOfOtherMethod = 4e-6;     // GiST and the like: 1 (points) to 20 (ranges)
constexpr double kInvertedBytesPerSecond = 30e6;  // of a GIN index
constexpr double kPerStatement = 0.0007;
constexpr double kHeapBytesPerSecond = 2.7e9;  // read once by each
constexpr double kOfPartialIndex = 0.5;        // nobody knows
constexpr double kEntryBytes = 30;             // of a B-tree, beside a GIN index

struct Column {
  SortKind sort = SortKind::kNumber;
  bool is_integer = false;
  bool is_slow = false;
};

struct TableFacts {
  const TableAttributes* attributes = nullptr;
  std::map<std::string, Column> columns;
  double indexes = 0;
  double inverted = 0;  // of these, GIN

  double rows() const { return static_cast<double>(attributes->fingerprint.rows); }
};
using Tables = std::map<QualifiedName, TableFacts>;

Statement first_statement(std::string_view definition) {
  Statement first;
  for_each_statement(definition, [&](const Statement& statement) {
    if (first.tokens.empty()) first = statement;
  });
  return first;
}

SortKind sort_of_collation(std::string_view name, SortKind text) {
  if (name == "default") return text;
  if (name == "C" || name == "POSIX" || name == "ucs_basic" || name == "pg_c_utf8" ||
      name == "pg_unicode_fast")
    return SortKind::kBytes;
  return name.find("-x-icu") != std::string_view::npos || name == "unicode" ? SortKind::kIcu
                                                                            : SortKind::kLocale;
}

// The collation behind COLLATE at `at`: COLLATE pg_catalog."C"
std::string collation_at(const Tokens& tokens, size_t at) {
  const std::optional<QualifiedName> name = qualified_name_at(tokens, at + 1);
  if (name) return name->second;
  return at + 1 < tokens.size() ? tokens[at + 1].value() : "";
}

bool ends_item(const Token& token) { return token.is_symbol(',') || token.is_symbol(')'); }

// Of a column: "name text COLLATE pg_catalog."C" DEFAULT ''::text NOT NULL", from its type on.
Column column_at(const Tokens& tokens, size_t at, SortKind text) {
  const std::optional<QualifiedName> of_user = qualified_name_at(tokens, at);
  const std::string type = of_user ? of_user->second : tokens[at].value();
  const auto is_any = [&](auto... names) { return ((type == names) || ...); };
  Column column;
  bool is_text = is_any("text", "character", "varchar", "bpchar", "citext");
  column.is_integer = is_any("integer", "bigint", "smallint");
  column.is_slow = !is_text && !column.is_integer && !is_any("boolean", "bytea", "oid");
  if (is_text) column.sort = text;
  if (is_any("bytea", "name", "uuid")) column.sort = SortKind::kBytes;
  int depth = 0;
  for (; at < tokens.size() && (depth > 0 || !ends_item(tokens[at])); ++at) {
    if (tokens[at].is_symbol('(')) ++depth;
    if (tokens[at].is_symbol(')')) --depth;
    if (tokens[at].is("DEFAULT") || tokens[at].is("GENERATED")) break;
    if (tokens[at].is_symbol('[')) column = {.sort = column.sort, .is_slow = true};
    if (tokens[at].is("COLLATE")) column.sort = sort_of_collation(collation_at(tokens, at), text);
  }
  return column;
}

// CREATE TABLE public.a (id integer NOT NULL, name character varying(20), CONSTRAINT c CHECK ((id > 0)));
std::map<std::string, Column> columns_of(const ArchiveEntry& table, SortKind text) {
  const Tokens tokens = first_statement(table.definition).tokens;
  std::map<std::string, Column> columns;
  int depth = 0;
  for (size_t i = 0; i + 2 < tokens.size(); ++i) {
    const bool is_begin =
        (depth == 0 && tokens[i].is_symbol('(')) || (depth == 1 && tokens[i].is_symbol(','));
    if (tokens[i].is_symbol('(')) ++depth;
    if (tokens[i].is_symbol(')') && --depth == 0) break;
    const bool is_column = is_begin && tokens[i + 1].is_identifier() && tokens[i + 2].is_identifier() &&
                           !tokens[i + 1].is("CONSTRAINT");
    if (is_column) columns.emplace(tokens[i + 1].value(), column_at(tokens, i + 2, text));
  }
  return columns;
}

// What one statement that goes through a table's rows says of itself.
struct Build {
  TableFacts* table = nullptr;
  std::string_view method = "btree";
  SortKind sort = SortKind::kNumber;
  bool is_check = false;  // sorts nothing
  bool is_partial = false;
};

// What the first expression of an index is sorted by, from its beginning on. What a function returns is taken
// for text.
SortKind sort_at(const Tokens& tokens, size_t at, const TableFacts& table, SortKind text, bool is_key) {
  if (at + 1 >= tokens.size()) return text;
  const auto column = table.columns.find(tokens[at].is_identifier() ? tokens[at].value() : "");
  const bool is_column = column != table.columns.end() && !tokens[at + 1].is_symbol('(');
  SortKind sort = is_column ? column->second.sort : text;
  if (is_key && is_column && column->second.is_integer) return SortKind::kInOrder;
  int depth = 0;
  for (; at < tokens.size() && (depth > 0 || !ends_item(tokens[at])); ++at) {
    if (tokens[at].is_symbol('(')) ++depth;
    if (tokens[at].is_symbol(')')) --depth;
    if (tokens[at].is("COLLATE")) sort = sort_of_collation(collation_at(tokens, at), text);
    if (depth == 0 && tokens[at].is_identifier() && tokens[at].text.ends_with("_pattern_ops"))
      sort = SortKind::kBytes;
  }
  return sort;
}

// CREATE INDEX i ON public.a USING btree (name), ALTER TABLE ONLY public.a ADD CONSTRAINT k PRIMARY KEY (id)
std::optional<Build> build_of(const ArchiveEntry& entry, Tables& tables, SortKind text) {
  if (!entry.is_one_of({"INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"})) return std::nullopt;
  const Tokens tokens = first_statement(entry.definition).tokens;
  size_t at = 0;
  while (at < tokens.size() && !tokens[at].is_symbol('.')) ++at;  // all names have their schema
  if (at == 0) return std::nullopt;
  const std::optional<QualifiedName> name = qualified_name_at(tokens, at - 1);
  const auto table = name ? tables.find(*name) : tables.end();
  if (table == tables.end()) return std::nullopt;

  Build build{.table = &table->second};
  build.is_check = !entry.is_one_of({"INDEX", "CONSTRAINT"});
  bool is_key = false;
  for (; at < tokens.size() && !tokens[at].is_symbol('('); ++at) {
    if (tokens[at].is("USING") && at + 1 < tokens.size()) build.method = tokens[at + 1].text;
    is_key = is_key || tokens[at].is("PRIMARY");
    build.is_check = build.is_check || tokens[at].is("CHECK");
  }
  build.sort = sort_at(tokens, at + 1, table->second, text, is_key);
  build.is_partial = std::ranges::any_of(tokens, [](const Token& token) { return token.is("WHERE"); });
  if (build.is_check) return build;
  table->second.indexes += 1;
  if (build.method == "gin") table->second.inverted += 1;
  return build;
}

double seconds_of(const Build& build) {
  const TableFacts& table = *build.table;
  const double rows = table.rows();
  const auto bytes = static_cast<double>(table.attributes->index_bytes);
  const double read = static_cast<double>(table.attributes->heap_bytes) / kHeapBytesPerSecond;
  const double grown = std::pow(rows / 1e6, kGrowth);
  if (build.is_check) return kPerStatement + read + rows * kPerRowChecked;
  double own = bytes / table.indexes / kIndexBytesPerSecond;
  if (build.method == "btree" || build.method == "hash") {
    own += rows * kPerRowSorted.at(static_cast<size_t>(build.sort)) * grown;
  } else if (build.method == "gin") {
    const double of_others = (table.indexes - table.inverted) * rows * kEntryBytes;
    own = std::max(bytes - of_others, bytes / 10) / table.inverted / kInvertedBytesPerSecond;
  } else if (build.method != "brin") {
    own += rows * kPerRowOfOtherMethod * grown;
  }
  return kPerStatement + read + own * (build.is_partial ? kOfPartialIndex : 1);
}

}  // namespace

SortKind text_sort_of(const postgres::DatabaseProperties& properties) {
  if (properties.locale_provider == "i") return SortKind::kIcu;
  if (properties.locale_provider == "b") return SortKind::kBytes;
  return sort_of_collation(properties.collate, SortKind::kLocale);
}

BuildCost::BuildCost(const postgres::ArchiveToc& toc, const std::vector<TableContent>& contents,
                     SortKind text) {
  Tables tables;
  for (const TableContent& content : contents) {
    const TableAttributes& attributes = content.attributes;
    if (attributes.fingerprint.rows == 0) continue;
    tables[{attributes.schema, attributes.name}].attributes = &attributes;
  }
  for (const ArchiveEntry& entry : toc.entries) {
    const auto table = entry.description == "TABLE" ? tables.find(qualified_name(entry)) : tables.end();
    if (table == tables.end()) continue;
    table->second.columns = columns_of(entry, text);
    const auto slow = std::ranges::count_if(table->second.columns,
                                            [](const auto& column) { return column.second.is_slow; });
    slow_values_ += static_cast<uint64_t>(slow) * table->second.attributes->fingerprint.rows;
  }
  std::vector<std::pair<int, Build>> builds;
  for (const ArchiveEntry& entry : toc.entries) {
    if (const std::optional<Build> build = build_of(entry, tables, text))
      builds.emplace_back(entry.id, *build);
  }
  for (const auto& [id, build] : builds) {
    seconds_[id] = seconds_of(build);
    all_seconds_ += seconds_[id];
  }
}

double BuildCost::seconds(const ArchiveEntry& entry) const {
  const auto found = seconds_.find(entry.id);
  return found == seconds_.end() ? 0 : found->second;
}

}  // namespace dbb::logical
