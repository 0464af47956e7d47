#include "logical/lock_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/units.h"

namespace dbb::logical {
namespace {

// Besides the statements, every session holds a few locks of its own: database, catalogs while it starts, its
// transaction.
constexpr int64_t kPerSession = 8;
constexpr size_t kStatementsShown = 10;
constexpr int64_t kLeastSetting = 10;  // that PostgreSQL takes

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
  return std::max((wanted * server.max_locks_per_transaction + floor - 1) / floor, kLeastSetting);
}

std::string grouped(int64_t value) {
  return value < 0 ? "-" + format_count(static_cast<uint64_t>(-value))
                   : format_count(static_cast<uint64_t>(value));
}

// `need_of` says what so many workers at once need.
LockBudget fit(const std::function<int64_t(int)>& need_of, Parallelism asked,
               const postgres::ServerFacts& server, const postgres::LockCapacity& capacity) {
  LockBudget budget{.asked = asked, .given = asked};
  budget.available = capacity.available();
  budget.documented = capacity.documented;
  budget.in_use = capacity.in_use;
  budget.setting = server.max_locks_per_transaction;
  budget.need_asked = need_of(asked.total());
  budget.setting_for_one = setting_for(need_of(1), server, capacity);
  budget.setting_for_all = setting_for(budget.need_asked, server, capacity);
  while (budget.given.total() > 1 && need_of(budget.given.total()) > budget.available)
    budget.given = one_less(budget.given);
  budget.need = need_of(budget.given.total());
  budget.fits = budget.need <= budget.available;
  return budget;
}

}  // namespace

int LockBudget::headroom_percent() const {
  return available <= 0 ? 0 : static_cast<int>(headroom() * 100 / available);
}

Parallelism one_less(Parallelism now) {
  --(now.workers > 1 ? now.workers : now.parallel);
  return now;
}

std::string describe(Parallelism work) {
  std::string text = fmt::format("{} worker{}", work.total(), work.total() == 1 ? "" : "s");
  if (work.parallel > 1) text += fmt::format(" ({} databases x {})", work.parallel, work.workers);
  return text;
}

LockBudget plan_locks(const std::vector<const SchemaFacts*>& databases, Parallelism asked,
                      const postgres::ServerFacts& server, const postgres::LockCapacity& capacity) {
  std::vector<StatementLocks> statements;
  for (const SchemaFacts* facts : databases)
    statements.insert(statements.end(), facts->locks.begin(), facts->locks.end());
  std::ranges::stable_sort(statements, std::greater<>{}, &StatementLocks::locks);
  std::vector<uint64_t> locks;
  for (const StatementLocks& statement : statements) locks.push_back(statement.locks);

  LockBudget budget = fit([&](int sessions) { return need_of(locks, sessions); }, asked, server, capacity);
  statements.resize(std::min(statements.size(), kStatementsShown));
  budget.hungriest = std::move(statements);
  return budget;
}

LockBudget plan_locks(int64_t locks_per_worker, Parallelism asked, const postgres::ServerFacts& server,
                      const postgres::LockCapacity& capacity) {
  return fit([&](int sessions) { return locks_per_worker * sessions; }, asked, server, capacity);
}

std::string describe(const LockBudget& budget, const postgres::ServerFacts& server) {
  const int total = budget.given.total();
  return fmt::format(
      "{} need{} {} locks at once (most for {}); {} available = capacity {} ({} x ({} + {}) = {} "
      "as documented) - {} in use; headroom {} ({} %)",
      describe(budget.given), total == 1 ? "s" : "", grouped(budget.need),
      budget.hungriest.empty() ? "any statement" : budget.hungriest.front().statement,
      grouped(budget.available), grouped(budget.available + budget.in_use), server.max_locks_per_transaction,
      server.max_connections, server.max_prepared_transactions, grouped(budget.documented),
      grouped(budget.in_use), grouped(budget.headroom()), budget.headroom_percent());
}

}  // namespace dbb::logical
