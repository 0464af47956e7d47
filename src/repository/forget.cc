#include "repository/forget.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "repository/clock_ahead.h"

namespace dbb::repository {
namespace {

std::string group_of(const Manifest& manifest) {
  return manifest.subject.empty() ? manifest.kind : fmt::format("{} {}", manifest.kind, manifest.subject);
}

Error held(const Hold& hold) {
  return Error(ErrorCode::kBackupHeld,
               {.message = fmt::format("The backup {} is held.", hold.backup.text()),
                .cause = fmt::format("By {}, since {}: {}", hold.by, hold.created.iso(), hold.reason),
                .solution = {fmt::format("Release it first: dbbackup release {}", hold.backup.text())}});
}

Error is_last(const Manifest& manifest) {
  return Error(ErrorCode::kBackupIsLast,
               {.message = fmt::format("The backup {} is the newest complete one of its kind and source.",
                                       manifest.id.text()),
                .cause = fmt::format("Without it there would be no good backup ({}) of {}.",
                                     group_of(manifest), manifest.source),
                .solution = {"Make a new backup first.",
                             fmt::format("If nobody needs its data any more: dbbackup forget --last-too {}",
                                         manifest.id.text())}});
}

}  // namespace

std::vector<BackupId> ForgetPlan::to_forget() const {
  std::vector<BackupId> ids;
  for (const Entry& entry : entries) {
    if (entry.forget) ids.push_back(entry.id);
  }
  return ids;
}

ForgetPlan plan_forget(const std::vector<Manifest>& newest_first, const std::vector<BackupId>& unreadable,
                       const std::vector<Hold>& holds, const ForgetOptions& options) {
  const auto named = [&](const BackupId& id) {
    return std::ranges::find(options.backups, id) != options.backups.end();
  };
  const auto hold_of = [&](const BackupId& id) { return std::ranges::find(holds, id, &Hold::backup); };

  const auto ahead = [&](const Manifest& manifest) {
    return options.now && is_ahead(manifest.id, *options.now);
  };

  using Group = std::pair<std::string, std::string>;  // source, and what of it
  std::set<Group> timely;  // groups with a complete backup that is not ahead: their others count for nothing
  for (const Manifest& manifest : newest_first) {
    if (manifest.complete && !ahead(manifest)) timely.insert({manifest.source, group_of(manifest)});
  }
  ForgetPlan plan;
  std::map<Group, uint32_t> complete_seen;
  for (const Manifest& manifest : newest_first) {
    const Group group(manifest.source, group_of(manifest));
    uint32_t& seen = complete_seen[group];
    const bool counts = manifest.complete && !(ahead(manifest) && timely.contains(group));
    const bool is_newest = counts && seen == 0;
    const bool over = options.keep_last && seen >= *options.keep_last;  // so many newer complete ones stay
    if (counts) ++seen;
    const auto hold = hold_of(manifest.id);
    ForgetPlan::Entry entry = {.id = manifest.id, .group = group_of(manifest), .forget = false, .reason = {}};
    if (named(manifest.id)) {
      if (hold != holds.end()) throw held(*hold);
      if (is_newest && !options.last_too) throw is_last(manifest);
      entry.forget = true;
      entry.reason = "named";
    } else if (!options.keep_last) {
      entry.reason = "not named";
    } else if (hold != holds.end()) {
      entry.reason = fmt::format("held by {}: {}", hold->by, hold->reason);
    } else if (ahead(manifest)) {
      entry.reason = "its time is ahead of this host's clock: it goes only by name";
    } else if (is_newest && !options.last_too) {
      entry.reason = "newest complete one";
    } else if (over) {
      entry.forget = true;
      entry.reason = fmt::format("{} newer complete ones stay", *options.keep_last);
    } else {
      entry.reason = fmt::format("among the last {}", *options.keep_last);
    }
    plan.entries.push_back(std::move(entry));
  }
  for (const BackupId& id : unreadable) {
    if (const auto hold = hold_of(id); named(id) && hold != holds.end()) throw held(*hold);
    plan.entries.push_back(
        {.id = id,
         .group = {},
         .forget = named(id),
         .reason = named(id) ? "named; its manifest cannot be read" : "its manifest cannot be read"});
  }
  for (const BackupId& id : options.backups) {
    if (std::ranges::find(plan.entries, id, &ForgetPlan::Entry::id) == plan.entries.end()) {
      throw Error(ErrorCode::kBackupNotFound, {.message = fmt::format("There is no backup {}.", id.text()),
                                               .solution = {"See what there is: dbbackup list"}});
    }
  }
  std::ranges::sort(plan.entries, std::greater<>(), &ForgetPlan::Entry::id);
  return plan;
}

}  // namespace dbb::repository
