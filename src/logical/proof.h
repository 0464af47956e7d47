#pragma once

#include <string>
#include <vector>

#include "logical/restore_contents.h"
#include "logical/restore_progress.h"
#include "logical/restore_session.h"

// The proof: what is in the restored tables is read again, over sessions of its own, and compared with what
// was recorded while the backup read the source.
namespace dbb::logical {

// Rows of the restored tables that are compared as one: a table, or all partitions below a root together.
struct ProofUnit {
  std::string shown;                 // "public.orders"
  std::string source;                // quoted name, or "(SELECT ...)", as COPY takes it
  std::vector<std::string> columns;  // quoted for `source`; empty for a query
  std::vector<size_t> tables;        // in DatabaseContent::tables
  Fingerprint expected;
  uint64_t row_bytes = 0;
  RowFormat format = RowFormat::kText;
};

struct ProofTotals {
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
  uint64_t large_objects = 0;
};

// Throws Error kProofFailed, naming every table that differs with the rows expected and found.
ProofTotals prove(repository::BackupReader& backup, const DatabaseContent& content,
                  const Operation& operation, const WorkSession& work, int workers, RestoreProgress& progress,
                  const std::string& shown_database);

}  // namespace dbb::logical
