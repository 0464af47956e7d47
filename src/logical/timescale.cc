#include "logical/timescale.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbb::logical {
namespace {

void call(postgres::Connection& session, const postgres::ExtensionNeed& extension, const char* function) {
  session.execute(fmt::format("SELECT {}", session.qualified(extension.schema, function) + "()"));
}

}  // namespace

const postgres::ExtensionNeed* find_timescale(const DatabaseRecord& record) {
  const auto found =
      std::ranges::find(record.extensions, kTimescaleExtension, &postgres::ExtensionNeed::name);
  return found == record.extensions.end() ? nullptr : &*found;
}

void begin_timescale_restore(postgres::Connection& session, const postgres::ExtensionNeed& extension) {
  session.execute(fmt::format(
      "CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {} VERSION {}", session.quote_identifier(extension.name),
      session.quote_identifier(extension.schema), session.quote_literal(extension.version)));
  call(session, extension, "timescaledb_pre_restore");
}

void end_timescale_restore(postgres::Connection& session, const postgres::ExtensionNeed& extension) {
  call(session, extension, "timescaledb_post_restore");
}

}  // namespace dbb::logical
