#include "system/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

namespace dbb::system {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  fs::path path(const std::string& name) const { return directory_.path() / name; }
  std::string content(const std::string& name) const {
    const auto bytes = read_file(path(name), 1 << 20);
    return bytes ? std::string(as_text(*bytes)) : "(absent)";
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()));
  }
  bool publish(const std::string& name, std::string_view one, std::string_view two = "") const {
    const std::array<ByteView, 2> pieces = {as_bytes(one), as_bytes(two)};
    return publish_new(path(name), pieces);
  }

  TemporaryDirectory directory_{"dbbackup-file-"};
};

TEST_F(FileTest, APublishedFileIsWholeAndNobodyElses) {
  EXPECT_TRUE(publish("a", "one ", "two"));
  EXPECT_EQ(content("a"), "one two");
  EXPECT_EQ(files(), 1u) << "no temporary file is left";
  struct stat status{};
  ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(FileTest, PublishingNeverOverwrites) {
  EXPECT_TRUE(publish("a", "first"));
  EXPECT_FALSE(publish("a", "second"));
  EXPECT_EQ(content("a"), "first");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, ReplacingPutsTheNewOneInPlace) {
  publish_replacing(path("a"), as_bytes("first"));
  publish_replacing(path("a"), as_bytes("second"));
  EXPECT_EQ(content("a"), "second");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, AFailedPublicationLeavesNothing) {
  EXPECT_THROW(publish("missing/a", "text"), Error);
  EXPECT_EQ(files(), 0u);
}

TEST_F(FileTest, ReadingHasALimitAndKnowsWhatIsAbsent) {
  EXPECT_EQ(read_file(path("absent"), 10), std::nullopt);
  EXPECT_FALSE(open_for_reading(path("absent")));
  publish("a", "0123456789");
  EXPECT_EQ(read_file(path("a"), 10)->size(), 10u);
  try {
    read_file(path("a"), 9);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStorageFailed);
  }
}

TEST_F(FileTest, ReadAtFillsAsFarAsTheFileReaches) {
  publish("a", "0123456789");
  const auto file = open_for_reading(path("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file_size(*file, path("a")), 10u);
  std::array<uint8_t, 4> into{};
  EXPECT_EQ(read_at(*file, 3, into, path("a")), 4u);
  EXPECT_EQ(as_text(into), "3456");
  EXPECT_EQ(read_at(*file, 8, into, path("a")), 2u);
  EXPECT_EQ(read_at(*file, 100, into, path("a")), 0u);
}

TEST_F(FileTest, RemovingSaysWhetherThereWasSomething) {
  publish("a", "text");
  EXPECT_TRUE(remove_file(path("a")));
  EXPECT_FALSE(remove_file(path("a")));
}

TEST_F(FileTest, DirectoriesAreMadeWithTheirParents) {
  system::create_directories(path("a/b/c"));
  system::create_directories(path("a/b/c"));
  struct stat status{};
  ASSERT_EQ(::stat(path("a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  publish("plain", "text");
  EXPECT_THROW(system::create_directories(path("plain/d")), Error);
}

TEST_F(FileTest, ErrnoBecomesACode) {
  const auto code = [](int number) {
    try {
      throw_errno(number, "write", "/some/file");
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("/some/file"), std::string::npos);
      EXPECT_FALSE(error.cause().empty());
      return error.code();
    }
  };
  EXPECT_EQ(code(ENOSPC), ErrorCode::kDiskFull);
  EXPECT_EQ(code(EDQUOT), ErrorCode::kDiskFull);
  EXPECT_EQ(code(EACCES), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code(EROFS), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code(EIO), ErrorCode::kStorageFailed);
}

TEST_F(FileTest, AFullDiskIsAFullDisk) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) GTEST_SKIP() << "no /dev/full here";
  try {
    write_all(full, as_bytes("text"), "/dev/full");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDiskFull);
  }
}

TEST_F(FileTest, DiskSpaceIsKnownWhereThereIsADisk) {
  const auto space = disk_space(directory_.path());
  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0u);
  EXPECT_LE(space->available_bytes, space->total_bytes);
  EXPECT_EQ(disk_space("/nonexistent"), std::nullopt);
}

TEST(TemporaryDirectoryTest, IsOursAloneAndGoesWithItsContents) {
  fs::path path;
  {
    const TemporaryDirectory directory("dbbackup-gone-");
    path = directory.path();
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    fs::create_directories(path / "deep/down");
    std::ofstream(path / "deep/down/file") << "text";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(FileDescriptorTest, IsClosedOnceByItsOnlyOwner) {
  FileDescriptor one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = one.get();
  FileDescriptor two(std::move(one));
  EXPECT_EQ(two.get(), number);
  two.reset();
  EXPECT_FALSE(two);
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace dbb::system
