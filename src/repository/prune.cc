#include "repository/prune.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "repository/compactor.h"
#include "repository/damage.h"
#include "repository/index_writer.h"
#include "repository/manifest_json.h"
#include "repository/object_names.h"

namespace dbb::repository {
namespace {

constexpr int64_t kTombstoneMicroseconds = int64_t{400} * 24 * 3600 * 1'000'000;
constexpr size_t kManyIndexObjects = 64;  // more than are needed; from there on they are joined

}  // namespace

Pruner::Pruner(std::shared_ptr<RepositoryCore> core, const PruneOptions& options, system::Clock& clock,
               EventSink& events, std::stop_token stop)
    : core_(std::move(core)),
      options_(options),
      clock_(clock),
      events_(events),
      stop_(std::move(stop)),
      mark_(core_, events_, stop_) {}

PruneIdentity Pruner::whoami() {
  return {.session = presence_ ? presence_->id() : std::string(), .host = options_.host, .clock = clock_};
}

PrunePlan Pruner::plan() {
  mark_.update();
  const PackSizes sizes(core_->store());
  const std::shared_ptr<const FrameIndex> newest = core_->refresh_index();
  const Choice choice = choose(sizes, *newest);
  const DuePacks due = due_packs(*core_, whoami());

  PrunePlan plan = {.backups = mark_.backups().size(),
                    .needed_bytes = choice.packs.needed_bytes,
                    .orphans = {.packs = choice.orphans.size(), .bytes = choice.orphan_bytes}};
  for (const auto& [object, bytes] : sizes.sizes()) plan.all += {.packs = 1, .bytes = bytes};
  for (const PackUse& use : choice.packs.dead) plan.dead += {.packs = 1, .bytes = use.bytes};
  for (const PackUse& use : choice.packs.rewrite) {
    plan.rewrite += {.packs = 1, .bytes = use.bytes};
    plan.rewrite_needed_bytes += use.needed_bytes;
  }
  std::set<PackId> condemned = due.packs();
  for (const Condemned& state : due.not_yet) condemned.insert(state.packs.begin(), state.packs.end());
  for (const PackId& pack : condemned) {
    if (const uint64_t bytes = sizes.size_of(pack); bytes > 0) plan.condemned += {.packs = 1, .bytes = bytes};
  }
  for (const auto& [id, session] : OtherSessions(*core_, "").alive)
    plan.waits_for.push_back(described(session));
  return plan;
}

PruneResult Pruner::run() {
  presence_.emplace(core_, SessionOptions{.operation = "prune", .host = options_.host},
                    Session::Writes::kNeeded, clock_);
  mark_.update();
  PruneResult result;
  remove_leftovers(result);
  delete_due(result);
  remove_leftovers(result);
  compact_and_condemn(result);
  delete_due(result);
  for (const Condemned& state : list_state<Condemned>(*core_)) {
    for (const PackId& pack : state.packs) {
      if (const auto bytes = core_->store().size(pack_name(pack))) {
        result.condemned += {.packs = 1, .bytes = *bytes};
      }
    }
  }
  presence_.reset();
  return result;
}

// A process that is no more.
void Pruner::bury(const SessionRecord& session, PruneResult& result) {
  if (!settle(session)) return;
  if (core_->store().remove(object_of(session))) ++result.leftovers_removed;
}

void Pruner::remove_leftovers(PruneResult& result) {
  const OtherSessions sessions(*core_, presence_->id());
  for (const SessionRecord& session : sessions.ended) bury(session, result);
  for (const std::string& object : mark_.useless_checkpoints()) {
    const bool in_use = std::ranges::any_of(sessions.alive, [&](const auto& session) {
      return !session.second.backup.empty() && object.find(session.second.backup) != std::string::npos;
    });
    if (!in_use && core_->store().remove(object)) ++result.leftovers_removed;
  }
  const std::vector<Waits> notes =
      list_state<Waits>(*core_);  // before what they are about: that was stored first
  std::set<std::string> condemned;
  for (const Condemned& state : list_state<Condemned>(*core_)) condemned.insert(state.id);
  for (const Waits& waits : notes) {
    if (!condemned.contains(waits.condemned_id) && core_->store().remove(object_of(waits)))
      ++result.leftovers_removed;
  }
  for (const Tombstone& tombstone : list_state<Tombstone>(*core_)) {
    if (clock_.now().microseconds() - tombstone.created.microseconds() < kTombstoneMicroseconds) continue;
    if (core_->store().remove(object_of(tombstone))) ++result.leftovers_removed;
  }
}

// A backup that ended between writing its manifest and the look whether all it relies on is still there: that
// look is made here in its place. False when it cannot be made: then the session stays for a later prune.
bool Pruner::settle(const SessionRecord& session) {
  if (session.operation != "backup" || session.backup.empty()) return true;
  const BackupId id = BackupId::parse(session.backup);
  if (!core_->store().size(manifest_object(id))) return true;
  if (!mark_.backups().contains(session.backup)) mark_.update();
  const auto backup = mark_.backups().find(session.backup);
  if (backup == mark_.backups().end() || !mark_.lacks_chunks(id)) return true;
  // Only what is surely gone speaks against it: a pack that no index lists may hold what is missing.
  const PackSizes sizes(core_->store());
  const bool index_may_be_wrong = sizes.sizes().size() > core_->refresh_index()->packs().size();
  const std::vector<Hold> holds = list_state<Hold>(*core_);
  if (index_may_be_wrong || std::ranges::find(holds, id, &Hold::backup) != holds.end()) return false;
  events_.emit(
      Notice{.severity = Severity::kWarning,
             .kind = "backup-withdrawn",
             .text = fmt::format("The backup {} ended before it was confirmed, and lacks data that was "
                                 "deleted meanwhile: it is withdrawn.",
                                 session.backup),
             .fields = {{"backup", session.backup}}});
  put_state(*core_, Tombstone{.backup = id, .by = options_.host, .created = clock_.now()});
  core_->store().remove(manifest_object(id));
  return true;
}

void Pruner::delete_due(PruneResult& result) {
  const DuePacks due = due_packs(*core_, whoami());
  result.waits_for = due.waits_for;
  for (const auto& [id, session] : due.silent) bury(session, result);
  const std::set<PackId> packs = due.packs();
  if (packs.empty()) {
    for (const std::string& object : due.state_objects) core_->store().remove(object);
    return;
  }

  // Announced before the manifests are read again: who commits meanwhile is either seen by that, or sees
  // this.
  const Deleting announcement = {
      .id = new_state_id(core_->keys()), .session = presence_->id(), .packs = {packs.begin(), packs.end()}};
  put_state(*core_, announcement);
  mark_.update();
  std::set<PackId> victims = packs;
  for (const PackId& pack : still_needed(packs, *core_->refresh_index())) victims.erase(pack);
  for (const Deleting& abandoned : due.abandoned) {
    // Who announced it may wake up and delete it all the same.
    for (const PackId& pack : abandoned.packs) {
      if (!victims.contains(pack)) rescue_.insert(pack);
    }
  }

  presence_->refuse_if_silent();
  write_index_without(victims);
  const PackSizes sizes(core_->store());
  uint64_t done = 0;
  for (const PackId& pack : victims) {
    events_.emit(Progress{.phase = "deleting packs",
                          .object = pack_name(pack),
                          .bytes_done = done++,
                          .bytes_total = victims.size()});
    if (stop_.stop_requested()) throw cancelled();  // what is announced stays so, for the next prune
    presence_->refuse_if_silent();
    if (!core_->store().remove(pack_name(pack))) continue;
    result.deleted += {.packs = 1, .bytes = sizes.size_of(pack)};
  }
  for (const std::string& object : due.state_objects) core_->store().remove(object);
  core_->store().remove(object_of(announcement));
  // What has to be rescued stays announced until it is.
  for (const Deleting& abandoned : due.abandoned) {
    if (rescue_.empty()) {
      core_->store().remove(object_of(abandoned));
    } else {
      abandoned_objects_.push_back(object_of(abandoned));
    }
  }
}

// Those of the packs that some backup needs, since nothing else has what is needed of them; and those of
// which that is not known.
std::set<PackId> Pruner::still_needed(const std::set<PackId>& packs, const FrameIndex& newest) {
  const PackSizes sizes(core_->store());
  std::vector<bool> counts;
  std::set<PackId> in_newest;
  for (const IndexedPack& pack : newest.packs()) {
    const bool stays = !packs.contains(pack.id) && sizes.problem_of(pack).empty();
    counts.push_back(stays);
    if (packs.contains(pack.id)) in_newest.insert(pack.id);
  }
  const NeededChunks& needed = mark_.needed();
  std::set<PackId> spared;
  std::set<PackId> in_marked;
  for (uint32_t number = 0; number < needed.index().packs().size(); ++number) {
    const PackId& pack = needed.index().packs()[number].id;
    if (!packs.contains(pack)) continue;
    in_marked.insert(pack);
    for (const PackedFrame& copy : needed.index().frames_of(number)) {
      if (needed.count(copy) == 0) continue;
      if (is_elsewhere(*core_, needed, copy, newest, [&](uint32_t other) { return counts[other]; })) continue;
      spared.insert(pack);
      break;
    }
  }
  // Indexed since the mark began: nobody looked at what is in it.
  std::ranges::set_difference(in_newest, in_marked, std::inserter(spared, spared.end()));
  return spared;
}

// New objects first, then away with those they replace: at every moment each pack that stays is listed.
void Pruner::write_index_without(const std::set<PackId>& packs) {
  std::vector<std::string> objects;
  core_->store().list("index/", [&](const storage::ListedObject& object) {
    if (is_index_name(object.name)) objects.push_back(object.name);
    return true;
  });
  const size_t full_objects = mark_.needed().index().frame_count() / IndexWriter::kFrames;
  const bool join = objects.size() > kManyIndexObjects + 2 * full_objects;
  IndexWriter writer(*core_);
  std::vector<std::string> replaced;
  for (const std::string& object : objects) {
    bool concerned = join;
    if (!concerned) {
      core_->visit_index_object(object, [&](const PackContents& contents) {
        concerned = concerned || packs.contains(contents.pack.id);
      });
    }
    if (!concerned) continue;
    const bool there = core_->visit_index_object(object, [&](const PackContents& contents) {
      if (!packs.contains(contents.pack.id)) writer.add(contents);
    });
    if (there) replaced.push_back(object);
  }
  writer.finish();
  for (const std::string& object : replaced) core_->store().remove(object);
}

// `sizes` were listed before `newest`: a pack is stored before it is listed.
Pruner::Choice Pruner::choose(const PackSizes& sizes, const FrameIndex& newest) {
  std::set<PackId> condemned;
  for (const Condemned& state : list_state<Condemned>(*core_)) {
    condemned.insert(state.packs.begin(), state.packs.end());
  }
  const auto left_alone = [&](const PackId& pack) { return condemned.contains(pack); };
  Choice choice = {
      .packs = choose_packs(*core_, mark_.needed(), sizes, left_alone, options_.max_wasted, stop_),
      .orphans = {}};
  for (const PackId& pack : orphans(sizes, newest)) {
    if (condemned.contains(pack)) continue;
    choice.orphans.push_back(pack);
    choice.orphan_bytes += sizes.sizes().at(pack_name(pack));
  }
  return choice;
}

std::vector<PackId> Pruner::orphans(const PackSizes& sizes, const FrameIndex& index) {
  // Who backs up right now has packs that no index lists yet. And where an index is missing, a pack that
  // nobody lists may be all there is of a backup.
  for (const auto& [id, session] : OtherSessions(*core_, whoami().session).alive) {
    if (session.operation != "restore" && session.operation != "check") return {};
  }
  for (const auto& [id, backup] : mark_.backups()) {
    if (backup.missing_extents > 0) return {};
  }
  std::set<std::string> listed;
  for (const IndexedPack& pack : index.packs()) listed.insert(pack_name(pack.id));
  std::vector<PackId> orphans;
  for (const auto& [object, bytes] : sizes.sizes()) {
    if (listed.contains(object)) continue;
    if (const std::optional<PackId> pack = pack_of_name(object)) orphans.push_back(*pack);
  }
  return orphans;
}

void Pruner::compact_and_condemn(PruneResult& result) {
  mark_.update();  // what was just deleted is no longer of interest
  const PackSizes sizes(core_->store());
  const std::shared_ptr<const FrameIndex> newest = core_->refresh_index();
  const Choice choice = choose(sizes, *newest);
  const NeededChunks& needed = mark_.needed();

  std::vector<uint32_t> rewrite;
  for (const PackUse& use : choice.packs.rewrite) rewrite.push_back(use.pack);
  for (uint32_t number = 0; number < needed.index().packs().size(); ++number) {
    if (!rescue_.contains(needed.index().packs()[number].id)) continue;
    if (std::ranges::find(rewrite, number) == rewrite.end()) rewrite.push_back(number);
  }
  const CompactionResult compaction = compact_packs(core_, needed, rewrite, events_, stop_);
  result.written = {.packs = compaction.written_packs, .bytes = compaction.written_bytes};

  Condemned condemned = {.id = new_state_id(core_->keys()), .packs = choice.orphans};
  const auto condemn = [&](uint32_t number) {
    const IndexedPack& pack = needed.index().packs()[number];
    condemned.packs.push_back(pack.id);
    return pack.size_bytes;
  };
  for (const PackUse& use : choice.packs.dead) condemn(use.pack);
  for (const uint32_t number : compaction.copied) {
    ++result.compacted.packs;
    result.compacted.bytes += condemn(number);
  }
  for (const uint32_t number : compaction.damaged) {
    ++result.damaged.packs;
    result.damaged.bytes += needed.index().packs()[number].size_bytes;
  }
  // With nothing to condemn, a note is worth it only to see next time who has been silent all along.
  const bool watch =
      !OtherSessions(*core_, presence_->id()).alive.empty() && list_state<Condemned>(*core_).empty();
  for (const std::string& object : abandoned_objects_) core_->store().remove(object);
  abandoned_objects_.clear();
  if (condemned.packs.empty() && !watch) return;
  put_state(*core_, condemned);
  note_whom_to_wait_for(*core_, whoami(), condemned.id);
}

}  // namespace dbb::repository
