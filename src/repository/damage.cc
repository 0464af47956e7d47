#include "repository/damage.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dbb::repository {

void throw_damaged(std::string_view object, std::string problem) {
  Error error(
      ErrorCode::kCorruptedBackup,
      {.message = fmt::format("The stored object {} is damaged.", object),
       .cause = std::move(problem),
       .solution = {"Run `dbbackup check --read-data` to learn which backups and tables are affected.",
                    "Restore another backup, or copy the object again from where the repository is whole.",
                    "Make a new backup: what it finds missing it stores again."}});
  error.add_context("Object", std::string(object));
  throw error;
}

}  // namespace dbb::repository
