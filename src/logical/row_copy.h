#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "logical/document.h"
#include "postgres/catalog.h"

// The COPY statements that rows pass through, and how a large table is cut into parts.
namespace dbb::logical {

// Blocks [first, end) of a heap; open-ended for the last range of a table, which may have grown.
struct BlockRange {
  uint64_t first = 0;
  std::optional<uint64_t> end = {};
  bool whole_table() const { return first == 0 && !end; }
  bool operator==(const BlockRange&) const = default;
};

struct PartPlan {
  uint32_t part_blocks = 0;  // blocks a part; 0: the table is one part
  std::vector<BlockRange> ranges;
  bool operator==(const PartPlan&) const = default;
};

// Parts of about 256 MiB, TOAST counted, at multiples of a power of two of blocks, so that a table that grows
// keeps the borders it had. One part when ranges would each read the whole table: before version 14, and for
// access methods other than heap.
PartPlan plan_parts(const postgres::Table& table, postgres::ServerVersion version);

// COPY ... TO STDOUT of the rows a backup holds of this table: its own rows without those of its children,
// generated columns left out, and for configuration tables of extensions those of the extension's condition.
std::string copy_out_statement(const postgres::Connection& connection, const postgres::Table& table,
                               const BlockRange& range, RowFormat format);

// The row in one message of COPY ... TO STDOUT; nothing for the message that ends binary format. The first
// message of binary format holds the head of the file as well, which is no part of the row.
std::optional<ByteView> row_in(ByteView message, RowFormat format);

// Whether the server failed because the text of a row would be longer than the 1 GiB it can have in memory.
bool is_too_long_as_text(const Error& error);

}  // namespace dbb::logical
