#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"
#include "postgres/archive_toc.h"
#include "repository/backup_reader.h"

namespace dbb::logical {

// Arguments with which pg_dump writes one. Never -s: it drops the refreshes of materialized views.
inline constexpr std::array<std::string_view, 5> kSchemaArguments{
    "--format=custom", "--compress=0", "--section=pre-data", "--section=post-data", "--no-blobs"};

// A database's schema archive. It holds secrets (user mappings, subscriptions), and so never lies on a disk.
// Memory: its bytes, about 1 KiB a table, and 250 bytes an entry.
class SchemaArchive {
 public:
  SchemaArchive(repository::BackupReader& backup, const repository::StreamRef& stream);
  SchemaArchive(const SchemaArchive&) = delete;
  SchemaArchive& operator=(const SchemaArchive&) = delete;

  const postgres::ArchiveToc& toc() const { return toc_; }

 private:
  const Bytes bytes_;
  const postgres::ArchiveToc toc_;
};

}  // namespace dbb::logical
