#include "repository/checkpointer.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "repository/index_writer.h"

namespace dbb::repository {
namespace {

constexpr size_t kPacksShare = 64;       // a checkpoint is due when that part of the packs is new,
constexpr size_t kMinPacks = 2;          // but no fewer than these,
constexpr size_t kObjectParts = 10'000;  // in one object: as JSON in memory, some MiB
constexpr auto kInterval = std::chrono::minutes(5);  // or so much time has passed

}  // namespace

Checkpointer::Checkpointer(std::shared_ptr<RepositoryCore> core, system::Clock& clock, BackupId backup,
                           std::string source, std::string backup_kind)
    : core_(std::move(core)), clock_(clock), last_(clock.steady_now()) {
  next_.backup = std::move(backup);
  next_.source = std::move(source);
  next_.backup_kind = std::move(backup_kind);
}

void Checkpointer::pack_stored(PackContents contents, const std::vector<FrameOrigin>& origins) {
  packs_.push_back(contents.pack.id);
  unindexed_.push_back(std::move(contents));
  for (const FrameOrigin& origin : origins) {
    if (origin.key) parts_[{origin.key->item_key, origin.key->part}].push_back(origin.frame);
  }
  const bool many = unindexed_.size() >= std::max(kMinPacks, packs_.size() / kPacksShare);
  if (!many && clock_.steady_now() - last_ < kInterval) return;
  write_index();
  write_checkpoint();
  last_ = clock_.steady_now();
}

void Checkpointer::finish() { write_index(); }

void Checkpointer::write_index() {
  IndexWriter index(*core_);
  try {
    for (const PackContents& contents : unindexed_) index.add(contents);
    index.finish();
  } catch (...) {
    // Once an index may be there, others may refer to the packs: they stay, whatever happens.
    if (!index.objects().empty()) unindexed_.clear();
    throw;
  }
  unindexed_.clear();
  index_bytes_ += index.stored_bytes();
}

void Checkpointer::write_checkpoint() {
  if (parts_.empty()) return;
  for (auto& [key, frames] : parts_) {
    next_.parts.push_back({.key = {.item_key = key.first, .part = key.second}, .frames = std::move(frames)});
    if (next_.parts.size() == kObjectParts) put_parts();
  }
  parts_.clear();
  if (!next_.parts.empty()) put_parts();
}

void Checkpointer::put_parts() {
  put_state(*core_, next_);
  written_.push_back(object_of(next_));
  next_.parts.clear();
  ++next_.sequence;
}

void Checkpointer::remove_checkpoints() {
  for (const std::string& object : written_) core_->store().remove(object);
  written_.clear();
}

void Checkpointer::remove_unindexed_packs() {
  for (const PackContents& contents : unindexed_) {
    try {
      core_->store().remove(pack_name(contents.pack.id));
    } catch (const Error&) {
      // An unreferenced pack costs room and nothing else; pruning finds it.
    }
  }
  unindexed_.clear();
}

ResumedParts::ResumedParts(RepositoryCore& core, const std::string& source) {
  for_each_state<Checkpoint>(core, [&](const Checkpoint& checkpoint) {
    if (checkpoint.source != source) return;
    for (const Checkpoint::Part& part : checkpoint.parts) {
      std::vector<FrameId>& frames = parts_[{part.key.item_key, part.key.part}];
      frames.insert(frames.end(), part.frames.begin(), part.frames.end());
    }
  });
}

std::span<const FrameId> ResumedParts::frames_of(const StreamKey& key) const {
  const auto found = parts_.find({key.item_key, key.part});
  return found == parts_.end() ? std::span<const FrameId>() : std::span<const FrameId>(found->second);
}

}  // namespace dbb::repository
