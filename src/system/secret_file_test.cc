#include "system/secret_file.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <array>
#include <utility>

#include "system/file.h"

namespace dbb::system {
namespace {

TEST(SecretFile, IsReadToItsEndAndSaysWhoElseMayReadIt) {
  const TemporaryDirectory directory("secret-test");
  const auto path = directory.path() / "key";
  const std::array<ByteView, 1> pieces = {as_bytes("hello\n")};
  publish_new(path, pieces);
  EXPECT_EQ(as_text(read_secret_file(path, 6)->bytes), "hello\n");
  EXPECT_THROW(read_secret_file(path, 5), Error);
  EXPECT_EQ(read_secret_file(directory.path() / "nothing", 5), std::nullopt);
  for (const auto& [mode, open] :
       {std::pair(0600, false), {0640, false}, {0604, true}, {0602, true}, {0444, true}}) {
    ::chmod(path.c_str(), static_cast<mode_t>(mode));
    EXPECT_EQ(read_secret_file(path, 100)->open_to_others, open) << mode;
  }
}

TEST(CoreDumps, AreForbidden) {
  const int before = ::prctl(PR_GET_DUMPABLE);
  forbid_core_dumps();
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
  ::prctl(PR_SET_DUMPABLE, before);
}

}  // namespace
}  // namespace dbb::system
