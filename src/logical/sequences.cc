#include "logical/sequences.h"

#include "logical/record_stream.h"

namespace dbb::logical {
namespace {

constexpr size_t kLongestRecord = 1024;  // two names of 63 bytes and some numbers

}  // namespace

void save_sequences(const std::vector<postgres::SequenceValue>& values, repository::StreamWriter& stream) {
  for (const postgres::SequenceValue& value : values) {
    ByteWriter record;
    record.sized(value.schema);
    record.sized(value.name);
    record.u64(static_cast<uint64_t>(value.last_value));
    record.u8(value.is_called ? 1 : 0);
    append_record(stream, record.bytes());
  }
}

std::vector<postgres::SequenceValue> load_sequences(repository::StreamReader& stream) {
  std::vector<postgres::SequenceValue> values;
  RecordReader records(stream, kLongestRecord);
  for (ByteView bytes; records.next(bytes);) {
    ByteReader record(bytes, "The value of a sequence");
    postgres::SequenceValue value;
    value.schema = record.sized_text();
    value.name = record.sized_text();
    value.last_value = static_cast<int64_t>(record.u64());
    value.is_called = record.u8() != 0;
    values.push_back(std::move(value));
  }
  return values;
}

uint64_t restore_sequences(repository::StreamReader& stream, postgres::Connection& connection,
                           const SequenceFilter& wanted) {
  uint64_t restored = 0;
  for (postgres::SequenceValue& value : load_sequences(stream)) {
    if (!wanted(value)) continue;
    connection.execute(
        "SELECT pg_catalog.setval($1::pg_catalog.regclass, $2::pg_catalog.int8, $3::pg_catalog.bool)",
        {connection.qualified(value.schema, value.name), std::to_string(value.last_value),
         value.is_called ? "t" : "f"});
    ++restored;
  }
  return restored;
}

}  // namespace dbb::logical
