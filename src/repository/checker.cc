#include "repository/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/task_group.h"
#include "repository/manifest_json.h"
#include "repository/object_check.h"
#include "repository/object_names.h"
#include "repository/reference_check.h"
#include "system/machine.h"

namespace dbb::repository {
namespace {

constexpr uint64_t kProgressBytes = 1 << 20;

}  // namespace

Checker::Checker(std::shared_ptr<RepositoryCore> core, const CheckOptions& options, EventSink& events,
                 std::stop_token stop)
    : core_(std::move(core)), options_(options), events_(events), stop_(std::move(stop)) {}

CheckReport Checker::run() {
  if (stop_.stop_requested()) throw cancelled();
  look_at_manifests();  // before the index: what is stored meanwhile is then in both or in none
  index_ = core_->refresh_index();
  for (const auto& [object, problem] : core_->damaged_indexes()) findings_.add(object, problem);
  report_.index_is_wrong = !core_->damaged_indexes().empty();
  pack_sizes_ = check_objects(*core_, findings_, report_);
  look_at_packs();
  count_strays();
  look_at_backups();
  report_.findings = findings_.take();
  leave_out_pruned_packs();
  return std::move(report_);
}

void Checker::look_at_manifests() {
  for (const BackupId& id : core_->backup_ids()) {
    if (stop_.stop_requested()) throw cancelled();
    try {
      item_list_bytes_ += core_->read_manifest(id).items.bytes;
      backups_.push_back(id);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kBackupNotFound) continue;  // forgotten since it was listed
      findings_.hurt(add_damage(findings_, manifest_object(id), error), id, "");
      report_.lists_are_damaged = true;
    }
    ++report_.backups;
  }
}

void Checker::look_at_packs() {
  for (const IndexedPack& pack : index_->packs()) pack_bytes_ += pack.size_bytes;
  report_.packs = index_->packs().size();
  TaskGroup workers(stop_);
  for (int i = 0; i < system::processor_count(); ++i) {
    workers.spawn("check", [this](const std::stop_token& stop) { look_at_packs_until_none_is_left(stop); });
  }
  workers.join();
}

void Checker::look_at_packs_until_none_is_left(const std::stop_token& stop) {
  PackCheck check({.core = core_,
                   .index = index_,
                   .options = options_,
                   .findings = findings_,
                   .bad_copies = bad_copies_});
  while (true) {
    const uint32_t number = next_pack_++;
    if (number >= index_->packs().size()) break;
    const IndexedPack& pack = index_->packs()[number];
    const auto there = pack_sizes_.find(pack_name(pack.id));
    check.look_at(number, there == pack_sizes_.end() ? std::nullopt : std::optional(there->second), stop);
    const std::scoped_lock lock(mutex_);
    pack_bytes_done_ += pack.size_bytes;
    // Of a pack whose structure alone is looked at, hardly a byte is read: bytes would make a rate of
    // nothing.
    const bool bytes = options_.read_data;
    progress("packs", fmt::format("{} of {}", number + 1, index_->packs().size()),
             bytes ? pack_bytes_done_ : 0, bytes ? pack_bytes_ : 0);
  }
  const std::scoped_lock lock(mutex_);
  report_.frames += check.tally().frames;
  report_.frames_read += check.tally().frames_read;
  report_.bytes_read += check.tally().bytes_read;
}

// A prune may have deleted packs since the index was read. It takes them from the index first.
void Checker::leave_out_pruned_packs() {
  const auto may_be_pruned = [&](const CheckFinding& finding) {
    return finding.hurts.empty() && is_pack_name(finding.object) && !core_->store().size(finding.object);
  };
  if (std::ranges::none_of(report_.findings, may_be_pruned)) return;
  std::unordered_set<std::string> listed;
  for (const IndexedPack& pack : core_->refresh_index()->packs()) listed.insert(pack_name(pack.id));
  std::erase_if(report_.findings, [&](const CheckFinding& finding) {
    return may_be_pruned(finding) && !listed.contains(finding.object);
  });
}

void Checker::count_strays() {
  for (const IndexedPack& pack : index_->packs()) pack_sizes_.erase(pack_name(pack.id));
  for (const auto& [object, size_bytes] : pack_sizes_) {
    ++report_.unreferenced_packs;
    report_.unreferenced_bytes += size_bytes;
  }
}

void Checker::look_at_backups() {
  uint64_t done = 0;
  uint64_t shown = 0;
  std::string current;
  const auto on_progress = [&](uint64_t bytes) {
    done += bytes;
    if (done - shown < kProgressBytes) return;
    shown = done;
    progress("backups", current, done, item_list_bytes_);
  };
  ReferenceCheck check({.core = core_,
                        .index = index_,
                        .findings = findings_,
                        .bad_copies = bad_copies_,
                        .lengths = options_.read_data,
                        .on_progress = on_progress},
                       stop_);
  for (const BackupId& id : backups_) {
    if (stop_.stop_requested()) throw cancelled();
    current = id.text();
    progress("backups", current, done, item_list_bytes_);
    try {
      check.look_at(core_->read_manifest(id));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kBackupNotFound) throw;  // forgotten since it was listed
    }
  }
  report_.index_is_wrong = report_.index_is_wrong || check.frames_are_unlisted();
  report_.lists_are_damaged = report_.lists_are_damaged || check.lists_are_damaged();
}

void Checker::progress(const std::string& phase, const std::string& object, uint64_t done, uint64_t total) {
  events_.emit(Progress{.phase = phase, .object = object, .bytes_done = done, .bytes_total = total});
}

}  // namespace dbb::repository
