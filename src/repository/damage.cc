#include "repository/damage.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dbb::repository {

namespace {

[[noreturn]] void throw_about(ErrorCode code, std::string_view object, std::string message,
                              std::string problem) {
  Error error(
      code,
      {.message = std::move(message),
       .cause = std::move(problem),
       .solution = {"Run `dbbackup check --read-data` to learn which backups and tables are affected.",
                    "Restore another backup, or copy the object again from where the repository is whole.",
                    "Make a new backup: what it finds missing it stores again."}});
  error.add_context("Object", std::string(object));
  throw error;
}

}  // namespace

bool is_damage(const Error& error) {
  return error.code() == ErrorCode::kCorruptedBackup || error.code() == ErrorCode::kObjectSwapped;
}

void throw_damaged(std::string_view object, std::string problem) {
  throw_about(ErrorCode::kCorruptedBackup, object, fmt::format("The stored object {} is damaged.", object),
              std::move(problem));
}

void throw_swapped(std::string_view object, std::string problem) {
  throw_about(ErrorCode::kObjectSwapped, object,
              fmt::format("The stored object {} lies in the place of another.", object), std::move(problem));
}

}  // namespace dbb::repository
