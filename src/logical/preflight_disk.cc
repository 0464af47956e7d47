#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.h"
#include "logical/names.h"
#include "logical/preflight_parts.h"

namespace dbb::logical {
namespace {

// What one place on disk must take at the worst moment: new databases beside the old ones that are not
// dropped yet.
struct Growth {
  int64_t now = 0;
  int64_t peak = 0;

  void add(uint64_t bytes) {
    now += static_cast<int64_t>(bytes);
    peak = std::max(peak, now);
  }
  void remove(uint64_t bytes) { now -= static_cast<int64_t>(bytes); }
};

// What the tablespaces on one file system need together.
struct Need {
  uint64_t bytes = 0;
  std::string tablespaces;
};

bool is_wal_kept(const RestoreFacts& facts) {
  return !facts.wal.archiver_problem.empty() || !facts.wal.held_by.empty();
}

uint64_t all_row_bytes(const PreflightInput& in) {
  uint64_t bytes = 0;
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord&) { bytes += plan.row_bytes; });
  return bytes;
}

// WAL is recycled at max_wal_size, unless somebody still wants it: then it is about as much as the rows.
uint64_t wal_bytes(const PreflightInput& in) {
  return in.facts.wal.maximum_bytes + (is_wal_kept(in.facts) ? all_row_bytes(in) : 0);
}

PreflightLine disk_line(const DiskPlace& place, uint64_t need, const std::string& sum) {
  PreflightLine line{.check = fmt::format("disk: {}", place.tablespace)};
  if (!place.space) {
    line.verdict = need > 0 ? Verdict::kWarning : Verdict::kOk;
    line.finding = fmt::format("{} needed ({}), free space unknown, remote", format_bytes(need), sum);
    if (need > 0) line.remedy = "See on the target that so much is free.";
    return line;
  }
  line.finding = fmt::format("{} needed ({}), {} free of {} at {}", format_bytes(need), sum,
                             format_bytes(place.space->available_bytes),
                             format_bytes(place.space->total_bytes), place.path);
  if (need > place.space->available_bytes) {
    line.verdict = Verdict::kRefused;
    line.remedy =
        fmt::format("Free {} there; or drop what is replaced first, if you can do without it until the end.",
                    format_bytes(need - place.space->available_bytes));
  }
  return line;
}

// Tablespaces that share a file system share its free space: each alone may fit, and all of them not.
void judge_shared(const std::map<uint64_t, Need>& needs, const std::vector<DiskPlace>& places,
                  std::vector<PreflightLine>& lines) {
  for (const auto& [file_system, need] : needs) {
    if (file_system == 0 || need.tablespaces.find(',') == std::string::npos) continue;
    const auto place = std::ranges::find(places, file_system, &DiskPlace::file_system);
    if (place == places.end() || !place->space || need.bytes <= place->space->available_bytes) continue;
    DiskPlace together = *place;
    together.tablespace = need.tablespaces;
    lines.push_back(disk_line(together, need.bytes, "they share one file system"));
  }
}

}  // namespace

void judge_disk(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  std::map<std::string, Growth> growth;
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord& record) {
    const TargetDatabase* old = in.facts.find(plan.name);
    if (plan.drop_first && old != nullptr) {
      growth[old->properties.tablespace].remove(old->properties.size_bytes);
    }
    const uint64_t bytes = std::max(plan.size_bytes, plan.row_bytes);
    growth[record.properties.tablespace].add(bytes - std::min(bytes, plan.present_bytes));
    if (!plan.drop_first && plan.action == DatabaseAction::kSwap && plan.drop_old && old != nullptr) {
      growth[old->properties.tablespace].remove(old->properties.size_bytes);
    }
  });
  std::map<uint64_t, Need> needs;
  for (const DiskPlace& place : in.facts.places) {
    const auto databases = static_cast<uint64_t>(growth[place.tablespace].peak);
    const bool holds_wal = place.tablespace == "pg_default";
    if (databases == 0 && !holds_wal) continue;
    std::string sum =
        fmt::format("new {} old: {}", in.options.in_place ? "instead of" : "beside", format_bytes(databases));
    const uint64_t wal = holds_wal ? wal_bytes(in) : 0;
    if (holds_wal) sum += fmt::format(" + WAL: {}", format_bytes(wal));
    lines.push_back(disk_line(place, databases + wal, sum));
    Need& need = needs[place.file_system];
    need.bytes += databases + wal;
    need.tablespaces += (need.tablespaces.empty() ? "" : ", ") + place.tablespace;
  }
  judge_shared(needs, in.facts.places, lines);
  for (const TablespaceToCreate& created : in.facts.globals.tablespaces) {
    const auto need = static_cast<uint64_t>(growth[created.name].peak);
    if (need == 0) continue;
    const DiskPlace place{.tablespace = created.name, .path = created.location};
    lines.push_back(disk_line(place, need, "in a tablespace that will be created"));
  }
  const std::optional<uint64_t> limit = in.facts.limits.temp_file_bytes;
  if (limit && all_row_bytes(in) > *limit) {
    lines.push_back(
        {Verdict::kWarning, "temporary files",
         fmt::format("temp_file_limit is {}: building an index on more than that fails",
                     format_bytes(*limit)),
         fmt::format("As a superuser: ALTER ROLE {} SET temp_file_limit = -1;", in.facts.server.role)});
  }
}

