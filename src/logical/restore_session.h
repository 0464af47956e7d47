#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task_group.h"
#include "logical/document.h"
#include "logical/operation.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "postgres/server.h"

namespace dbb::logical {

using Settings = std::vector<std::pair<std::string, std::string>>;

// How the sessions and programs that fill one database are set up.
struct WorkSession {
  std::string database;
  std::string encoding;  // of the backup's rows: what goes over the wire
  Settings settings = {};
  // Those of the backed-up database, under which its functions, defaults and indexes were made (a time zone,
  // a text search configuration, variables of its application). What our sessions set themselves wins, and
  // what this server does not know is left out: the settings themselves are given later, with a report.
  std::vector<postgres::RoleSetting> database_settings = {};
  // Reads rows in the form in which a backup reads them, whatever the database has set.
  bool canonical_formats = false;
};

// Reads the record's rows as they were written, and fires no event trigger as far as that is possible.
WorkSession like_the_source(std::string database, const Document& document, const DatabaseRecord& record,
                            const postgres::ServerFacts& server);

// A session of this run in the database of `work`, ended by `stop`.
postgres::Connection open_session(const Operation& operation, const WorkSession& work, std::string_view role,
                                  std::stop_token stop);

// The operation as a task sees it: with its group's stop token.
Operation with_stop(const Operation& operation, std::stop_token stop);

// Runs task(session, index, operation) for every index below `count`, lowest first, in `workers` sessions at
// once, each of which is confined to its thread. The first error stops the others and is thrown.
using SessionTask =
    std::function<void(postgres::Connection& session, size_t index, const Operation& operation)>;
void run_in_sessions(const Operation& operation, const WorkSession& work, const std::string& role,
                     size_t count, int workers, const SessionTask& task);

// A stop token of its own for tidying up after the operation's was used: requested when the time is over.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds time);
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  TaskGroup timer_;
};

}  // namespace dbb::logical
