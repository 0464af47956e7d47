// Streams of records: the values of sequences. What is stored is honest as far as the repository can tell.

#include "base/check.h"
#include "base/error.h"
#include "logical/sequences.h"
#include "repository/repository.h"
#include "repository/small_repository.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  if (size == 0 || size > kMaxChunkBytes) return 0;
  static testing::SmallRepository small;
  PackId id;
  id.bytes.fill(0xdd);
  const testing::ForgedFrame frame =
      small.forge().frame(StreamClass::kRecords, {dbb::Bytes(data, data + size)});
  small.forge().index("index/" + std::string(32, 'd'), {small.forge().pack(id, {frame})});
  const auto backup = Repository::open(small.store, {})->open_backup(small.first);
  const auto stream = backup->open_stream(
      {.stream_class = StreamClass::kRecords,
       .bytes = size,
       .depth = 0,
       .recipe = encode_recipe_block(
           {{.frame = frame.entry.id, .first_chunk = 0, .chunk_count = 1, .bytes = size}})});
  try {
    dbb::logical::load_sequences(*stream);
  } catch (const dbb::Error& error) {
    DBB_CHECK(error.code() == dbb::ErrorCode::kCorruptedBackup, "a decoder refuses with the error it names");
  }
  return 0;
}
