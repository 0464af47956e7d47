#include "cli/backup_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "base/error.h"
#include "cli/context.h"
#include "logical/document.h"
#include "logical/source.h"
#include "repository/clock_ahead.h"

namespace dbb::cli {
namespace {

using repository::Manifest;
using Candidates = std::vector<const Manifest*>;  // newest first

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
                         const repository::Manifest* found, UtcTime now) {
  for (const repository::DamagedManifest& damaged : list.damaged) {
    const BackupId id = BackupId::parse(damaged.object.substr(damaged.object.rfind('/') + 1));
    if (found != nullptr &&
        (id < found->id || (repository::is_ahead(id, now) && !repository::is_ahead(found->id, now))))
      continue;
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

enum class Holding : uint8_t { kNothing, kPart, kWhole };

Holding holding_of(const Manifest& manifest, const std::string& database) {
  if (manifest.kind != "cluster" && manifest.kind != "database") return Holding::kNothing;
  const logical::Document document = logical::parse_document(manifest.document);
  const logical::DatabaseRecord* record = document.find(database);
  if (record == nullptr || record->state == logical::DatabaseState::kFailed) return Holding::kNothing;
  return record->is_part() ? Holding::kPart : Holding::kWhole;
}

std::string server_of(const Manifest& manifest) {
  try {
    const logical::Document document = logical::parse_document(manifest.document);
    return document.system_identifier.empty()
               ? document.server_address
               : fmt::format("{}, system {}", document.server_address, document.system_identifier);
  } catch (const Error&) {
    return manifest.source;  // of a kind this version does not know
  }
}

// The newest of each server, to choose from.
std::vector<std::string> newest_of_each(const Candidates& candidates) {
  std::vector<std::string> lines;
  std::set<std::string> named;
  for (const Manifest* manifest : candidates) {
    if (!named.insert(manifest->source).second) continue;
    lines.push_back(fmt::format("{}, the newest of {}", manifest->id.text(), server_of(*manifest)));
  }
  return lines;
}

Error of_several_servers(const Candidates& candidates, const std::string& source,
                         const std::string& where_typed) {
  std::vector<std::string> solution = {fmt::format("Name the one that is meant{}:", where_typed)};
  for (std::string& line : newest_of_each(candidates)) solution.push_back(std::move(line));
  return Error(
      ErrorCode::kBackupAmbiguous,
      {.message = "Several servers back up into this repository: which backup is meant?",
       .cause = fmt::format("None of the backups is of the server that is connected to ({}).", source),
       .solution = std::move(solution)});
}

// Those of the server that is connected to. Of all, when it has made none: it is a new one, most likely, that
// takes the place of what was lost.
struct OwnBackups {
  Candidates candidates;
  Candidates of_others = {};  // that would have done, if they were of this server
};

OwnBackups own_backups(const repository::BackupList& list, Candidates candidates, const Newest& newest,
                       const std::string& where_typed) {
  const auto differs = [&](const Manifest& manifest) {
    return manifest.source != list.backups.front().source;
  };
  if (std::ranges::none_of(list.backups, differs)) return {.candidates = std::move(candidates)};
  const std::string source = newest.source();
  OwnBackups own;
  if (std::ranges::find(list.backups, source, &Manifest::source) != list.backups.end()) {
    for (const Manifest* manifest : candidates) {
      (manifest->source == source ? own.candidates : own.of_others).push_back(manifest);
    }
    return own;
  }
  const bool several = std::ranges::any_of(
      candidates, [&](const Manifest* manifest) { return manifest->source != candidates.front()->source; });
  if (several) throw of_several_servers(candidates, source, where_typed);
  return {.candidates = std::move(candidates)};
}

template <typename Suits>
Candidates those_of(const repository::BackupList& list, const Suits& suits) {
  Candidates found;
  for (const Manifest& manifest : list.backups) {
    if (suits(manifest)) found.push_back(&manifest);
  }
  return found;
}

const Manifest* newest_of(const Candidates& candidates, UtcTime now) {
  const auto found = repository::newest_that_counts(candidates, now, &Manifest::id);
  return found == candidates.end() ? nullptr : *found;
}

// What others have is never taken by itself, but somebody may look for it.
void add_backups_of_others(std::vector<std::string>& solution, const Candidates& of_others,
                           const std::string& before_id) {
  for (const std::string& line : newest_of_each(of_others)) {
    solution.push_back(fmt::format("Of another server: {}{}", before_id, line));
  }
}

}  // namespace

Newest newest_for(Context& context) {
  return {.source = [&context] { return logical::source_of_target(context.operation()); },
          .now = context.world().clock.now()};
}

BackupId choose_cluster_backup(repository::Repository& repository, const std::string& typed,
                               const Newest& newest) {
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
  const auto is_cluster = [](const Manifest& manifest) { return manifest.kind == "cluster"; };
  const OwnBackups own = own_backups(list, those_of(list, is_cluster), newest, " in place of \"latest\"");
  const Manifest* const found = newest_of(own.candidates, newest.now);
  refuse_newer_damage(repository, list, found, newest.now);
  if (found != nullptr) return found->id;
  std::vector<std::string> solution = {"See what is there: dbbackup list",
                                       "Make one: dbbackup backup cluster"};
  add_backups_of_others(solution, own.of_others, "");
  throw Error(ErrorCode::kBackupNotFound,
              {.message = fmt::format("There is no backup of {} in {}.",
                                      own.of_others.empty() ? "a cluster" : "this server's cluster",
                                      repository.describe()),
               .solution = std::move(solution)});
}

BackupId choose_database_backup(repository::Repository& repository, const std::optional<std::string>& typed,
                                const std::string& database, const Newest& newest) {
  if (typed && typed != "latest") {
    const BackupId id = resolve(repository, *typed);
    if (holding_of(repository.read_manifest(id), database) != Holding::kNothing) return id;
    throw Error(
        ErrorCode::kDatabaseNotFound,
        {.message = fmt::format("Backup {} does not contain the database \"{}\".", id.text(), database),
         .solution = {fmt::format("See what it contains: dbbackup show {}", id.text()),
                      fmt::format("Or let the newest backup that contains it be found: "
                                  "dbbackup restore database {} (without --from)",
                                  database)}});
  }
  const repository::BackupList list = repository.list_backups();
  // A part of a database is never taken for it unless it is named.
  const auto is_whole = [&](const Manifest& manifest) {
    return holding_of(manifest, database) == Holding::kWhole;
  };
  const OwnBackups own = own_backups(list, those_of(list, is_whole), newest, " with --from");
  const Manifest* const found = newest_of(own.candidates, newest.now);
  refuse_newer_damage(repository, list, found, newest.now);
  if (found != nullptr) return found->id;
  if (!own.of_others.empty()) {
    std::vector<std::string> solution = {"See the backups and their databases: dbbackup list"};
    add_backups_of_others(solution, own.of_others, "--from ");
    throw Error(ErrorCode::kDatabaseNotFound,
                {.message = fmt::format("No backup of this server in {} contains the database \"{}\".",
                                        repository.describe(), database),
                 .cause = "Backups of other servers do: they are taken only when they are named.",
                 .solution = std::move(solution)});
  }
  const auto part = std::ranges::find_if(list.backups, [&](const Manifest& manifest) {
    return holding_of(manifest, database) == Holding::kPart;
  });
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
