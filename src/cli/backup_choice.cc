#include "cli/backup_choice.h"

#include <fmt/format.h>

#include <algorithm>
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

// "Latest" must not quietly become an older one: a damaged manifest that is newer than what was found might
// have been the one that was meant. `found` is null when nothing was.
void refuse_newer_damage(const repository::Repository& repository, const repository::BackupList& list,
                         const repository::Manifest* found) {
  for (const repository::DamagedManifest& damaged : list.damaged) {
    const std::string id = damaged.object.substr(damaged.object.rfind('/') + 1);
    if (found != nullptr && id < found->id.text()) continue;
    std::vector<std::string> solution = {"See what is damaged and what is sound: dbbackup check --read-data"};
    if (found != nullptr) {
      solution.push_back(fmt::format("To take the newest that can be read, name it: {}", found->id.text()));
    }
    throw Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("The newest backup in {} cannot be read.", repository.describe()),
                 .cause = fmt::format("{}: {}", damaged.object, damaged.problem),
                 .solution = std::move(solution)});
  }
}

// A part of a database is never taken for it unless it is named.
bool contains_whole(const repository::Manifest& manifest, const std::string& database) {
  if (manifest.kind != "cluster" && manifest.kind != "database") return false;
  const logical::Document document = logical::parse_document(manifest.document);
  const logical::DatabaseRecord* record = document.find(database);
  return record != nullptr && record->state != logical::DatabaseState::kFailed && !record->is_part();
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
  const repository::BackupList list = repository.list_backups();
  const auto found = std::ranges::find(list.backups, "cluster", &repository::Manifest::kind);
  refuse_newer_damage(repository, list, found == list.backups.end() ? nullptr : &*found);
  if (found != list.backups.end()) return found->id;
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
  const repository::BackupList list = repository.list_backups();
  const auto found = std::ranges::find_if(
      list.backups, [&](const repository::Manifest& manifest) { return contains_whole(manifest, database); });
  refuse_newer_damage(repository, list, found == list.backups.end() ? nullptr : &*found);
  if (found != list.backups.end()) return found->id;
  const auto part = std::ranges::find_if(
      list.backups, [&](const repository::Manifest& manifest) { return contains(manifest, database); });
  if (part != list.backups.end()) {
    throw Error(
        ErrorCode::kDatabaseNotFound,
        {.message = fmt::format("No backup in {} contains all of the database \"{}\".", repository.describe(),
                                database),
         .cause = fmt::format("Backup {} contains a part of it.", part->id.text()),
         .solution = {fmt::format("See which: dbbackup show {}", part->id.text()),
                      fmt::format("To take that part, name the backup: --from {}", part->id.text())}});
  }
  throw Error(ErrorCode::kDatabaseNotFound,
              {.message = fmt::format("No backup in {} contains the database \"{}\".", repository.describe(),
                                      database),
               .solution = {"See the backups and their databases: dbbackup list",
                            "Names are as the server has them: upper and lower case differ."}});
}

}  // namespace dbb::cli
