#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "logical/restore.h"

// What a restore writes down on its own host, so that a person can read how far it came and a later run can
// go on: restore-manifest-<date>.json. docs/json.md has the fields. What is loaded is not in it: of that the
// marks in the staging databases speak (restore_marks.h).
namespace dbb::logical {

struct ManifestDatabase {
  std::string source;        // name in the backup
  std::string staging_name;  // "" when filled in place or left alone
  postgres::Oid oid;  // of the database built for it, which keeps it when it takes its name; 0: none yet
  std::optional<postgres::Oid> old = {};  // the one it replaces, and the name that one is to get
  std::string kept_name;
  bool drop_old = false;
  std::string left_alone = {};  // why, when the plan skips it
  DatabaseOutcome outcome;
};

struct RestoreManifest {
  BackupId run;
  std::string server;             // host:port as it was asked for
  std::string system_identifier;  // of that server
  std::string role;               // that everything is done as; "" for the one that connects
  std::string done_as;            // the role that did it
  std::string reached_by;         // options that lead to the server and the repository, as a shell takes them
  UtcTime started;
  UtcTime updated;
  bool is_over = false;  // the run ended by itself
  RestoreOptions options;
  std::vector<ManifestDatabase> databases;

  const ManifestDatabase* find(std::string_view name) const;  // by its name on the target
  // Names: of databases that failed, and of those that were not begun or not finished.
  std::vector<std::string> failed() const;
  std::vector<std::string> skipped() const;
  bool has_everything() const { return failed().empty() && skipped().empty(); }
};

// `file`: for the command that continues.
std::string to_json(const RestoreManifest& manifest, const std::filesystem::path& file);
RestoreManifest parse_restore_manifest(std::string_view json, const std::filesystem::path& file);  // kUsage
RestoreManifest read_restore_manifest(const std::filesystem::path& file);  // kUsage when there is none

// Of a run that is about to begin, as planned.
RestoreManifest manifest_of(const RestorePlan& plan, const BackupId& run, UtcTime now);

// "dbbackup -p 5433 restore cluster --resume-from-manifest FILE --confirm"
std::string command_to_continue(const RestoreManifest& manifest, const std::filesystem::path& file);
// One entry per database that failed: cluster-restore-failures-<date>.json.
std::string failures_json(const RestoreManifest& manifest);

// Keeps the manifest of a run in its file, which is replaced as a whole at each change. Thread-safe.
class RestoreJournal {
 public:
  // Nothing is kept.
  RestoreJournal() = default;
  // Of a new run: takes the first name of the day below `directory` that is free. Of one that goes on: the
  // file it was read from.
  static RestoreJournal of_new_run(const std::filesystem::path& directory, RestoreManifest manifest);
  static RestoreJournal of_run_that_goes_on(const std::filesystem::path& file, RestoreManifest manifest);
  RestoreJournal(RestoreJournal&& other) noexcept;

  const std::filesystem::path& file() const { return file_; }
  const std::filesystem::path& failures_file() const { return failures_file_; }  // "" when nothing failed

  // Changes the entry of the database of that name on the target, or the whole, and writes the file. What
  // cannot be written is no reason to stop: the first such problem is remembered, for people.
  void update(const std::string& name, UtcTime now, const std::function<void(ManifestDatabase&)>& change);
  void update_all(UtcTime now, const std::function<void(RestoreManifest&)>& change);
  // Called with the first problem, in whichever thread meets it.
  void on_problem(std::function<void(const std::string&)> tell);
  // One for each database of the plan: what an earlier attempt recorded of those it restored, else nothing
  // yet.
  std::vector<DatabaseOutcome> outcomes(const RestorePlan& plan) const;
  // The run has ended by itself: with a report of what failed, if anything did.
  void finish(UtcTime now);
  std::string problem() const;
  std::string command() const;  // that continues; "" when nothing is kept

 private:
  RestoreJournal(std::filesystem::path file, RestoreManifest manifest);
  void write();                       // with mutex_ held
  void remember(const Error& error);  // likewise

  std::filesystem::path file_;
  std::filesystem::path failures_file_;
  mutable std::mutex mutex_;
  RestoreManifest manifest_;  // guarded by mutex_, as is what follows
  std::string problem_;
  std::function<void(const std::string&)> tell_;
};

}  // namespace dbb::logical
