#include "logical/operation.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dbb::logical {

void Operation::notice(std::string kind, std::string text,
                       std::vector<std::pair<std::string, std::string>> fields) const {
  events.emit(Notice{.severity = Severity::kInfo,
                     .kind = std::move(kind),
                     .text = std::move(text),
                     .fields = std::move(fields)});
}

void Operation::warn(std::string kind, std::string text,
                     std::vector<std::pair<std::string, std::string>> fields) const {
  events.emit(Notice{.severity = Severity::kWarning,
                     .kind = std::move(kind),
                     .text = std::move(text),
                     .fields = std::move(fields)});
}

std::string Operation::application_name(std::string_view role) const {
  return fmt::format("dbbackup {} {}", run.random_part(), role);
}

std::vector<std::pair<std::string, std::string>> Operation::session_settings() const {
  if (lock_timeout.count() == 0) return {};
  return {{"lock_timeout", fmt::format("{}ms", lock_timeout.count())}};
}

postgres::Connection Operation::connect(const std::string& database, std::string_view role) const {
  return postgres::Connection::open(
      target.with_database(database),
      {.application_name = application_name(role), .settings = session_settings()}, stop);
}

postgres::Connection Operation::connect_to_read(const std::string& database, std::string_view role) const {
  return postgres::Connection::open(target.with_database(database),
                                    {.application_name = application_name(role),
                                     .settings = {{"lc_monetary", std::string(kMoneyLocale)}},
                                     .only_plain_tables = true},
                                    stop);
}

std::string maintenance_database(const Operation& operation) {
  try {
    operation.connect("postgres", "probe");
    return "postgres";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDatabaseNotFound) throw;
    return "template1";
  }
}

}  // namespace dbb::logical
