#include "logical/schema_archive.h"

#include <limits>

namespace dbb::logical {

SchemaArchive::SchemaArchive(repository::BackupReader& backup, const repository::StreamRef& stream)
    : bytes_(backup.read_all(stream, std::numeric_limits<uint64_t>::max())),
      toc_(postgres::read_archive_toc(bytes_)) {}

}  // namespace dbb::logical
