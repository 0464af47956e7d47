#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/backup_id.h"
#include "postgres/catalog.h"

// A system database is filled in place, by many transactions. From before the first of them until the last
// one commits it has a mark: a setting of the database, which no program reads, no dump of its contents holds
// and ALTER DATABASE ... RESET ALL takes away (docs/decisions/0026).
namespace dbb::logical {

inline constexpr std::string_view kFillSetting = "dbbackup.filling";

struct FillMark {
  BackupId run;                // the restore that began
  BackupId backup;             // and out of what
  bool beside_others = false;  // the database had contents before, as --system-databases merge allows

  bool operator==(const FillMark&) const = default;
};

std::string to_setting(const FillMark& mark);
// Empty when the value is not one of ours.
std::optional<FillMark> parse_fill_mark(std::string_view value);

// The mark among the settings of a database, and takes it out of them: it is nobody's property.
std::optional<FillMark> take_fill_mark(postgres::DatabaseProperties& properties);

// Needs a superuser. `session` is to any database; committed, and on disk, after return.
void set_fill_mark(postgres::Connection& session, const std::string& database, const FillMark& mark);

}  // namespace dbb::logical
