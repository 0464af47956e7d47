#include "repository/index_repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "codec/xxh3.h"
#include "repository/condemned_packs.h"
#include "repository/damage.h"
#include "repository/frame_pipeline.h"
#include "repository/index_writer.h"
#include "repository/object_check.h"
#include "repository/object_names.h"
#include "repository/pack_salvage.h"
#include "repository/reference_check.h"
#include "repository/state_object.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxReasons = 100;

// The same for the same frames in the same places.
uint64_t print_of(const PackContents& contents) { return codec::xxh3_128(encode_index({&contents, 1})).low; }

// What the index says now, as far as it can be read.
struct OldIndex {
  std::unordered_map<PackId, std::set<uint64_t>, PackId::Hash> prints;  // of each pack's contents
  std::map<std::string, std::string> damaged;
  std::vector<std::string> objects;
};

OldIndex read_old_index(RepositoryCore& core, const std::stop_token& stop) {
  OldIndex old;
  core.store().list("index/", [&](const storage::ListedObject& object) {
    if (is_index_name(object.name)) old.objects.push_back(object.name);
    return true;
  });
  std::ranges::sort(old.objects);
  for (const std::string& object : old.objects) {
    if (stop.stop_requested()) throw cancelled();
    try {
      core.visit_index_object(object, [&](const PackContents& contents) {
        old.prints[contents.pack.id].insert(print_of(contents));
      });
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      old.damaged[object] = error.cause();
    }
  }
  return old;
}

// A pack as its own ends describe it. Throws kCorruptedBackup.
PackContents read_contents_of(RepositoryCore& core, const std::string& object, uint64_t size_bytes) {
  IndexedPack pack = {.id = pack_of_name(object).value(), .size_bytes = size_bytes};
  Bytes header(kPackHeaderBytes);
  header.resize(core.store().get_range(object, 0, header).value_or(0));
  pack.epoch = decode_pack_header(header, pack.id, object);
  return contents_of(core.read_directory(pack), size_bytes);
}

class Planner {
 public:
  Planner(const std::shared_ptr<RepositoryCore>& core, EventSink& events, const std::stop_token& stop)
      : core_(core), events_(events), stop_(stop) {}

  IndexRepairPlan run() {
    for (const auto& [id, session] : OtherSessions(*core_, "").alive) {
      plan_.at_work.push_back(described(session));
    }
    // A prune found that nobody needs them, and they may vanish at any time.
    for (const Deleting& deleting : list_state<Deleting>(*core_)) {
      for (const PackId& pack : deleting.packs) deleting_.insert(pack_name(pack));
    }
    const std::vector<BackupId> backups = core_->backup_ids();  // before the packs
    old_ = read_old_index(*core_, stop_);
    plan_.old_indexes = old_.objects;
    for (const auto& [object, problem] : old_.damaged) reason(fmt::format("{}: {}", object, problem));
    read_packs();
    follow(backups);
    choose();
    plan_.losses = findings_.take();
    plan_.needed = !plan_.reasons.empty();
    return std::move(plan_);
  }

 private:
  void read_packs() {
    std::map<std::string, uint64_t> sizes;
    uint64_t total = 0;
    core_->store().list("packs/", [&](const storage::ListedObject& object) {
      const bool counts = is_pack_name(object.name) && !deleting_.contains(object.name);
      if (counts) total += sizes[object.name] = object.size_bytes;
      return true;
    });
    std::vector<std::string> broken;
    uint64_t done = 0;
    for (const auto& [object, size_bytes] : sizes) {
      if (stop_.stop_requested()) throw cancelled();
      events_.emit(Progress{.phase = "packs", .object = object, .bytes_done = done, .bytes_total = total});
      done += size_bytes;
      try {
        const PackContents contents = read_contents_of(*core_, object, size_bytes);
        prints_.push_back(print_of(contents));
        found_.add(contents);
      } catch (const Error& error) {
        if (!is_damage(error)) throw;
        plan_.broken_packs.push_back({.object = object, .problem = error.cause(), .size_bytes = size_bytes});
      }
    }
    sound_packs_ = static_cast<uint32_t>(found_.packs().size());
    // After the sound ones, so that those are preferred.
    for (BrokenPack& pack : plan_.broken_packs) salvage(pack);
    for (const auto& [id, prints] : old_.prints) {
      if (!sizes.contains(pack_name(id)) && !deleting_.contains(pack_name(id)))
        reason(fmt::format("{} is missing.", pack_name(id)));
    }
    found_.finish();
  }

  void salvage(BrokenPack& broken) {
    PackDirectory directory = {.pack = pack_of_name(broken.object).value(), .frames = {}};
    for_each_whole_frame(
        *core_, broken.object, broken.size_bytes,
        [&](const DirectoryEntry& entry, ByteView) { directory.frames.push_back(entry); }, stop_);
    broken.whole_frames = directory.frames.size();
    found_.add(contents_of(directory, broken.size_bytes));
  }

