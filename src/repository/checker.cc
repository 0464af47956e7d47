#include "repository/checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/frame_reader.h"
#include "repository/key_manager.h"
#include "repository/manifest_json.h"
#include "repository/window_reader.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxHurtItems = 100;

}  // namespace

Checker::Checker(std::shared_ptr<RepositoryCore> core, const CheckOptions& options, EventSink& events,
                 std::stop_token stop)
    : core_(std::move(core)), options_(options), events_(events), stop_(std::move(stop)) {}

CheckReport Checker::run() {
  check_stop();
  look_at_manifests();
  index_ = core_->refresh_index();
  for (const auto& [object, problem] : core_->damaged_indexes()) finding(object, problem);
  for (const auto& [object, problem] : key_problems(*core_)) finding(object, problem);
  packs_ = std::make_unique<PackSizes>(core_->store());
  for (uint32_t number = 0; number < index_->packs().size(); ++number) {
    check_stop();
    progress("packs", pack_name(index_->packs()[number].id), number, index_->packs().size());
    look_at_pack(number);
  }
  look_at_strays();
  for (size_t i = 0; i < manifests_.size(); ++i) {
    progress("backups", manifests_[i].id.text(), i, manifests_.size());
    look_at_backup(manifests_[i]);
  }
  return std::move(report_);
}

void Checker::look_at_manifests() {
  for (const BackupId& id : core_->backup_ids()) {
    check_stop();
    const std::string object = manifest_object(id);
    if (!noting_damage(object, [&] { manifests_.push_back(core_->read_manifest(id)); })) {
      hurt(finding(object, ""), id, "");
    }
    ++report_.backups;
  }
}

void Checker::look_at_pack(uint32_t number) {
  const IndexedPack& pack = index_->packs()[number];
  const std::string object = pack_name(pack.id);
  ++report_.packs;
  const std::vector<PackedFrame> frames = index_->frames_of(number);
  report_.frames += frames.size();

  const std::string problem = packs_->problem_of(pack);
  if (!problem.empty()) finding(object, problem);
  PackDirectory directory;
  const bool readable = noting_damage(object, [&] {
    Bytes header(kPackHeaderBytes);
    const std::optional<size_t> got = core_->store().get_range(object, 0, header);
    header.resize(got.value_or(0));
    directory = core_->read_directory(pack);
    const uint32_t epoch = decode_pack_header(header, pack.id, object);
    if (epoch != directory.epoch || epoch != pack.epoch)
      finding(object, "Its epoch differs from that in the index.");
  });
  // A frame can be read without its directory; that only costs comparing. So each is looked at by itself.
  const bool missing = !packs_->sizes().contains(object);
  if (missing) {
    for (const PackedFrame& frame : frames) {
      bad_copies_[{number, frame.offset}] = finding_of_object_.at(object);
    }
    return;
  }
  look_at_frames(number, frames, readable ? &directory : nullptr);
}

void Checker::look_at_frames(uint32_t number, const std::vector<PackedFrame>& frames,
                             const PackDirectory* directory) {
  const IndexedPack& pack = index_->packs()[number];
  const std::string object = pack_name(pack.id);
  const uint64_t size_bytes = packs_->sizes().at(object);
  FrameReader reader(core_, index_);
  for (const PackedFrame& frame : frames) {
    check_stop();
    const DirectoryEntry* const entry = directory == nullptr ? nullptr : directory->at_offset(frame.offset);
    const auto bad = [&](const std::string& problem) {
      finding(object, problem);
      bad_copies_[{number, frame.offset}] = finding_of_object_.at(object);
    };
    if (uint64_t{frame.offset} + frame.length > size_bytes) {
      bad(fmt::format("It ends before frame {}.", frame.short_id.hex().substr(0, 16)));
    } else if (directory != nullptr &&
               (entry == nullptr || shortened(entry->id) != frame.short_id || entry->length != frame.length ||
                entry->chunks.size() != frame.chunk_count)) {
      bad(fmt::format("Its directory and the index differ about frame {}.",
                      frame.short_id.hex().substr(0, 16)));
    } else if (options_.read_data) {
      const bool sound = noting_damage(object, [&] {
        const OpenedFrame& opened = reader.read_packed(pack, frame);
        if (entry != nullptr && opened.chunks() != entry->chunks) {
          finding(object, "Its directory lists other chunks than it holds.");
        }
      });
      if (!sound) bad_copies_[{number, frame.offset}] = finding_of_object_.at(object);
      report_.bytes_read += frame.length;
    }
  }
}

