#include "repository/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/error.h"
#include "repository/backup_session.h"
#include "repository/checker.h"
#include "repository/clock_ahead.h"
#include "repository/config.h"
#include "repository/core.h"
#include "repository/damage.h"
#include "repository/manifest_json.h"
#include "repository/prune.h"
#include "repository/session.h"
#include "repository/stats_reader.h"
#include "system/random.h"

namespace dbb::repository {
namespace {

template <typename Id>
Id random_id() {
  const Bytes bytes = system::random_bytes(sizeof(Id));
  Id id;
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&id));
  return id;
}

// The name of some object of ours, if there is one: remains, when there is no config.
std::string any_object(storage::ObjectStore& store) {
  std::string found;
  for (const std::string_view prefix : {"backups/", "packs/", "index/", "keys/"}) {
    store.list(prefix, [&](const storage::ListedObject& object) {
      found = object.name;
      return false;
    });
    if (!found.empty()) break;
  }
  return found;
}

Error config_is_gone(const storage::ObjectStore& store, const std::string& remains) {
  if (remains.starts_with("keys/")) {  // the last place where any_object() looks
    return Error(
        ErrorCode::kNotARepository,
        {.message = fmt::format("There is only the beginning of a repository in {}.", store.describe()),
         .cause = fmt::format("There is {}, but neither `config` nor data: an init did not come to its end.",
                              remains),
         .solution = {"Nothing was saved there yet. Remove the folder `keys` in it.",
                      "Then make the repository: dbbackup init"}});
  }
  return Error(
      ErrorCode::kNotARepository,
      {.message = fmt::format("The repository in {} has lost its object `config`.", store.describe()),
       .cause = fmt::format("There is {}, for instance, but without `config` it cannot be read.", remains),
       .solution = {"Copy `config` back from a copy of the repository.",
                    "Or move what is there away, and make a new repository: dbbackup init"}});
}

[[noreturn]] void throw_no_config(storage::ObjectStore& store) {
  if (const std::string remains = any_object(store); !remains.empty()) throw config_is_gone(store, remains);
  bool empty = true;
  store.list("", [&](const storage::ListedObject&) { return empty = false; });
  if (!empty) {
    throw Error(ErrorCode::kNotARepository,
                {.message = fmt::format("There is no repository of dbbackup in {}.", store.describe()),
                 .cause = "Other files are there, but no `config`.",
                 .solution = {"Look at the path or name of the repository: is it the one you meant?",
                              "Make a repository in an empty place: dbbackup init --repository PATH"}});
  }
  throw Error(
      ErrorCode::kRepositoryNotFound,
      {.message = fmt::format("There is no repository in {}.", store.describe()),
       .solution = {
           "Make one: dbbackup init --repository PATH",
           "Or name the one you have: --repository, DBBACKUP_REPOSITORY, or the configuration file"}});
}

Error ambiguous(std::string_view text, const std::vector<BackupId>& candidates) {
  constexpr size_t kShown = 10;
  std::vector<std::string> solution = {"Type more of the id of the one you mean:"};
  for (const BackupId& id : candidates) {
    if (solution.size() > kShown) {
      solution.push_back(fmt::format("... and {} more", candidates.size() - kShown));
      break;
    }
    solution.push_back(id.text());
  }
  return Error(ErrorCode::kBackupAmbiguous,
               {.message = fmt::format("{} backups begin with \"{}\".", candidates.size(), text),
                .solution = solution});
}

Error not_found(std::string_view text, const storage::ObjectStore& store, std::string cause) {
  return Error(ErrorCode::kBackupNotFound,
               {.message = fmt::format("There is no backup \"{}\" in {}.", text, store.describe()),
                .cause = std::move(cause),
                .solution = {"See what there is: dbbackup list"}});
}

}  // namespace

