#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/event.h"
#include "logical/work_estimate.h"
#include "system/clock.h"

namespace dbb::logical {

// 0 to 1.
struct ShareBounds {
  double least = 0;
  double most = 1;
};

// A CREATE INDEX that runs, as the server tells it.
struct IndexBuild {
  int pid = 0;
  ShareBounds done;
  std::string text;  // "building index: loading tuples in tree, 40 %": of that step
};

// Adds up how far a restore is, over all databases and workers, and tells it a few times a second. An object
// is that of one database, or of none; all of one run share their sums. Thread-safe; copies share.
class RestoreProgress {
 public:
  // Of something that is no database of a plan: a table.
  RestoreProgress(EventSink& events, system::Clock& clock, uint64_t bytes_total, uint32_t databases_total);
  // Of a run over these databases; those that are left out have no size.
  RestoreProgress(EventSink& events, system::Clock& clock, std::vector<DatabaseSizes> databases,
                  Concurrency concurrency);
  // Of that database of the run.
  RestoreProgress of(size_t database) const;

  // A phase began, or an object was begun in it.
  void show(std::string_view phase, std::string object);
  // Bytes of rows that were written; in the phase "proof", that were read again.
  void add(std::string_view phase, std::string_view object, uint64_t bytes);
  // Rows that are there already, from a run before this one: done, at no time.
  void add_done_before(uint64_t bytes);
  // The phase of indexes consists of tasks that are expected to take so many microseconds together; those
  // that run are known by the process id of their session.
  void begin_tasks(uint64_t weight);
  // Between these two, indexes are built beside rows that are loaded: what is done of them counts, but the
  // database is still in the phase of rows.
  void begin_rows();
  void rows_are_in();
  void task_begun(int pid, uint64_t weight);
  void task_done(int pid);
  void database_done();

  // From the watcher. "waiting for a lock held by ..." or "": shown until it is set anew.
  void set_waiting(std::string line);
  void builds_seen(const std::vector<IndexBuild>& builds);

  // What is still to be written into those tablespaces; an estimate.
  uint64_t bytes_to_write(const std::vector<std::string>& tablespaces) const;

 private:
  struct Sums;
  RestoreProgress(std::shared_ptr<Sums> sums, size_t database);

  std::shared_ptr<Sums> sums_;  // owned by all that were made of one
  size_t database_;             // index, or beyond the last
};

}  // namespace dbb::logical
