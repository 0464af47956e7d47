// Runs the committed corpora through the fuzz targets of one layer, in the normal build: what was found once,
// or reached once, stays survived. CMake lists the targets.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#define DBB_FUZZ_TARGET(name) extern "C" int name(const uint8_t* data, size_t size);
#include <fuzz_targets.inc>
#undef DBB_FUZZ_TARGET

namespace {

struct Target {
  std::string name;
  int (*run)(const uint8_t* data, size_t size);
};

const std::vector<Target>& targets() {
  static const std::vector<Target> kTargets = {
#define DBB_FUZZ_TARGET(name) {#name, name},
#include <fuzz_targets.inc>
#undef DBB_FUZZ_TARGET
  };
  return kTargets;
}

class Corpus : public ::testing::TestWithParam<Target> {};

TEST_P(Corpus, EveryInputIsSurvived) {
  size_t inputs = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(DBB_SOURCE_DIR "/tests/fuzz/" + GetParam().name)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    SCOPED_TRACE(file.path().filename().string());
    // A copy that ends where its allocation ends, so that reading one byte more is noticed.
    const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
    GetParam().run(exact.data(), exact.size());
    ++inputs;
  }
  EXPECT_GT(inputs, 0U);
}

INSTANTIATE_TEST_SUITE_P(Fuzzing, Corpus, ::testing::ValuesIn(targets()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
