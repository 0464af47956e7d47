#include "cli/backup_choice.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "logical/document.h"

namespace dbb::cli {
namespace {

BackupId resolve(repository::Repository& repository, const std::string& typed) {
  try {
    return repository.resolve(typed);
  } catch (const Error& error) {
    std::error_code ignored;
    if (error.code() != ErrorCode::kBackupNotFound || !std::filesystem::is_regular_file(typed, ignored))
      throw;
    throw Error(ErrorCode::kBackupNotFound,
                {.message = fmt::format("\"{}\" is a file, not the name of a backup in {}.", typed,
                                        repository.describe()),
                 .cause = "This version does not read archives of other programs yet.",
                 .solution = {"See the backups in the repository: dbbackup list"}});
  }
}

bool contains(const repository::Manifest& manifest, const std::string& database) {
  if (manifest.kind != "cluster" && manifest.kind != "database") return false;
  const logical::Document document = logical::parse_document(manifest.document);
  const logical::DatabaseRecord* record = document.find(database);
  return record != nullptr && record->state != logical::DatabaseState::kFailed;
}

}  // namespace

BackupId choose_cluster_backup(repository::Repository& repository, const std::string& typed) {
  if (typed != "latest") {
    const BackupId id = resolve(repository, typed);
    const repository::Manifest manifest = repository.read_manifest(id);
    if (manifest.kind == "cluster") return id;
    throw Error(
        ErrorCode::kUsage,
        {.message = fmt::format("Backup {} is of one database, not of a cluster.", id.text()),
         .solution = {fmt::format("Restore it with: dbbackup restore database NAME --from {}", id.text())}});
  }
  for (const auto& manifest : repository.list_backups().backups) {
    if (manifest.kind == "cluster") return manifest.id;
  }
  throw Error(ErrorCode::kBackupNotFound,
              {.message = fmt::format("There is no backup of a cluster in {}.", repository.describe()),
               .solution = {"See what is there: dbbackup list", "Make one: dbbackup backup cluster"}});
}

BackupId choose_database_backup(repository::Repository& repository, const std::optional<std::string>& typed,
                                const std::string& database) {
  if (typed && typed != "latest") {
    const BackupId id = resolve(repository, *typed);
    if (contains(repository.read_manifest(id), database)) return id;
    throw Error(
        ErrorCode::kDatabaseNotFound,
        {.message = fmt::format("Backup {} does not contain the database \"{}\".", id.text(), database),
         .solution = {fmt::format("See what it contains: dbbackup show {}", id.text()),
                      fmt::format("Or let the newest backup that contains it be found: "
                                  "dbbackup restore database {} (without --from)",
                                  database)}});
  }
  for (const auto& manifest : repository.list_backups().backups) {
    if (contains(manifest, database)) return manifest.id;
  }
  throw Error(ErrorCode::kDatabaseNotFound,
              {.message = fmt::format("No backup in {} contains the database \"{}\".", repository.describe(),
                                      database),
               .solution = {"See the backups and their databases: dbbackup list",
                            "Names are as the server has them: upper and lower case differ."}});
}

}  // namespace dbb::cli
