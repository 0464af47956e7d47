#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "logical/operation.h"
#include "logical/selected_relations.h"
#include "logical/selection.h"
#include "postgres/catalog.h"
#include "postgres/server.h"

namespace dbb::logical {

// What of one database a backup holds, as one snapshot sees it, and what it does not.
struct BackupScope {
  std::vector<postgres::Table> tables;  // whose rows are read
  SelectedRelations selected;
  std::vector<std::string> excluded;         // tables the role may not read, quoted
  std::vector<std::string> excluded_values;  // sequences whose value it may not read, quoted
  std::vector<std::string> left_out;         // what is missing, for people
  std::set<std::string> grants;              // that would help
  std::vector<std::string> invalid_indexes;  // which no dump holds, for people
  std::vector<std::string> omitted;          // what was not asked for, for people: at most kMostOmitted
  uint64_t tables_omitted = 0;
  uint64_t tables_without_rows = 0;
};

struct ScopeRequest {
  const Operation& operation;
  const Selection& selection;
  const postgres::ServerFacts& server;
  const std::string& database;
  const std::string& snapshot;  // exported by `leader`
};

// In place of the grant of one relation: from 14 on one is enough for all.
std::string grant_that_helps(const postgres::ServerFacts& server, const std::string& quoted_role,
                             const std::string& grant);

// Invalid indexes are warned of. Error kUsage for a pattern of what to take that matches nothing.
BackupScope find_scope(const ScopeRequest& request, postgres::Connection& leader);

}  // namespace dbb::logical
