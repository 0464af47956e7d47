#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/backup_id.h"
#include "base/event.h"
#include "repository/backup_reader.h"
#include "repository/backup_writer.h"
#include "repository/check.h"
#include "repository/encryption.h"
#include "repository/forget.h"
#include "repository/index_repair.h"
#include "repository/key_manager.h"
#include "repository/manifest.h"
#include "repository/prune_report.h"
#include "repository/stats.h"
#include "repository/write_settings.h"
#include "storage/object_store.h"
#include "system/clock.h"

namespace dbb::repository {

class RepositoryCore;
class Session;
struct SessionOptions;

struct InitOptions {
  WriteSettings writing = {};
  std::vector<NewKey> keys = {};  // each gets a key slot; none: encryption "none"
};

struct DamagedManifest {
  std::string object;  // "backups/<id>"
  std::string problem;
};

struct BackupList {
  std::vector<Manifest> backups;  // newest first
  std::vector<DamagedManifest> damaged;
};

// The place backups live. Thread-safe; the store must outlive it.
class Repository {
 public:
  // Makes an empty repository. kRepositoryExists when there is one; kNotARepository when the place holds
  // remains of one whose `config` is gone.
  static void init(storage::ObjectStore& store, const InitOptions& options, system::Clock& clock);
  // Whether a key is needed. Nothing of this is checked: only open() can. Errors as for open().
  static EncryptionKind look(storage::ObjectStore& store);
  // `keys`: whichever opens a slot. kRepositoryNotFound, kNotARepository, kRepositoryTooNew,
  // kCorruptedBackup, kObjectSwapped; kKeyNeeded, kKeyRefused; kEncryptionDowngraded when a key was given and
  // none is needed.
  static std::unique_ptr<Repository> open(storage::ObjectStore& store, std::span<const KeySource> keys,
                                          std::stop_token stop);
  static std::unique_ptr<Repository> open(storage::ObjectStore& store, std::stop_token stop);
  ~Repository();

  const std::string& id() const { return id_; }  // 32 hexadecimal digits
  EncryptionKind encryption() const;
  uint32_t newest_epoch() const;  // when it was opened
  KeyManager key_manager();
  std::string describe() const;  // "directory /srv/backups"

  BackupList list_backups();
  // Whether its manifest is stored, sound or not.
  bool has_backup(const BackupId& id);
  // Whether somebody with a key removed that backup: there is his tombstone, sealed.
  bool is_forgotten(const BackupId& id);
  // The newest whose manifest is sound; empty when the newest ten are not, or there is none.
  std::optional<BackupId> newest_readable_backup();
  // kBackupNotFound, kCorruptedBackup.
  Manifest read_manifest(const BackupId& id);
  // What people type: an id, a prefix of one, "latest", or a time such as "2026-11-20T20:15:02Z", which means
  // the newest not after it. With `now`, "latest" is not one that is ahead of it (clock_ahead.h) as long as
  // there is another. kBackupNotFound; kBackupAmbiguous with the candidates in the solution.
  BackupId resolve(std::string_view text, std::optional<UtcTime> now = {});

  // Ends and throws kCancelled from its calls when `stop` is requested.
  std::unique_ptr<BackupWriter> begin_backup(const BeginBackup& options, system::Clock& clock,
                                             std::stop_token stop);
  std::unique_ptr<BackupReader> open_backup(const BackupId& id);

  // What pruning would do, and doing it: deletes what no backup needs any more. Other processes may go on
  // backing up and restoring meanwhile. kCorruptedBackup when it cannot be known what some backup needs.
  PrunePlan plan_prune(const PruneOptions& options, system::Clock& clock, EventSink& events,
                       std::stop_token stop);
  PruneResult prune(const PruneOptions& options, system::Clock& clock, EventSink& events,
                    std::stop_token stop);

  // Which backups would be forgotten, and forgetting them: a sealed note first, then the manifest goes. Their
  // data stays until prune(). kBackupNotFound, kBackupHeld, kBackupIsLast.
  ForgetPlan plan_forget(const ForgetOptions& options);
  void forget(const BackupId& id, const std::string& by, system::Clock& clock);

  // A held backup is never forgotten. hold() of a held one changes nothing and returns false; so does
  // release() of one that is not.
  bool hold(const BackupId& id, const std::string& reason, const std::string& by, system::Clock& clock);
  bool release(const BackupId& id);
  std::vector<Hold> holds();

  // Makes this process known to those who prune, as long as the object lives. Whoever reads a backup for long
  // does that first, so that it is not deleted under him.
  std::unique_ptr<Session> announce(const SessionOptions& options, system::Clock& clock);

  // Collects what is wrong instead of stopping at the first. Throws only kCancelled and what makes the
  // store unusable.
  CheckReport check(const CheckOptions& options, EventSink& events, std::stop_token stop);

  // Rebuilds the index from the packs: index_repair.h. Throws what makes the store unusable, and kCancelled.
  IndexRepairPlan plan_index_repair(EventSink& events, const std::stop_token& stop);
  IndexRepairResult repair_index(const IndexRepairPlan& plan, EventSink& events, const std::stop_token& stop);

  // What backups and repository take. Reads manifests and the index, no data.
  RepositoryStats stats(const std::stop_token& stop);
  // What one backup consists of. kBackupNotFound, kCorruptedBackup.
  ContentStats contents(const BackupId& id, const std::stop_token& stop);

 private:
  explicit Repository(std::shared_ptr<RepositoryCore> core);
  // Owned together with every BackupWriter and BackupReader opened from here.
  const std::shared_ptr<RepositoryCore> core_;
  const std::string id_;
};

}  // namespace dbb::repository
