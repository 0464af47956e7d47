#include "codec/argon2.h"

#include <gtest/gtest.h>

#include "codec/secret.h"

namespace dbb::codec {
namespace {

// Computed with Debian's python3-argon2 (the reference implementation):
// argon2.low_level.hash_secret_raw(secret, salt, time_cost, memory_cost, 1, 32, Type.ID).
TEST(Argon2, GivesWhatTheReferenceImplementationGives) {
  const Salt salt = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
                     0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f};
  EXPECT_EQ(to_hex(argon2id(as_bytes("correct horse"), salt, {.memory_kib = 8192, .passes = 1})),
            "9881dc0d5cf2f392d9fe8144ece205407aca06d2c785c47ea04c2cd56db96e2e");
  EXPECT_EQ(to_hex(argon2id(as_bytes("correct horse"), salt, {.memory_kib = 16384, .passes = 2})),
            "664ae9ebfc927c7a7f70ee2633387998ecdd8f7c0cd459ee9853a2343e2bf236");
}

TEST(Argon2, KnowsWhatIsTooCheapAndWhatIsTooDear) {
  EXPECT_TRUE(is_allowed({}));
  EXPECT_TRUE(is_allowed(kLeastArgon2Cost));
  EXPECT_TRUE(is_allowed(kMostArgon2Cost));
  EXPECT_FALSE(is_allowed({.memory_kib = 8191, .passes = 3}));
  EXPECT_FALSE(is_allowed({.memory_kib = 65536, .passes = 0}));
  EXPECT_FALSE(is_allowed({.memory_kib = (1 << 20) + 1, .passes = 3}));
  EXPECT_FALSE(is_allowed({.memory_kib = 65536, .passes = 17}));
}

TEST(Secret, IsMovedAndWiped) {
  Bytes bytes = {1, 2, 3};
  const uint8_t* const place = bytes.data();
  Secret first(std::move(bytes));
  EXPECT_EQ(first.bytes().data(), place) << "no second copy";
  Secret second(std::move(first));
  EXPECT_EQ(second.bytes().data(), place);
  EXPECT_TRUE(second == Secret(ByteView(second.bytes())));
  wipe({const_cast<uint8_t*>(place), 3});
  EXPECT_EQ(second.bytes()[0] | second.bytes()[1] | second.bytes()[2], 0);
}

}  // namespace
}  // namespace dbb::codec