  // Which packs do backups need, and what do they miss?
  void follow(const std::vector<BackupId>& backups) {
    const auto index = std::make_shared<const FrameIndex>(found_);
    needed_.resize(index->packs().size());
    wanted_.resize(index->frame_count());
    BadCopies none;
    ReferenceCheck check({.core = core_,
                          .index = index,
                          .findings = findings_,
                          .bad_copies = none,
                          .blame_indexes = false,
                          .on_needed = [&](const IndexedFrame& copy) { need(*index, copy); }},
                         stop_);
    for (const BackupId& id : backups) {
      if (stop_.stop_requested()) throw cancelled();
      events_.emit(Progress{.phase = "backups", .object = id.text()});
      try {
        check.look_at(core_->read_manifest(id));
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kBackupNotFound) continue;
        findings_.hurt(add_damage(findings_, "backups/" + id.text(), error), id, "");
      }
    }
  }

  void need(const FrameIndex& index, const IndexedFrame& copy) {
    needed_[copy.pack] = true;
    if (copy.pack < sound_packs_) return;
    BrokenPack& broken = plan_.broken_packs[copy.pack - sound_packs_];
    const auto frames = index.frames_of(copy.pack);
    const auto frame = std::ranges::find(frames, copy.offset, &PackedFrame::offset);
    if (frame == frames.end() || wanted_[frame->number]) return;
    wanted_[frame->number] = true;
    broken.wanted_offsets.push_back(copy.offset);
    broken.wanted_bytes += copy.length;
  }

  void choose() {
    for (uint32_t number = 0; number < found_.packs().size(); ++number) {
      const IndexedPack& pack = found_.packs()[number];
      const auto listed = old_.prints.find(pack.id);
      if (number >= sound_packs_) {
        const BrokenPack& broken = plan_.broken_packs[number - sound_packs_];
        const bool matters = listed != old_.prints.end() || !broken.wanted_offsets.empty();
        if (matters) reason(fmt::format("{}: {}", broken.object, broken.problem));
        continue;
      }
      if (listed == old_.prints.end() && !needed_[number]) {
        ++plan_.packs_left_out;
        continue;
      }
      if (listed == old_.prints.end()) {
        reason(fmt::format("No index lists {}, which backups need.", pack_name(pack.id)));
      } else if (listed->second != std::set<uint64_t>{prints_[number]}) {
        reason(fmt::format("The index does not say of {} what its directory says.", pack_name(pack.id)));
      }
      ++plan_.sound_packs;
      plan_.frames += found_.frames_of(number).size();
      plan_.packs.push_back(pack);
    }
    std::erase_if(plan_.broken_packs, [](const BrokenPack& broken) { return broken.wanted_offsets.empty(); });
    for (BrokenPack& broken : plan_.broken_packs) {
      std::ranges::sort(broken.wanted_offsets);
      plan_.frames += broken.wanted_offsets.size();
    }
  }

  void reason(std::string text) {
    if (plan_.reasons.size() < kMaxReasons) plan_.reasons.push_back(std::move(text));
  }

  const std::shared_ptr<RepositoryCore>& core_;
  EventSink& events_;
  const std::stop_token& stop_;
  IndexRepairPlan plan_;
  OldIndex old_;
  std::set<std::string> deleting_;  // packs
  FrameIndex found_;                // the sound packs, then the broken ones with what is whole in them
  uint32_t sound_packs_ = 0;        // of found_
  std::vector<uint64_t> prints_;    // of the sound packs
  std::vector<bool> needed_;        // packs of found_
  std::vector<bool> wanted_;        // frames of found_ in broken packs
  FindingList findings_;
};

// Copies the wanted frames of broken packs. Their boxes are sealed for the frame, not for the pack, so they
// are good in any.
void salvage(RepositoryCore& core, const std::vector<BrokenPack>& packs, IndexWriter& index,
             IndexRepairResult& result, EventSink& events, const std::stop_token& stop) {
  FramePipeline pipeline(
      core.store(), core.keys(), core.config().writing,
      [&](PackContents contents, const std::vector<FrameOrigin>&) {
        index.add(std::move(contents));
        ++result.new_packs;
      },
      stop);
  for (const BrokenPack& broken : packs) {
    events.emit(Progress{.phase = "salvage", .object = broken.object});
    for_each_whole_frame(
        core, broken.object, broken.size_bytes,
        [&](const DirectoryEntry& entry, ByteView box) {
          if (!std::ranges::binary_search(broken.wanted_offsets, entry.offset)) return;
          pipeline.push_sealed({.id = entry.id,
                                .stream_class = entry.stream_class,
                                .chunks = entry.chunks,
                                .content = {},
                                .bitmap = entry.bitmap},
                               Bytes(box.begin(), box.end()));
          ++result.copied_frames;
        },
        stop);
  }
  pipeline.finish();
}

}  // namespace

IndexRepairPlan plan_index_repair(const std::shared_ptr<RepositoryCore>& core, EventSink& events,
                                  const std::stop_token& stop) {
  return Planner(core, events, stop).run();
}

IndexRepairResult execute_index_repair(const std::shared_ptr<RepositoryCore>& core,
                                       const IndexRepairPlan& plan, EventSink& events,
                                       const std::stop_token& stop) {
  IndexRepairResult result;
  if (!plan.needed) return result;
  IndexWriter index(*core);
  if (!plan.broken_packs.empty()) salvage(*core, plan.broken_packs, index, result, events, stop);
  uint64_t done = 0;
  for (const IndexedPack& pack : plan.packs) {
    if (stop.stop_requested()) throw cancelled();
    events.emit(Progress{.phase = "index", .object = fmt::format("{} of {}", ++done, plan.packs.size())});
    index.add(read_contents_of(*core, pack_name(pack.id), pack.size_bytes));
  }
  index.finish();
  result.new_indexes = index.objects().size();
  // The new ones say all that is true; from here on the old ones only say what is not.
  for (const std::string& object : plan.old_indexes) {
    if (core->store().remove(object)) ++result.removed_indexes;
  }
  return result;
}

}  // namespace dbb::repository