void Checker::look_at_strays() {
  std::map<std::string, bool> listed;
  for (const IndexedPack& pack : index_->packs()) listed[pack_name(pack.id)] = true;
  for (const auto& [object, size_bytes] : packs_->sizes()) {
    if (listed.contains(object)) continue;
    ++report_.unreferenced_packs;
    report_.unreferenced_bytes += size_bytes;
  }
}

void Checker::look_at_backup(const Manifest& manifest) {
  const std::string object = manifest_object(manifest.id);
  look_at_stream(manifest, "item list", manifest.items);
  try {
    RecordReader records(core_, index_, manifest.items, {.record_bytes = kMaxItemBytes, .what = "item list"});
    ByteView record;
    while (records.next(record)) {
      const Item item = decode_item(record, "item list");
      for (const StreamRef& part : item.parts) {
        look_at_stream(manifest, fmt::format("{} {}", item.kind, item.key), part);
      }
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    hurt(finding(object, fmt::format("Its list of items cannot be read: {}", error.what())), manifest.id,
         "item list");
  }
}

void Checker::look_at_stream(const Manifest& manifest, const std::string& item, const StreamRef& stream) {
  try {
    for_each_extent(core_, index_, stream, [&](const Extent& extent) {
      if (!extent.hole) look_at_extent(manifest, item, extent);
    });
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    hurt(finding(manifest_object(manifest.id), fmt::format("A recipe cannot be read: {}", error.what())),
         manifest.id, item);
  }
}

void Checker::look_at_extent(const Manifest& manifest, const std::string& item, const Extent& extent) {
  check_stop();
  const std::vector<IndexedFrame> copies = index_->copies(extent.frame);
  if (copies.empty()) {
    const std::string frame = fmt::format("frame {}", extent.frame.hex().substr(0, 16));
    hurt(finding(frame, "No index lists it."), manifest.id, item);
    return;
  }
  CheckFinding* last = nullptr;
  for (const IndexedFrame& copy : copies) {
    const auto bad = bad_copies_.find({copy.pack, copy.offset});
    if (bad == bad_copies_.end()) {
      if (extent.first_chunk + extent.chunk_count <= copy.chunk_count) return;
      last = &finding(pack_name(index_->pack_of(copy).id),
                      "A recipe wants chunks that a frame in it does not have.");
    } else {
      last = &report_.findings[bad->second];
    }
  }
  hurt(*last, manifest.id, item);
}

CheckFinding& Checker::finding(const std::string& object, const std::string& problem) {
  const auto [known, is_new] = finding_of_object_.emplace(object, report_.findings.size());
  if (is_new) report_.findings.push_back({.object = object, .problem = problem});
  return report_.findings[known->second];
}

void Checker::hurt(CheckFinding& finding, const BackupId& backup, const std::string& item) {
  if (std::ranges::find(finding.hurts, backup) == finding.hurts.end()) finding.hurts.push_back(backup);
  if (item.empty() || finding.hurt_items.size() >= kMaxHurtItems) return;
  std::string line = fmt::format("{}: {}", backup.text(), item);
  if (std::ranges::find(finding.hurt_items, line) == finding.hurt_items.end()) {
    finding.hurt_items.push_back(std::move(line));
  }
}

void Checker::progress(const std::string& phase, const std::string& object, uint64_t done, uint64_t total) {
  events_.emit(Progress{.phase = phase, .object = object, .bytes_done = done, .bytes_total = total});
}

void Checker::check_stop() const {
  if (stop_.stop_requested()) throw cancelled();
}

template <typename Step>
bool Checker::noting_damage(const std::string& object, const Step& step) {
  try {
    step();
    return true;
  } catch (const Error& error) {
    if (!is_damage(error) && error.code() != ErrorCode::kRepositoryTooNew) throw;
    finding(object, error.cause().empty() ? error.message() : error.cause());
    return false;
  }
}

}  // namespace dbb::repository
