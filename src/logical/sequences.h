#pragma once

#include <cstdint>
#include <functional>

#include "postgres/catalog.h"
#include "repository/backup_reader.h"
#include "repository/backup_writer.h"

// The values of a database's sequences: a stream of records {schema, name, last_value, is_called}.
namespace dbb::logical {

void save_sequences(const std::vector<postgres::SequenceValue>& values, repository::StreamWriter& stream);
std::vector<postgres::SequenceValue> load_sequences(repository::StreamReader& stream);

// setval() for each that is wanted. The sequences must exist; the filter may change the name under which one
// does. Returns how many.
using SequenceFilter = std::function<bool(postgres::SequenceValue&)>;
uint64_t restore_sequences(repository::StreamReader& stream, postgres::Connection& connection,
                           const SequenceFilter& wanted);

}  // namespace dbb::logical
