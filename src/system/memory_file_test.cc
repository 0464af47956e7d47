#include "system/memory_file.h"

#include <gtest/gtest.h>

#include "system/process.h"
#include "system/stop_event.h"

namespace dbb::system {
namespace {

TEST(MemoryFile, AnotherProgramReadsItAsOftenAsItLikes) {
  MemoryFile file("test");
  file.write(as_bytes("one "));
  file.write(as_bytes("two"));
  for (int i = 0; i < 2; ++i) {
    std::string read;
    const Outcome outcome =
        run({.argv = {"/bin/cat", file.path().string()}},
            {.on_output = [&](ByteView bytes) { read += as_text(bytes); }}, StopEvent({}));
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(read, "one two");
  }
}

TEST(MemoryFile, IsGoneWithItsOwner) {
  std::filesystem::path path;
  {
    const MemoryFile file("test");
    path = file.path();
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace dbb::system