void judge_wal(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  const WalFacts& wal = in.facts.wal;
  if (wal.waits_for_standby) {
    lines.push_back({Verdict::kRefused, "wal",
                     "synchronous_standby_names is set and no synchronous standby is connected: every commit "
                     "would wait for ever",
                     "Start the standby; or take it out of synchronous_standby_names and reload."});
    return;
  }
  const std::string kept =
      fmt::format("what the restore writes, about {}, stays in pg_wal", format_bytes(all_row_bytes(in)));
  if (!wal.archiver_problem.empty()) {
    lines.push_back({Verdict::kWarning, "wal", fmt::format("{}: {}", wal.archiver_problem, kept),
                     "Mend archive_command; the server's log says why it fails. It is counted in the disk "
                     "space needed."});
  }
  if (!wal.held_by.empty()) {
    lines.push_back({Verdict::kWarning, "wal",
                     fmt::format("nobody reads from replication slot {}: {}", join_names(wal.held_by), kept),
                     "Start its reader, or SELECT pg_drop_replication_slot(...). It is counted in the disk "
                     "space needed."});
  }
  if (is_wal_kept(in.facts)) return;
  lines.push_back(
      {Verdict::kOk, "wal",
       fmt::format("recycled at max_wal_size, {}; nothing holds it back", format_bytes(wal.maximum_bytes))});
}

// A server cuts longer names without a word, and two that are cut alike are one.
void judge_names(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  std::map<std::string, std::string> users;  // by name: what it is for
  bool fine = true;
  size_t longest = 0;
  const auto take = [&](const std::string& name, const std::string& purpose) {
    longest = std::max(longest, name.size());
    if (name.size() > kMaximumNameBytes) {
      fine = false;
      lines.push_back({Verdict::kRefused, "names",
                       fmt::format("\"{}\" has {} bytes, and a name has at most {}", name, name.size(),
                                   kMaximumNameBytes),
                       "Restore that database alone, under another name: --as"});
    }
    const auto [other, is_new] = users.emplace(name, purpose);
    if (is_new) return;
    fine = false;
    lines.push_back({Verdict::kRefused, "names",
                     fmt::format("\"{}\" is wanted for {} and for {}", name, other->second, purpose),
                     "Restore them one by one, one of them under another name: --as"});
  };
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord&) {
    take(plan.name, fmt::format("database {}", plan.source));
    if (!plan.staging_name.empty()) take(plan.staging_name, fmt::format("building {}", plan.name));
    if (plan.kept_name) take(*plan.kept_name, fmt::format("the old {}", plan.name));
  });
  if (!fine) return;
  lines.push_back(
      {Verdict::kOk, "names",
       fmt::format("no two are the same; the longest has {} of {} bytes", longest, kMaximumNameBytes)});
}

void judge_subscriptions(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  if (!in.options.rules.subscriptions) return;
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord&) {
    const auto schema = in.facts.schemas.find(plan.source);
    if (schema == in.facts.schemas.end() || schema->second.subscriptions.empty()) return;
    const std::vector<std::string> names(schema->second.subscriptions.begin(),
                                         schema->second.subscriptions.end());
    lines.push_back({Verdict::kWarning, fmt::format("subscriptions: {}", plan.source),
                     fmt::format("in the backup: {}", join_names(names)),
                     "They are restored disabled and without a slot. Afterwards, where the publisher has no "
                     "other subscriber in their place: ALTER SUBSCRIPTION ... ENABLE"});
  });
}

}  // namespace dbb::logical