void Repository::init(storage::ObjectStore& store, const InitOptions& options, system::Clock& clock) {
  check_write_settings(options.writing);
  const auto exists = [&] {
    return Error(ErrorCode::kRepositoryExists,
                 {.message = fmt::format("There is a repository in {} already.", store.describe()),
                  .solution = {"Use it: dbbackup backup cluster", "Or make another one in another place."}});
  };
  if (store.size(kConfigObject)) throw exists();
  if (const std::string remains = any_object(store); !remains.empty()) throw config_is_gone(store, remains);

  const bool encrypted = !options.keys.empty();
  Config config = {.repository_id = random_id<RepositoryId>(),
                   .created = clock.now(),
                   .writing = options.writing,
                   .encryption = encrypted ? EncryptionKind::kSlots : EncryptionKind::kNone,
                   .master_key = random_id<codec::Key>()};
  const KeyRing keys(config.master_key, config.repository_id);
  const codec::Key data_key = make_data_key(config.master_key, config.repository_id, 1);
  const std::string epoch = encode_epoch(keys, 1, data_key, clock.now());
  // The config last: before it, there is no repository.
  if (store.put(epoch_object(1), as_bytes(epoch)) == storage::PutResult::kNameTaken) throw exists();
  for (const NewKey& key : options.keys) put_key_slot(store, key, config.master_key, keys, clock.now());
  const std::string text = encode_config(config);
  codec::wipe(config.master_key);
  if (store.put(kConfigObject, as_bytes(text)) == storage::PutResult::kNameTaken) throw exists();
}

EncryptionKind Repository::look(storage::ObjectStore& store) {
  const std::optional<Bytes> text = store.get(kConfigObject, kMaxJsonBytes);
  if (!text) throw_no_config(store);
  return decode_config_head(*text, store.describe()).encryption;
}

std::unique_ptr<Repository> Repository::open(storage::ObjectStore& store, std::span<const KeySource> keys,
                                             std::stop_token stop) {
  if (stop.stop_requested()) throw cancelled();
  const std::optional<Bytes> text = store.get(kConfigObject, kMaxJsonBytes);
  if (!text) throw_no_config(store);
  return std::unique_ptr<Repository>(
      new Repository(std::make_shared<RepositoryCore>(store, unlock(store, *text, keys))));
}

std::unique_ptr<Repository> Repository::open(storage::ObjectStore& store, std::stop_token stop) {
  return open(store, {}, std::move(stop));
}

Repository::Repository(std::shared_ptr<RepositoryCore> core)
    : core_(std::move(core)), id_(core_->config().repository_id.hex()) {}
Repository::~Repository() = default;

std::string Repository::describe() const { return core_->store().describe(); }

EncryptionKind Repository::encryption() const { return core_->config().encryption; }

uint32_t Repository::newest_epoch() const { return core_->keys().newest_epoch(); }

KeyManager Repository::key_manager() { return KeyManager(core_); }

BackupList Repository::list_backups() {
  BackupList list;
  for (const BackupId& id : core_->backup_ids()) {
    try {
      list.backups.push_back(core_->read_manifest(id));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kBackupNotFound) continue;  // deleted since it was listed
      if (!is_damage(error) && error.code() != ErrorCode::kRepositoryTooNew) throw;
      list.damaged.push_back({.object = manifest_object(id), .problem = error.cause()});
    }
  }
  return list;
}

bool Repository::has_backup(const BackupId& id) {
  return core_->store().size(manifest_object(id)).has_value();
}

bool Repository::is_forgotten(const BackupId& id) {
  const std::string object = "state/forgotten/" + id.text();
  try {
    const std::optional<Bytes> box = core_->store().get(object, max_box_bytes(BoxKind::kState));
    if (!box) return false;
    BoxOpener(core_->keys()).open(BoxKind::kState, box_name_of_object(object), *box, object);
    return true;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    return false;
  }
}

std::optional<BackupId> Repository::newest_readable_backup() {
  constexpr size_t kTried = 10;
  for (const BackupId& id : core_->backup_ids() | std::views::take(kTried)) {
    try {
      core_->read_manifest(id);
      return id;
    } catch (const Error& error) {
      if (!is_damage(error) && error.code() != ErrorCode::kBackupNotFound &&
          error.code() != ErrorCode::kRepositoryTooNew)
        throw;
    }
  }
  return std::nullopt;
}

Manifest Repository::read_manifest(const BackupId& id) { return core_->read_manifest(id); }

