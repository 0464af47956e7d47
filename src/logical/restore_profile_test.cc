#include "logical/restore_profile.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::HasSubstr;

constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(RestoreProfile, EachTakesMoreOfTheMachineThanTheOneBefore) {
  const Machine machine{.processors = 8, .memory_bytes = 64 * kGiB};
  ProfileNumbers before;
  for (const Profile profile : {Profile::kLow, Profile::kBalanced, Profile::kHigh, Profile::kUltra}) {
    const ProfileNumbers now = numbers_of(profile, machine);
    if (profile != Profile::kLow) {
      EXPECT_GT(now.work.total(), before.work.total()) << name_of(profile);
      EXPECT_LT(now.memory_divisor, before.memory_divisor) << name_of(profile);
    }
    before = now;
  }
  EXPECT_EQ(numbers_of(Profile::kLow, machine).work, (Parallelism{1, 1}));
  EXPECT_EQ(numbers_of(Profile::kBalanced, machine).work, (Parallelism{8, 1}));
}

TEST(RestoreProfile, NamesOfTheOriginalAreKnown) {
  EXPECT_EQ(parse_profile("conservative"), Profile::kLow);
  EXPECT_EQ(parse_profile("aggressive"), Profile::kHigh);
  EXPECT_EQ(parse_profile("max"), Profile::kUltra);
  for (const Profile profile : {Profile::kLow, Profile::kBalanced, Profile::kHigh, Profile::kUltra})
    EXPECT_EQ(parse_profile(name_of(profile)), profile);
  EXPECT_EQ(parse_profile("fast"), std::nullopt);
  EXPECT_EQ(parse_profile(""), std::nullopt);
}

TEST(RestoreProfile, MemoryIsSharedByAllThatRunAtOnce) {
  const Machine machine{.processors = 4, .memory_bytes = 16 * kGiB};
  const ProfileNumbers balanced = numbers_of(Profile::kBalanced, machine);
  EXPECT_EQ(maintenance_memory_mib(balanced, machine, {4, 1}), 512U);
  EXPECT_EQ(maintenance_memory_mib(balanced, machine, {4, 2}), 256U);
  EXPECT_EQ(maintenance_memory_mib(balanced, machine, {1, 1}), 1024U);  // one build uses no more
  EXPECT_EQ(maintenance_memory_mib(balanced, machine, {64, 4}), 64U);   // less than the default helps nobody
}

TEST(RestoreProfile, OfAServerElsewhereTheMemoryIsNotKnown) {
  const Machine machine{.processors = 4};
  const auto memory = maintenance_memory_mib(numbers_of(Profile::kHigh, machine), machine, {4, 2});
  EXPECT_EQ(memory, std::nullopt);
  EXPECT_THAT(describe(Profile::kHigh, machine, {4, 2}, memory), HasSubstr("as the server has it"));
}

TEST(RestoreProfile, TheNumbersBehindItAreShown) {
  const Machine machine{.processors = 2, .memory_bytes = 8 * kGiB};
  EXPECT_EQ(
      describe(Profile::kBalanced, machine, {2, 1}, 512),
      "balanced: 2 workers for 2 processors; maintenance_work_mem 512 MiB each (8.59 GB of memory / 8 / 2)");
}

}  // namespace
}  // namespace dbb::logical
