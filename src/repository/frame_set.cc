#include "repository/frame_set.h"

#include <utility>

#include "base/check.h"

namespace dbb::repository {
namespace {

constexpr size_t kFirstSlots = 16;

// The last byte chooses the part, the first eight the slot.
template <typename Key>
size_t part_of(const Key& key) {
  return key.bytes.back() & 63;
}

}  // namespace

// Where the key is, or the empty slot where it would be. The part is never full.
size_t FrameSet::slot_of(const Key& key, const std::vector<Key>& slots) {
  __extension__ using Wide = unsigned __int128;
  auto slot = static_cast<size_t>(Wide{Key::Hash()(key)} * slots.size() >> 64);
  while (slots[slot] != Key() && slots[slot] != key) slot = slot + 1 == slots.size() ? 0 : slot + 1;
  return slot;
}

void FrameSet::grow(Part& part) {
  std::vector<Key> larger(part.slots.empty() ? kFirstSlots : part.slots.size() + part.slots.size() / 2);
  for (const Key& key : part.slots) {
    if (key != Key()) larger[slot_of(key, larger)] = key;
  }
  part.slots = std::move(larger);
}

bool FrameSet::insert(const FrameId& frame) {
  const Key key = Key::from(frame.bytes);
  DBB_CHECK(key != Key(), "no keyed hash begins with 128 zero bits");
  Part& part = parts_[part_of(key)];
  if (part.used * 8 >= part.slots.size() * 7) grow(part);
  Key& slot = part.slots[slot_of(key, part.slots)];
  if (slot == key) return false;
  slot = key;
  ++part.used;
  ++size_;
  return true;
}

bool FrameSet::contains(const FrameId& frame) const {
  const Key key = Key::from(frame.bytes);
  const Part& part = parts_[part_of(key)];
  return !part.slots.empty() && part.slots[slot_of(key, part.slots)] == key;
}

}  // namespace dbb::repository
