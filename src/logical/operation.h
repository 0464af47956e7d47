#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/backup_id.h"
#include "base/event.h"
#include "postgres/client_programs.h"
#include "postgres/connection.h"
#include "system/clock.h"

namespace dbb::logical {

class LockWaits;

// Called when an operation reaches a named step of one database ("" for the cluster). Tests stop the world
// there; the names are listed in backup.h and restore.h. Called from many threads.
using StepHook = std::function<void(std::string_view step, std::string_view database)>;

// In which the values of type money are written, in rows and in schemas: every server has it.
inline constexpr std::string_view kMoneyLocale = "C";

// What every operation is given by main. The references outlive the operation.
struct Operation {
  BackupId run;  // the id of this run; of the backup it makes, if it makes one
  postgres::ConnectionTarget target;
  const std::vector<postgres::ClientPrograms>& programs;
  EventSink& events;
  system::Clock& clock;
  std::stop_token stop;
  StepHook at_step = [](std::string_view, std::string_view) {};
  std::string host = {};  // name of this host, for records
  // Of a restore: how long its statements wait for a lock of somebody else's (0: for ever), and, while it is
  // watched, who waits for whom.
  std::chrono::milliseconds lock_timeout{0};
  const LockWaits* lock_waits = nullptr;

  void notice(std::string kind, std::string text,
              std::vector<std::pair<std::string, std::string>> fields = {}) const;
  void warn(std::string kind, std::string text,
            std::vector<std::pair<std::string, std::string>> fields = {}) const;
  // "dbbackup <random part of run> <role>": who holds a session or a lock, in pg_stat_activity.
  std::string application_name(std::string_view role) const;
  // What every session of it is given besides.
  std::vector<std::pair<std::string, std::string>> session_settings() const;
  postgres::Connection connect(const std::string& database, std::string_view role) const;
  // For reading what users made: a table that somebody swaps for a view or a foreign table meanwhile is
  // refused, instead of running its code with our rights (CVE-2024-7348).
  postgres::Connection connect_to_read(const std::string& database, std::string_view role) const;
};

// The database for work on the cluster itself: `postgres`, or `template1` where there is none.
std::string maintenance_database(const Operation& operation);

}  // namespace dbb::logical
