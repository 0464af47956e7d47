#include "logical/restore_session.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

bool is_for_users_only(std::string_view setting) {
  return setting == "role" || setting == "session_authorization" || setting == "session_replication_role" ||
         setting == "client_encoding" || setting == "search_path" || setting == "temp_file_limit";
}

void apply_database_settings(postgres::Connection& session, const WorkSession& work) {
  for (const postgres::RoleSetting& setting : work.database_settings) {
    const bool is_ours =
        postgres::is_set_by_every_session(setting.name) || is_for_users_only(setting.name) ||
        std::ranges::find(work.settings, setting.name, &Settings::value_type::first) != work.settings.end();
    if (is_ours || !setting.role.empty()) continue;
    try {
      session.execute("SELECT pg_catalog.set_config($1, $2, false)", {setting.name, setting.value});
    } catch (const Error& error) {
      if (error.sqlstate().empty()) throw;
    }
  }
}

}  // namespace

WorkSession like_the_source(std::string database, const Document& document, const DatabaseRecord& record,
                            const postgres::ServerFacts& server) {
  WorkSession work{.database = std::move(database), .encoding = record.properties.encoding};
  if (!document.money_locale.empty()) work.settings.emplace_back("lc_monetary", document.money_locale);
  // Triggers on login and on statements are part of what is restored, not of restoring it.
  if (server.is_superuser && server.version.major() >= 17)
    work.settings.emplace_back("event_triggers", "off");
  return work;
}

postgres::Connection open_session(const Operation& operation, const WorkSession& work, std::string_view role,
                                  std::stop_token stop) {
  Settings settings = operation.session_settings();
  settings.insert(settings.end(), work.settings.begin(), work.settings.end());
  postgres::Connection session =
      postgres::Connection::open(operation.target.with_database(work.database),
                                 {.application_name = operation.application_name(role),
                                  .settings = std::move(settings),
                                  .client_encoding = work.encoding,
                                  .users_formats = !work.canonical_formats},
                                 std::move(stop));
  if (!work.canonical_formats) apply_database_settings(session, work);
  return session;
}

Operation with_stop(const Operation& operation, std::stop_token stop) {
  Operation other = operation;
  other.stop = std::move(stop);
  return other;
}

void run_in_sessions(const Operation& operation, const WorkSession& work, const std::string& role,
                     size_t count, int workers, const SessionTask& task) {
  std::atomic<size_t> next = 0;
  TaskGroup group(operation.stop);
  const size_t threads = std::min(count, static_cast<size_t>(std::max(workers, 1)));
  for (size_t i = 0; i < threads; ++i) {
    group.spawn(role, [&](const std::stop_token& stop) {
      const Operation mine = with_stop(operation, stop);
      postgres::Connection session = open_session(mine, work, role, stop);
      for (size_t index = next++; index < count; index = next++) {
        if (stop.stop_requested()) throw cancelled();
        task(session, index, mine);
      }
    });
  }
  group.join();
}

Deadline::Deadline(std::chrono::milliseconds time) : timer_(std::stop_token()) {
  timer_.spawn("deadline", [this, time](const std::stop_token& gone) {
    if (system::sleep_for(time, system::StopEvent(gone))) stop_.request_stop();
  });
}

}  // namespace dbb::logical
