#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/event.h"
#include "postgres/connection.h"
#include "system/file.h"

// The server's file systems while a restore fills them.
namespace dbb::logical {

// A directory of the server's on this host.
struct WatchedPlace {
  std::string what;  // "data directory", "tablespace fast", "pg_wal"
  std::filesystem::path path;
  std::vector<std::string> tablespaces = {};  // that lie on its file system
  bool is_used = true;  // by what is restored; otherwise it matters only when it fills up meanwhile
};

// Data directory, pg_wal (which may be a link to elsewhere) and every tablespace, one for each file system,
// as far as this process may look at them. `used`: the tablespaces of the databases that are restored. Empty
// when the server is on another host or does not tell its directory.
std::vector<WatchedPlace> places_to_watch(postgres::Connection& session, const std::string& data_directory,
                                          const std::vector<std::string>& used);
// Bytes of one file of the write-ahead log.
uint64_t wal_segment_bytes(postgres::Connection& session);

// What must stay free. A server that cannot write its log stops at once, with everybody on it (PANIC), where
// a full tablespace only fails statements: so there must be room for the segment that is written, the one
// that is made ready and the one that a checkpoint needs, and for what all sessions write until a cancel has
// reached them; on a large disk, a hundredth, but no more than 1 GiB.
uint64_t reserve_bytes(const system::DiskSpace& space, uint64_t wal_segment_bytes);

// Confined to one thread.
class DiskWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Bytes that the restore has still to write into some tablespaces.
  using StillNeeded = std::function<uint64_t(const std::vector<std::string>& tablespaces)>;

  DiskWatch(std::vector<WatchedPlace> places, uint64_t wal_segment_bytes, StillNeeded still_needed);

  // Warnings to tell now: when a place is nine tenths full, or has less room than is still needed, and again
  // every twentieth further. Throws Error kDiskFull before a place is full. Places that cannot be looked at
  // any more are passed over.
  std::vector<Notice> look(TimePoint now);
  // The same for one place, with what was found there: for tests.
  std::vector<Notice> judge(size_t place, const system::DiskSpace& space, TimePoint now);

  // How long one may wait before the next look, were the places filled as fast as ever seen, and at least at
  // 1 GB a second.
  std::chrono::milliseconds next_look() const;

 private:
  struct Watched {
    WatchedPlace place;
    std::optional<uint64_t> free_at_first = {};
    uint64_t free_before = 0;
    TimePoint looked_at = {};
    double bytes_per_second = 0;  // the fastest seen
    uint64_t margin = 0;          // above the reserve
    int warned_at_percent = 0;
  };

  std::vector<Watched> watched_;
  const uint64_t wal_segment_bytes_;
  const StillNeeded still_needed_;
};

}  // namespace dbb::logical
