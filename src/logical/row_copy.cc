#include "logical/row_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace dbb::logical {
namespace {

constexpr uint64_t kBlockBytes = 8192;
constexpr uint64_t kPartBytes = 256ULL * 1024 * 1024;
constexpr uint64_t kFewestBlocks =
    128;  // 1 MiB: wide rows live in TOAST, and a part is worth a statement of its own
constexpr int kFirstVersionWithTidRanges = 14;

// Source: "Binary Format" in PostgreSQL's manual of COPY. No server since 7.4 has written an extension of the
// head.
constexpr std::string_view kBinarySignature{"PGCOPY\n\xff\r\n\0", 11};
constexpr size_t kBinaryHeadBytes = 19;
constexpr std::string_view kBinaryEnd{"\xff\xff", 2};

std::string joined_columns(const postgres::Connection& connection, const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) {
    if (!list.empty()) list += ", ";
    list += connection.quote_identifier(column);
  }
  return list;
}

}  // namespace

PartPlan plan_parts(const postgres::Table& table, postgres::ServerVersion version) {
  PartPlan one_part{.part_blocks = 0, .ranges = {BlockRange{}}};
  if (table.access_method != "heap" || version.major() < kFirstVersionWithTidRanges ||
      table.is_extension_config) {
    return one_part;
  }
  const uint64_t blocks = table.heap_bytes / kBlockBytes;
  if (blocks == 0) return one_part;
  const uint64_t bytes_per_block = (table.heap_bytes + table.toast_bytes) / blocks;
  const uint64_t part_blocks =
      std::max(std::bit_floor(kPartBytes / std::max(bytes_per_block, kBlockBytes)), kFewestBlocks);
  if (blocks <= part_blocks) return one_part;

  PartPlan plan{.part_blocks = static_cast<uint32_t>(part_blocks), .ranges = {}};
  for (uint64_t first = 0; first < blocks; first += part_blocks) {
    plan.ranges.push_back({.first = first, .end = first + part_blocks});
  }
  plan.ranges.back().end = std::nullopt;
  return plan;
}

std::string copy_out_statement(const postgres::Connection& connection, const postgres::Table& table,
                               const BlockRange& range, RowFormat format) {
  const std::string_view options = format == RowFormat::kBinary ? " (FORMAT binary)" : "";
  const std::string name = connection.qualified(table.schema, table.name);
  if (range.whole_table() && table.extension_condition.empty()) {
    // A table without columns has nothing to list, and COPY's default leaves generated columns out as well.
    const std::string columns =
        table.columns.empty() ? "" : "(" + joined_columns(connection, table.columns) + ")";
    return fmt::format("COPY {} {} TO STDOUT{}", name, columns, options);
  }
  std::string condition = table.extension_condition;
  if (!range.whole_table()) {
    condition = fmt::format("WHERE ctid >= '({},0)'", range.first);
    if (range.end) condition += fmt::format(" AND ctid < '({},0)'", *range.end);
  }
  return fmt::format("COPY (SELECT {} FROM ONLY {} {}) TO STDOUT{}",
                     joined_columns(connection, table.columns), name, condition, options);
}

std::optional<ByteView> row_in(ByteView message, RowFormat format) {
  if (format == RowFormat::kText) return message;
  if (as_text(message).starts_with(kBinarySignature)) {
    message = message.subspan(std::min(message.size(), kBinaryHeadBytes));
  }
  if (as_text(message) == kBinaryEnd) return std::nullopt;
  return message;
}

bool is_too_long_as_text(const Error& error) {
  return error.sqlstate() == "54000" ||
         (error.sqlstate() == "XX000" &&
          error.message().find("invalid memory alloc request size") != std::string::npos);
}

}  // namespace dbb::logical
