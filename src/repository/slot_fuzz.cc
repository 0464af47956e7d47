// Key slots. They lie open, and their MAC can be checked only afterwards: every byte of them is somebody's
// word. What they ask of Argon2id is refused before anything is computed, so no slot of a passphrase is
// opened here.

#include "repository/fuzzing.h"
#include "repository/key_slot.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  if (size > kMaxJsonBytes) return 0;
  const dbb::ByteView text(data, size);
  testing::survive([&] {
    const auto slot = decode_key_slot(text, "keys/slot-0123456789abcdef");
    is_authentic_key_slot(text, testing::fixed_keys());
    if (!slot) return;
    const bool allowed = slot->cost.memory_kib >= 8192 && slot->cost.memory_kib <= 1'048'576 &&
                         slot->cost.passes >= 1 && slot->cost.passes <= 16;
    DBB_CHECK(slot->kind == KeyKind::kKeyFile || allowed, "a slot does not ask for more than is allowed");
    if (slot->kind != KeyKind::kKeyFile) return;
    const KeySource source = {.kind = KeyKind::kKeyFile,
                              .secret = dbb::codec::Secret(dbb::Bytes(kLeastKeyFileBytes, 1))};
    open_key_slot(*slot, testing::fixed_keys().repository(), source);
  });
  return 0;
}
