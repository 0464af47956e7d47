#include "logical/schema_archive.h"

#include <algorithm>
#include <memory>

namespace dbb::logical {
namespace {

constexpr uint64_t kMostReserved = uint64_t{64} << 20;  // of what a manifest says, before it is seen

Bytes read_all(repository::BackupReader& backup, const repository::StreamRef& stream) {
  Bytes bytes;
  bytes.reserve(std::min(stream.bytes, kMostReserved));
  const std::unique_ptr<repository::StreamReader> reader = backup.open_stream(stream);
  for (ByteView piece; reader->next(piece);) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

}  // namespace

SchemaArchive::SchemaArchive(repository::BackupReader& backup, const repository::StreamRef& stream)
    : bytes_(read_all(backup, stream)), toc_(postgres::read_archive_toc(bytes_)) {}

}  // namespace dbb::logical
