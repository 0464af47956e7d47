#include "logical/disk_watch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/units.h"

namespace dbb::logical {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSegmentsKept = 3;
constexpr uint64_t kUntilCancelled = 64 * kMiB;
constexpr uint64_t kMostOfAHundredth = 1024 * kMiB;
constexpr int kFullPercent = 90;
constexpr int kWarnAgainAfter = 5;    // percent
constexpr double kFastestDisk = 1e9;  // bytes a second
constexpr double kLooksUntilFull = 4;
constexpr milliseconds kOften{10};
constexpr milliseconds kSeldom{500};

int used_percent(const system::DiskSpace& space) {
  if (space.total_bytes == 0) return 100;
  return static_cast<int>(100 - space.available_bytes * 100 / space.total_bytes);
}

}  // namespace

uint64_t wal_segment_bytes(postgres::Connection& session) {
  return static_cast<uint64_t>(
      session.execute("SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))")
          .integer(0, 0));
}

std::vector<WatchedPlace> places_to_watch(postgres::Connection& session, const std::string& data_directory,
                                          const std::vector<std::string>& used) {
  std::vector<WatchedPlace> places;
  if (data_directory.empty()) return places;
  std::map<uint64_t, size_t> by_device;
  const auto add = [&](std::string what, const std::filesystem::path& path, const std::string& tablespace,
                       bool is_used) {
    const std::optional<system::DiskSpace> space = system::disk_space(path);
    if (!space) return;
    const auto [place, is_new] = by_device.try_emplace(space->device, places.size());
    if (is_new) places.push_back({.what = std::move(what), .path = path, .is_used = is_used});
    WatchedPlace& there = places[place->second];
    if (!tablespace.empty()) there.tablespaces.push_back(tablespace);
    there.is_used |= is_used;
  };
  add("the data directory", data_directory, "", true);
  add("pg_wal", std::filesystem::path(data_directory) / "pg_wal", "", true);
  const postgres::Result tablespaces = session.execute(
      "SELECT spcname, pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace ORDER BY "
      "spcname");
  for (int row = 0; row < tablespaces.rows(); ++row) {
    const std::string name = tablespaces.string(row, 0);
    const bool is_elsewhere = !tablespaces.text(row, 1).empty() && tablespaces.text(row, 1).starts_with("/");
    add(fmt::format("tablespace {}", name), is_elsewhere ? tablespaces.string(row, 1) : data_directory, name,
        std::ranges::find(used, name) != used.end());
  }
  return places;
}

uint64_t reserve_bytes(const system::DiskSpace& space, uint64_t wal_segment_bytes) {
  return std::max(kSegmentsKept * wal_segment_bytes + kUntilCancelled,
                  std::min(space.total_bytes / 100, kMostOfAHundredth));
}

DiskWatch::DiskWatch(std::vector<WatchedPlace> places, uint64_t wal_segment_bytes, StillNeeded still_needed)
    : wal_segment_bytes_(wal_segment_bytes), still_needed_(std::move(still_needed)) {
  for (WatchedPlace& place : places) watched_.push_back({.place = std::move(place)});
}

std::vector<Notice> DiskWatch::look(TimePoint now) {
  std::vector<Notice> notices;
  for (size_t i = 0; i < watched_.size(); ++i) {
    const std::optional<system::DiskSpace> space = system::disk_space(watched_[i].place.path);
    if (!space) continue;
    for (Notice& notice : judge(i, *space, now)) notices.push_back(std::move(notice));
  }
  return notices;
}

std::vector<Notice> DiskWatch::judge(size_t place, const system::DiskSpace& space, TimePoint now) {
  Watched& watched = watched_.at(place);
  const uint64_t free = space.available_bytes;
  if (!watched.free_at_first) {
    watched.free_at_first = free;
  } else if (const std::chrono::duration<double> time = now - watched.looked_at;
             free < watched.free_before && time.count() > 0) {
    watched.bytes_per_second =
        std::max(watched.bytes_per_second, static_cast<double>(watched.free_before - free) / time.count());
  }
  watched.free_before = free;
  watched.looked_at = now;

  const uint64_t reserve = reserve_bytes(space, wal_segment_bytes_);
  const uint64_t needed = still_needed_(watched.place.tablespaces);
  watched.margin = free - std::min(free, reserve);
  const bool matters = watched.place.is_used || free < *watched.free_at_first;
  if (!matters) return {};
  const std::string arithmetic = fmt::format(
      "{} free of {} at {} ({}), {} of it in reserve for the server; about {} are still to be written",
      format_bytes(free), format_bytes(space.total_bytes), watched.place.path.string(), watched.place.what,
      format_bytes(reserve), format_bytes(needed));
  if (free <= reserve) {
    throw Error(
        ErrorCode::kDiskFull,
        {.message = "The server's disk is nearly full; the restore was stopped before it is.",
         .cause = fmt::format("There are {}.", arithmetic),
         .solution = {
             fmt::format("Free {} there, or add space: df -h {}", format_bytes(reserve + needed - free),
                         watched.place.path.string()),
             "Kept old databases take space: dbbackup cleanup --kept",
             "Replication slots that nobody reads hold the server's log back: SELECT slot_name, active, "
             "restart_lsn FROM pg_replication_slots;",
             "Then run the restore again; with several databases at once, with --parallel-dbs 1."}});
  }
  const int percent = used_percent(space);
  const bool is_tight = free < reserve + needed;
  if (!(percent >= kFullPercent || is_tight)) return {};
  if (watched.warned_at_percent > 0 && percent < watched.warned_at_percent + kWarnAgainAfter) return {};
  watched.warned_at_percent = std::max(percent, 1);
  return {{.severity = Severity::kWarning,
           .kind = "disk-space",
           .text = fmt::format("Disk space: {}% used ({} free) - may fail if restore needs > {}: {}", percent,
                               format_bytes(free), format_bytes(watched.margin), arithmetic),
           .fields = {{"path", watched.place.path.string()},
                      {"used_percent", std::to_string(percent)},
                      {"free_bytes", std::to_string(free)},
                      {"total_bytes", std::to_string(space.total_bytes)},
                      {"reserve_bytes", std::to_string(reserve)},
                      {"needed_bytes", std::to_string(needed)}}}};
}

milliseconds DiskWatch::next_look() const {
  milliseconds next = kSeldom;
  for (const Watched& watched : watched_) {
    const double seconds = static_cast<double>(watched.margin) /
                           std::max(watched.bytes_per_second, kFastestDisk) / kLooksUntilFull;
    const double bounded = std::min(seconds * 1000, static_cast<double>(kSeldom.count()));
    next = std::min(next, milliseconds(static_cast<int64_t>(bounded)));
  }
  return std::max(next, kOften);
}

}  // namespace dbb::logical
