#include "system/spill_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

namespace dbb::system {
namespace {

Bytes noise(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(count);
  std::ranges::generate(bytes, [&] { return static_cast<uint8_t>(random()); });
  return bytes;
}

// TMPDIR for one test.
class TemporaryDirectoryIs {
 public:
  explicit TemporaryDirectoryIs(const std::filesystem::path& path) {
    if (const char* const before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryDirectoryIs() {
    if (before_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", before_.c_str(), 1);
    }
  }
  TemporaryDirectoryIs(const TemporaryDirectoryIs&) = delete;
  TemporaryDirectoryIs& operator=(const TemporaryDirectoryIs&) = delete;

 private:
  std::string before_;
};

TEST(SpillFileTest, GivesBackEveryRangeOfWhatWasWritten) {
  for (const size_t buffer_bytes : {size_t{0}, size_t{100}, size_t{1} << 20}) {
    SpillFile file(buffer_bytes);
    Bytes all;
    for (size_t i = 0; i < 100; ++i) {
      const Bytes piece = noise(i * 7 % 250, i);
      EXPECT_EQ(file.append(piece), all.size());
      all.insert(all.end(), piece.begin(), piece.end());
    }
    ASSERT_EQ(file.size(), all.size());
    for (size_t offset = 0; offset <= all.size(); offset += 97) {
      for (const size_t count : {size_t{0}, size_t{1}, std::min<size_t>(300, all.size() - offset)}) {
        if (offset + count > all.size()) continue;
        Bytes read(count);
        file.read(offset, read);
        EXPECT_TRUE(std::ranges::equal(read, ByteView(all).subspan(offset, count)));
      }
    }
  }
}

TEST(SpillFileTest, LeavesNoNameBehindAndNeedsNoDiskForLittle) {
  const TemporaryDirectory directory("dbbackup-test-");
  {
    const TemporaryDirectoryIs here(directory.path());
    SpillFile file(1000);
    file.append(noise(5000, 1));
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  }
  const TemporaryDirectoryIs nowhere(directory.path() / "missing");
  SpillFile little(1000);
  little.append(noise(1000, 1));
  EXPECT_THROW(little.append(noise(1, 2)), Error);
}

}  // namespace
}  // namespace dbb::system
