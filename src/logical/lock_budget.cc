#include "logical/lock_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/units.h"

namespace dbb::logical {
namespace {

// Besides the statements, every session holds a few locks of its own: database, catalogs while it starts, its
// transaction.
constexpr int64_t kPerSession = 8;

int64_t need_of(const std::vector<uint64_t>& hungriest, int sessions) {
  int64_t need = kPerSession * sessions;
  for (int i = 0; i < sessions && !hungriest.empty(); ++i) {
    need += static_cast<int64_t>(i < std::ssize(hungriest) ? hungriest[i] : kPlainStatement);
  }
  return need;
}

int64_t setting_for(int64_t need, const postgres::ServerFacts& server,
                    const postgres::LockCapacity& capacity) {
  const int64_t floor = std::max<int64_t>(capacity.floor, 1);
  const int64_t wanted = need + capacity.in_use;
  return (wanted * server.max_locks_per_transaction + floor - 1) / floor;
}

std::string grouped(int64_t value) {
  return value < 0 ? "-" + format_count(static_cast<uint64_t>(-value))
                   : format_count(static_cast<uint64_t>(value));
}

}  // namespace

int LockBudget::headroom_percent() const {
  return available <= 0 ? 0 : static_cast<int>(headroom() * 100 / available);
}

LockBudget plan_locks(const std::vector<const SchemaFacts*>& databases, int workers, int parallel,
                      const postgres::ServerFacts& server, const postgres::LockCapacity& capacity) {
  std::vector<uint64_t> hungriest;
  LockBudget budget{.workers = workers, .workers_asked = workers};
  uint64_t most = 0;
  for (const SchemaFacts* facts : databases) {
    for (const StatementLocks& statement : facts->locks) {
      hungriest.push_back(statement.locks);
      if (statement.locks <= most) continue;
      most = statement.locks;
      budget.hungriest = statement.statement;
    }
  }
  std::ranges::sort(hungriest, std::greater<>{});

  budget.available = capacity.available();
  budget.documented = capacity.documented;
  budget.in_use = capacity.in_use;
  budget.setting = server.max_locks_per_transaction;
  budget.need_asked = need_of(hungriest, workers * parallel);
  budget.setting_for_one = setting_for(need_of(hungriest, parallel), server, capacity);
  budget.setting_for_all = setting_for(budget.need_asked, server, capacity);
  while (budget.workers > 1 && need_of(hungriest, budget.workers * parallel) > budget.available)
    --budget.workers;
  budget.need = need_of(hungriest, budget.workers * parallel);
  budget.fits = budget.need <= budget.available;
  return budget;
}

std::string describe(const LockBudget& budget, const postgres::ServerFacts& server) {
  return fmt::format(
      "{} worker{} need{} {} locks at once (most for {}); {} available = capacity {} ({} x ({} + {}) = {} as "
      "documented) "
      "- {} in use; headroom {} ({} %)",
      budget.workers, budget.workers == 1 ? "" : "s", budget.workers == 1 ? "s" : "", grouped(budget.need),
      budget.hungriest.empty() ? "any statement" : budget.hungriest, grouped(budget.available),
      grouped(budget.available + budget.in_use), server.max_locks_per_transaction, server.max_connections,
      server.max_prepared_transactions, grouped(budget.documented), grouped(budget.in_use),
      grouped(budget.headroom()), budget.headroom_percent());
}

}  // namespace dbb::logical
