#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/backup_id.h"
#include "base/units.h"

// Names and marks of the databases dbbackup makes on a server. All fit in 63 bytes and stay unique.
namespace dbb::logical {

inline constexpr size_t kMaximumNameBytes = 63;

// "dbbackup_staging_<random part of run>_<number>": says nothing of the database it is for, its comment does.
std::string staging_name(const BackupId& run, int number);
// The random part of the run that gave a staging database its name; "" when it is somebody else's name.
std::string run_in_staging_name(std::string_view name);
// "<database>_before_<time>"; a long name is cut at a character and gets a hash of the whole.
std::string kept_name(std::string_view database, UtcTime when);
// "<database>_failed_<date>", cut likewise; from the second of a day on, "<database>_failed_<date>_2".
std::string failed_name(std::string_view database, UtcTime when, int number);

enum class MarkKind : uint8_t {
  kStaging,
  kComplete,  // a staging database that needs only its name
  kFailed,    // one that failed and is to stay, for people or for another attempt
  kKept,
};

// The comment that makes a database recognisable as ours: "dbbackup: kept by run <id> for <database>", and on
// the lines that follow the original comment. A backslash and a line break of the name are written "\\" and
// "\n".
struct Mark {
  MarkKind kind = MarkKind::kStaging;
  BackupId run;
  std::string database;               // that it is for, or was
  std::string original_comment = {};  // of a kept one
};
std::string to_comment(const Mark& mark);
// Empty when the comment is somebody else's.
std::optional<Mark> parse_comment(std::string_view comment);
// Whether a database that bears the mark still has a name that a restore gave it. Renamed by hand, it is
// somebody's: an old one that was put back into its place, say.
bool has_given_name(const Mark& mark, std::string_view name);

// Throws Error kNameIllegal with the reason: empty, over 63 bytes, a newline or NUL in it.
void check_database_name(std::string_view name);

}  // namespace dbb::logical
