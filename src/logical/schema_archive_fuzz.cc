// Schema archives of pg_dump are stored bytes, and what is read from them becomes a plan.

#include "base/check.h"
#include "base/error.h"
#include "logical/schema_facts.h"
#include "logical/schema_plan.h"
#include "logical/schema_queue.h"
#include "logical/schema_runner.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::logical;
  dbb::postgres::ArchiveToc toc;
  try {
    toc = dbb::postgres::read_archive_toc({data, size});
  } catch (const dbb::Error& error) {
    DBB_CHECK(
        error.code() == dbb::ErrorCode::kCorruptedBackup || error.code() == dbb::ErrorCode::kArchiveTooNew,
        "what is no archive is refused as such");
    return 0;
  }
  read_schema_facts(toc);
  const SchemaPlan plan = plan_schema(toc, [](const dbb::postgres::ArchiveEntry&) { return true; });
  for (const SchemaTasks* tasks :
       {&plan.before_rows, &plan.after_rows, &plan.privileges, &plan.refreshes, &plan.event_triggers}) {
    SchemaQueue queue(*tasks);
    for (size_t done = 0; done < tasks->size(); ++done) {
      std::stop_source stopped;
      stopped.request_stop();
      const auto task = queue.next(stopped.get_token());
      DBB_CHECK(task.has_value(), "tasks that run one at a time never wait for each other");
      sql_of(*(*tasks)[*task].entry, {});
      queue.done(*task);
    }
  }
  return 0;
}
