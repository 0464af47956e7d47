// The parts of a pack that are not frames. The first byte chooses: directory, trailer, header.

#include "repository/fuzzing.h"
#include "repository/pack.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  if (size == 0) return 0;
  const dbb::ByteView input = dbb::ByteView(data, size).subspan(1);
  testing::survive([&] {
    if (data[0] % 3 == 0) {
      const PackDirectory directory = decode_directory(input, "input");
      for (const DirectoryEntry& entry : directory.frames) {
        DBB_CHECK(directory.at_offset(entry.offset) == &entry, "frames lie one after the other");
        DBB_CHECK(entry.data_bytes() <= entry.chunks.size() * kMaxChunkBytes, "chunks have a largest size");
      }
      // What is read and written again is read as the same.
      DBB_CHECK(decode_directory(encode_directory(directory), "again") == directory, "nothing is lost");
    } else if (data[0] % 3 == 1) {
      const PackTrailer trailer = decode_pack_trailer(input, 1000, "input");
      DBB_CHECK(trailer.directory_offset + trailer.directory_length + kPackTrailerBytes == 1000,
                "the directory lies in the pack");
    } else {
      decode_pack_header(input, PackId{}, "input");
    }
  });
  return 0;
}
