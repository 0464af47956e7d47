#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How long a restore will take: pure arithmetic, without a clock.
namespace dbb::logical {

// What one database has on disk and in rows, as its backup recorded it; bytes.
struct DatabaseSizes {
  std::string name;
  std::string tablespace;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;    // as COPY writes them, large objects included
  uint64_t slow_values = 0;  // see BuildCost
  uint64_t heap_bytes = 0;   // of tables, without indexes
  uint64_t index_bytes = 0;
  double build_seconds = 0;  // of all indexes and keys, see BuildCost
  uint64_t tables = 0;
  uint64_t old_bytes = 0;  // of the database that is dropped at the end
  bool is_restored = true;
  bool is_proven = true;  // the rows are read again
};

enum class WorkPhase : uint8_t { kSchema, kRows, kIndexes, kStatistics, kProof, kSwap };
inline constexpr size_t kWorkPhases = 6;
// Of the words that progress shows: "rows", "proof", ...; nothing for a word it does not know.
std::optional<WorkPhase> phase_of(std::string_view shown);

// Of the machine on which the weights were measured, all its processors at work: docs/decisions/0029.
inline constexpr double kProcessorsOfRates = 2;
// Each row, and some values, take something beside these.
inline constexpr double kRowBytesPerSecond = 170e6;      // COPY FROM
inline constexpr double kIndexBytesPerSecond = 700e6;    // written, beside reading and sorting: see BuildCost
inline constexpr double kProvenBytesPerSecond = 1050e6;  // COPY TO and its fingerprint

using WorkSeconds = std::array<double, kWorkPhases>;
// What one database takes on that machine.
WorkSeconds expected_seconds(const DatabaseSizes& sizes);

// Databases at once, workers in each, and processors that share the work; 0 processors: not known.
struct Concurrency {
  int databases = 1;
  int workers = 1;
  int processors = 0;
};

// Work is weighed by phase in seconds of the machine on which the weights were measured. While it is done,
// the time each phase really takes corrects its weight: for what is left of it in any database, and, as far
// as the machine is simply faster or slower, for phases nobody has come to yet. Time during which several
// databases are at work is shared out among them, so that what they take from each other is in the measure.
// Confined to one thread.
class WorkEstimate {
 public:
  // In the order in which they are begun.
  WorkEstimate(const std::vector<DatabaseSizes>& databases, Concurrency concurrency);

  // The database is in that phase now; phases before it are done.
  void enter(size_t database, WorkPhase phase);
  // How much of that phase of the database is done: 0 to 1. Never less than before.
  void done(size_t database, WorkPhase phase, double share);
  // The same, of work that took no time of this run.
  void done_before(size_t database, WorkPhase phase, double share);
  void end(size_t database);
  // So much time went by with the databases where they are.
  void pass(double seconds);

  // How many seconds a second of that phase's weight takes, as far as it is known.
  double factor(WorkPhase phase) const;
  double share_of(size_t database, WorkPhase phase) const;
  double left_seconds() const;
  // 0 to 1, and never less than it was.
  double share_done() const;

 private:
  struct Database {
    WorkSeconds expected{};
    WorkSeconds share{};
    double unsettled = 0;  // seconds in the present phase since it last had something to show
    std::optional<WorkPhase> phase;
    bool ended = false;
  };

  double machine_factor() const;
  double left_of(const Database& database) const;
  void add_share(size_t database, WorkPhase phase, double share, bool counts);
  // Of the throughput with as many databases at once as may be, with `active` of them.
  double throughput(size_t active) const;

  std::vector<Database> databases_;
  const Concurrency concurrency_;
  WorkSeconds total_{};   // of all databases
  WorkSeconds worked_{};  // done in this run, in expected seconds
  WorkSeconds spent_{};   // real ones, of each phase
  double elapsed_ = 0;
  mutable double most_ = 0;  // share_done() so far
};

}  // namespace dbb::logical
