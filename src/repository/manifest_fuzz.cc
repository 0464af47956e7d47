// The JSON of a manifest, as it is behind its seal.

#include "repository/fuzzing.h"
#include "repository/manifest_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  const dbb::BackupId id(dbb::UtcTime(1'795'205'702'000'000), 1);
  testing::survive([&] {
    const Manifest manifest = decode_manifest({data, size}, id);
    manifest.started.iso();
    DBB_CHECK(manifest.finished.microseconds() - manifest.started.microseconds() < INT64_MAX,
              "times can be subtracted");
    DBB_CHECK(decode_manifest(dbb::as_bytes(encode_manifest(manifest)), id) == manifest, "nothing is lost");
  });
  return 0;
}