BackupId Repository::resolve(std::string_view text, std::optional<UtcTime> now) {
  const std::vector<BackupId> ids = core_->backup_ids();
  if (text == "latest") {
    if (ids.empty()) throw not_found(text, core_->store(), "The repository is empty.");
    return now ? *newest_that_counts(ids, *now) : ids.front();
  }
  if (text.find('-') == 4) {  // 2026-11-20T...: ids have their first dash at 16
    const std::string time = UtcTime::parse(text).compact();
    // By the second in which the backup began, which is what its id says.
    const auto newest = std::ranges::find_if(
        ids, [&](const BackupId& id) { return std::string_view(id.text()).substr(0, time.size()) <= time; });
    if (newest == ids.end()) throw not_found(text, core_->store(), "Every backup is younger.");
    return *newest;
  }
  std::vector<BackupId> candidates;
  std::ranges::copy_if(ids, std::back_inserter(candidates),
                       [&](const BackupId& id) { return !text.empty() && id.text().starts_with(text); });
  if (candidates.empty()) throw not_found(text, core_->store(), "No id begins like that.");
  if (candidates.size() > 1) throw ambiguous(text, candidates);
  return candidates.front();
}

std::unique_ptr<BackupWriter> Repository::begin_backup(const BeginBackup& options, system::Clock& clock,
                                                       std::stop_token stop) {
  if (stop.stop_requested()) throw cancelled();
  return std::make_unique<BackupWriter>(
      std::make_unique<BackupSession>(core_, options, clock, std::move(stop)));
}

std::unique_ptr<BackupReader> Repository::open_backup(const BackupId& id) {
  Manifest manifest = core_->read_manifest(id);  // before the index: DESIGN section 5, order of writing
  return std::make_unique<BackupReader>(core_, core_->refresh_index(), std::move(manifest));
}

CheckReport Repository::check(const CheckOptions& options, EventSink& events, std::stop_token stop) {
  return Checker(core_, options, events, std::move(stop)).run();
}

PrunePlan Repository::plan_prune(const PruneOptions& options, system::Clock& clock, EventSink& events,
                                 std::stop_token stop) {
  return Pruner(core_, options, clock, events, std::move(stop)).plan();
}

PruneResult Repository::prune(const PruneOptions& options, system::Clock& clock, EventSink& events,
                              std::stop_token stop) {
  return Pruner(core_, options, clock, events, std::move(stop)).run();
}

ForgetPlan Repository::plan_forget(const ForgetOptions& options) {
  const BackupList list = list_backups();
  std::vector<BackupId> unreadable;
  for (const DamagedManifest& damaged : list.damaged) {
    unreadable.push_back(
        BackupId::parse(std::string_view(damaged.object).substr(damaged.object.find('/') + 1)));
  }
  return repository::plan_forget(list.backups, unreadable, holds(), options);
}

void Repository::forget(const BackupId& id, const std::string& by, system::Clock& clock) {
  const Tombstone tombstone = {.backup = id, .by = by, .created = clock.now()};
  // There may be one, of an attempt that was killed.
  const bool noted = core_->store().size(object_of(tombstone)).has_value();
  try {
    if (!noted) put_state(*core_, tombstone);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDiskFull) throw;
    // Who forgets to make room has none: the manifest gives its place to the note.
    core_->store().remove(manifest_object(id));
    put_state(*core_, tombstone);
  }
  core_->store().remove(manifest_object(id));
}

bool Repository::hold(const BackupId& id, const std::string& reason, const std::string& by,
                      system::Clock& clock) {
  const Hold hold = {.backup = id, .reason = reason, .by = by, .created = clock.now()};
  if (core_->store().size(object_of(hold))) return false;
  put_state(*core_, hold);
  return true;
}

bool Repository::release(const BackupId& id) {
  return core_->store().remove(object_of(Hold{.backup = id, .reason = {}, .by = {}, .created = {}}));
}

std::vector<Hold> Repository::holds() { return list_state<Hold>(*core_); }

std::unique_ptr<Session> Repository::announce(const SessionOptions& options, system::Clock& clock) {
  return std::make_unique<Session>(core_, options, Session::Writes::kIfPossible, clock);
}

IndexRepairPlan Repository::plan_index_repair(EventSink& events, const std::stop_token& stop) {
  return repository::plan_index_repair(core_, events, stop);
}

IndexRepairResult Repository::repair_index(const IndexRepairPlan& plan, EventSink& events,
                                           const std::stop_token& stop) {
  return execute_index_repair(core_, plan, events, stop);
}

RepositoryStats Repository::stats(const std::stop_token& stop) { return read_stats(core_, stop); }

ContentStats Repository::contents(const BackupId& id, const std::stop_token& stop) {
  return read_contents(core_, id, stop);
}

}  // namespace dbb::repository
