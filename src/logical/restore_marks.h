#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/backup_id.h"
#include "postgres/connection.h"

namespace dbb::logical {

// What of a staging database is complete. Each mark is written by the transaction that completed the work, in
// the database itself, so that after a kill of dbbackup or of the server it says neither more nor less than
// what is there. They are taken away before the database gets its name.
//
// Marks are short ASCII words: "entry 17" (of the archive), "table 3", "part 3/0", "large objects 0".
// Thread-safe; each session given is its caller's.
class RestoreMarks {
 public:
  explicit RestoreMarks(const BackupId& run);

  // Makes the place for them, for a restore of `content`: a text that differs when what is restored differs.
  void create(postgres::Connection& session, std::string_view content);
  // Reads those of an earlier attempt. False: there are none, or they are of other contents.
  bool load(postgres::Connection& session, std::string_view content);
  // Forgets what was read.
  void clear();

  bool has(const std::string& mark) const { return amount(mark).has_value(); }
  // The number given with it: of rows, or of records.
  std::optional<uint64_t> amount(const std::string& mark) const;
  bool has_any_with(std::string_view beginning) const;
  uint64_t count_with(std::string_view beginning) const;

  // To be run in the transaction that completes the work; remembered when it is committed, by done().
  std::string statement(const std::string& mark, uint64_t amount = 0) const;
  void done(const std::string& mark, uint64_t amount = 0);
  // For work that is complete already.
  void set(postgres::Connection& session, const std::string& mark);

  // The statement that takes them all away.
  std::string removal() const;

 private:
  const std::string schema_;
  mutable std::mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> marks_;  // guarded by mutex_
};

}  // namespace dbb::logical
