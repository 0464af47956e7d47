#include "repository/pack_choice.h"

#include <algorithm>

#include "base/error.h"
#include "repository/damage.h"

namespace dbb::repository {
namespace {

// Packs of less than that part of the usual size are better joined, once there are many.
constexpr uint64_t kSmallPack = 8;
constexpr size_t kManySmallPacks = 64;

uint64_t share_rounded_up(uint64_t bytes, uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : (bytes * part + whole - 1) / whole;
}

// Only the directory knows which chunks of a partial copy are there. All of them, where it cannot be read.
struct Presence {
  uint64_t there;
  uint64_t needed;
};
Presence presence_in(RepositoryCore& core, const NeededChunks& needed, uint32_t pack,
                     const PackedFrame& copy) {
  const Presence all = {.there = copy.chunk_count, .needed = needed.count(copy)};
  if (!copy.partial || all.needed == 0) return all;
  try {
    const auto directory = core.directory(needed.index().packs()[pack]);
    const DirectoryEntry* const entry = directory->at_offset(copy.offset);
    if (entry == nullptr || entry->chunks.size() != copy.chunk_count) return all;
    Presence found = {.there = 0, .needed = 0};
    for (uint32_t i = 0; i < copy.chunk_count; ++i) {
      if (!entry->has_chunk(i)) continue;
      ++found.there;
      found.needed += needed.has(copy, i) ? 1 : 0;
    }
    return found;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    return all;
  }
}

// A pack of which everything is needed has nothing to waste: its directory, and the ids of chunks that
// partial copies lack, are shared out among what is in it. Rounded up: nothing is zero but what nobody needs.
PackUse use_of(RepositoryCore& core, const NeededChunks& needed, uint32_t pack, uint64_t bytes) {
  uint64_t boxes = 0;
  uint64_t needed_boxes = 0;
  uint64_t chunks = 0;
  for (const PackedFrame& copy : needed.index().frames_of(pack)) {
    const Presence presence = presence_in(core, needed, pack, copy);
    boxes += copy.length;
    chunks += copy.chunk_count;
    needed_boxes += share_rounded_up(copy.length, presence.needed, presence.there);
  }
  return {.pack = pack,
          .bytes = bytes,
          .needed_bytes = share_rounded_up(bytes, needed_boxes, boxes),
          .chunks = chunks};
}

// Both in one: least needed first, so that of two packs with the same frames the fuller one stays.
void find_dead(RepositoryCore& core, const NeededChunks& needed, std::vector<PackUse>& packs,
               std::vector<bool>& counts, std::vector<PackUse>& dead) {
  std::ranges::sort(packs, {}, &PackUse::needed_bytes);
  std::erase_if(packs, [&](const PackUse& use) {
    counts[use.pack] = false;
    bool needless = true;
    if (use.needed_bytes > 0) {
      for (const PackedFrame& copy : needed.index().frames_of(use.pack)) {
        if (needed.count(copy) == 0) continue;
        needless =
            is_elsewhere(core, needed, copy, needed.index(), [&](uint32_t pack) { return counts[pack]; });
        if (!needless) break;
      }
    }
    if (needless) dead.push_back(use);
    counts[use.pack] = !needless;
    return needless;
  });
}

// What is written anew is smaller by another amount than was estimated. Whoever begins to rewrite goes on to
// below the limit, so that what is left stays below it and a second prune has nothing to do.
constexpr double kPartOfLimit = 0.8;

// The most wasteful first, until what stays wasted is little.
std::vector<PackUse> worth_rewriting(std::vector<PackUse> packs, uint64_t needed_bytes, uint64_t pack_bytes,
                                     double max_wasted) {
  uint64_t wasted = 0;
  for (const PackUse& use : packs) wasted += use.wasted_bytes();
  const auto share = [](const PackUse& use) {
    return static_cast<double>(use.wasted_bytes()) / static_cast<double>(std::max<uint64_t>(1, use.bytes));
  };
  std::ranges::sort(packs, std::greater<>(), share);
  const auto limit = static_cast<uint64_t>(max_wasted * static_cast<double>(needed_bytes));
  const auto allowed =
      wasted <= limit ? limit : static_cast<uint64_t>(kPartOfLimit * static_cast<double>(limit));
  const auto small = [&](const PackUse& use) { return is_small(use, pack_bytes); };
  const bool join = std::ranges::count_if(packs, small) >= static_cast<ptrdiff_t>(kManySmallPacks);
  std::vector<PackUse> chosen;
  for (const PackUse& use : packs) {
    const bool wasteful = wasted > allowed && use.wasted_bytes() > 0;
    if (!wasteful && !(join && small(use))) continue;
    chosen.push_back(use);
    wasted -= use.wasted_bytes();
  }
  return chosen;
}

}  // namespace

bool is_small(const PackUse& use, uint64_t pack_bytes) {
  return use.bytes * kSmallPack < pack_bytes && use.chunks * kSmallPack < kPackChunks;
}

bool is_elsewhere(RepositoryCore& core, const NeededChunks& needed, const PackedFrame& copy,
                  const FrameIndex& index, const std::function<bool(uint32_t)>& counts) {
  bool found = false;
  index.visit_copies(copy.short_id, [&](uint32_t pack, const PackedFrame& other) {
    if (found || !counts(pack)) return;
    if (!other.partial) {
      found = true;
      return;
    }
    try {
      const auto directory = core.directory(index.packs()[pack]);
      const DirectoryEntry* const entry = directory->at_offset(other.offset);
      if (entry == nullptr || entry->chunks.size() != copy.chunk_count) return;
      found = true;
      for (uint32_t i = 0; i < copy.chunk_count; ++i) {
        found = found && (!needed.has(copy, i) || entry->has_chunk(i));
      }
    } catch (const Error& error) {
      if (!is_damage(error)) throw;  // what cannot be read is no other place
    }
  });
  return found;
}

PackChoice choose_packs(RepositoryCore& core, const NeededChunks& needed, const PackSizes& sizes,
                        const std::function<bool(const PackId&)>& left_alone, double max_wasted,
                        const std::stop_token& stop) {
  const FrameIndex& index = needed.index();
  PackChoice choice;
  std::vector<PackUse> packs;
  std::vector<bool> counts(index.packs().size());
  for (uint32_t number = 0; number < index.packs().size(); ++number) {
    if (stop.stop_requested()) throw cancelled();
    const IndexedPack& pack = index.packs()[number];
    if (left_alone(pack.id)) continue;
    const PackUse use = use_of(core, needed, number, pack.size_bytes);
    if (sizes.problem_of(pack).empty()) {
      packs.push_back(use);
      counts[number] = true;
    } else if (use.needed_bytes == 0) {
      choice.dead.push_back({.pack = number, .bytes = sizes.size_of(pack.id)});  // only the index lists it
    }
    // Else `check` reports it.
  }
  find_dead(core, needed, packs, counts, choice.dead);
  for (const PackUse& use : packs) choice.needed_bytes += use.needed_bytes;
  choice.rewrite =
      worth_rewriting(std::move(packs), choice.needed_bytes, core.config().writing.pack_bytes, max_wasted);
  return choice;
}

}  // namespace dbb::repository
