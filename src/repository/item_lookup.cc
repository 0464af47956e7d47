#include "repository/item_lookup.h"

#include <algorithm>

#include "repository/damage.h"
#include "repository/recipe.h"
#include "repository/window_reader.h"

namespace dbb::repository {
namespace {

constexpr size_t kBlockBytes = 16 << 10;
constexpr size_t kBufferBytes = 1 << 20;
constexpr const char* kWhat = "item list";

}  // namespace

ItemLookup::ItemLookup(const std::shared_ptr<RepositoryCore>& core,
                       const std::shared_ptr<const FrameIndex>& index, const StreamRef& items)
    : records_(kBufferBytes) {
  RecordReader list(core, index, items, {.record_bytes = kMaxItemBytes, .what = kWhat});
  ByteView stored;
  std::string last_key;
  try {
    while (list.next(stored)) {
      Item item = decode_item(stored, kWhat);
      if (!blocks_.empty() && item.key <= last_key) throw_damaged(kWhat, "Its items are not in order.");
      ByteWriter record;
      record.sized(item.key);
      record.varint(item.parts.size());
      for (const StreamRef& part : item.parts) record.sized(encode_stream_ref(part));
      add(item.key, record.bytes());
      last_key = std::move(item.key);
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
  }
}

void ItemLookup::add(const std::string& key, ByteView record) {
  if (blocks_.empty() || records_.size() + record.size() - blocks_.back().begin > kBlockBytes) {
    blocks_.push_back({.first_key = key, .begin = records_.size()});
  }
  records_.append(record);
}

std::optional<StreamRef> ItemLookup::find(const StreamKey& key) const {
  const auto behind = std::ranges::upper_bound(blocks_, key.item_key, {}, &Block::first_key);
  if (behind == blocks_.begin()) return std::nullopt;
  const uint64_t begin = (behind - 1)->begin;
  Bytes block((behind == blocks_.end() ? records_.size() : behind->begin) - begin);
  records_.read(begin, block);
  ByteReader reader(block, kWhat);
  while (!reader.at_end()) {
    const bool found = as_text(reader.sized()) == key.item_key;
    const uint64_t parts = reader.varint();
    for (uint64_t i = 0; i < parts; ++i) {
      const ByteView part = reader.sized();
      if (found && i == key.part) return decode_stream_ref(part, kWhat);
    }
    if (found) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace dbb::repository
