#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/backup_id.h"

// What this host remembers of a standby whose replay it paused. A standby itself takes no notes, and a
// process that is killed resumes nothing.
namespace dbb::logical {

struct ReplayTrace {
  BackupId run;
  std::string lsn;  // where replay stands; "" until it does: while it is the same, the pause is the same

  bool operator==(const ReplayTrace&) const = default;
};

// The file below `directory` for the server at `address`; "" when there is no directory.
std::filesystem::path replay_trace_file(const std::filesystem::path& directory, const std::string& address);

// A trace only ever helps: one that cannot be written, read or understood is none.
void write_replay_trace(const std::filesystem::path& file, const ReplayTrace& trace) noexcept;
std::optional<ReplayTrace> read_replay_trace(const std::filesystem::path& file);
void remove_replay_trace(const std::filesystem::path& file) noexcept;

}  // namespace dbb::logical
