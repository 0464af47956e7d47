#include "repository/commit_check.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"
#include "repository/state_object.h"

namespace dbb::repository {
namespace {

[[noreturn]] void throw_deleted(const PackId& pack, std::string_view what) {
  throw Error(ErrorCode::kPackDeleted,
              {.message = "A prune deleted what this backup relies on, so there is no backup.",
               .cause = fmt::format("{} {}.", pack_name(pack), what),
               .solution = {"Run the backup again: what was stored is not stored again."}});
}

}  // namespace

void refuse_deleted_packs(RepositoryCore& core, std::span<const PackId> packs) {
  const std::unordered_set<PackId, PackId::Hash> used(packs.begin(), packs.end());
  // Announcements first, then packs: an announcement is removed only after its packs.
  std::vector<std::string> damaged;
  for (const Deleting& deleting : list_state<Deleting>(core, &damaged)) {
    for (const PackId& pack : deleting.packs) {
      if (used.contains(pack)) throw_deleted(pack, "is being deleted");
    }
  }
  if (!damaged.empty() && !packs.empty()) {
    throw_deleted(packs.front(), "may be being deleted: " + damaged.front() + " is damaged");
  }
  std::unordered_set<std::string> there;
  core.store().list("packs/", [&](const storage::ListedObject& object) {
    there.insert(object.name);
    return true;
  });
  for (const PackId& pack : packs) {
    if (!there.contains(pack_name(pack))) throw_deleted(pack, "is gone");
  }
}

}  // namespace dbb::repository
