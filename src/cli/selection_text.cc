#include "cli/selection_text.h"

#include <fmt/format.h>

#include "base/units.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

constexpr size_t kShown = 10;

std::string list_of(const std::vector<std::string>& names, uint64_t total) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (total > kShown) out += fmt::format(" and {} more", format_count(total - kShown));
  return out;
}

}  // namespace

std::vector<OptionSpec> selection_options(logical::Selection& selection) {
  const std::string group = "Selection (patterns as in pg_dump; may be repeated)";
  return {
      {.names = "--schema",
       .value = "PATTERN",
       .description = "only these schemas",
       .target = &selection.schemas,
       .group = group},
      {.names = "--exclude-schema",
       .value = "PATTERN",
       .description = "not these schemas",
       .target = &selection.exclude_schemas,
       .group = group},
      {.names = "--table",
       .value = "PATTERN",
       .description = "only these tables, views and sequences, whatever is said of schemas",
       .target = &selection.tables,
       .group = group},
      {.names = "--exclude-table",
       .value = "PATTERN",
       .description = "not these",
       .target = &selection.exclude_tables,
       .group = group},
      {.names = "--exclude-table-data",
       .value = "PATTERN",
       .description = "the definition of these, but not their rows",
       .target = &selection.exclude_table_data,
       .group = group},
      {.names = "--schema-only",
       .value = "",
       .description = "definitions only: no rows, values of sequences or large objects",
       .target = &selection.schema_only,
       .group = group},
  };
}

std::string omitted_text(const logical::Document& document) {
  std::string out;
  if (!document.exclude_databases.empty()) {
    out +=
        fmt::format("  databases: {}\n",
                    printable_line(list_of(document.excluded_databases, document.excluded_databases.size())));
  }
  for (const logical::DatabaseRecord& record : document.databases) {
    if (!record.is_part()) continue;
    out += printable_line(fmt::format("  {}: taken with {}", record.name(), record.selection.text())) + "\n";
    const uint64_t total = record.tables_omitted + record.tables_without_rows;
    if (total > 0) {
      out += printable_line(fmt::format("  {}: without {}", record.name(), list_of(record.omitted, total))) +
             "\n";
    }
  }
  return out.empty() ? out : "Left out on purpose:\n" + out;
}

}  // namespace dbb::cli
