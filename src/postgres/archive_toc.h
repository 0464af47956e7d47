#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "postgres/types.h"

// The head and the table of contents of an archive that `pg_dump -Fc` wrote. Source: WriteHead() and
// WriteToc() in PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c.
namespace dbb::postgres {

// Version of the archive's format: 1.12 (9.0) to 1.16 (17 and 18) can be read.
struct ArchiveVersion {
  int major = 0;
  int minor = 0;
  int revision = 0;
  auto operator<=>(const ArchiveVersion&) const = default;
};

enum class ArchiveSection : uint8_t { kNone = 1, kPreData, kData, kPostData };

// One object, or one property of an object: what pg_dump made one SQL command, or a few, of. The texts are
// views into the archive.
struct ArchiveEntry {
  int id = 0;  // the dump id, which dependencies name
  bool has_data = false;
  Oid catalog;                   // on the source: pg_class for a table ...
  Oid object;                    // ... and its OID
  std::string_view tag;          // "orders", "orders orders_pkey", "TABLE orders"
  std::string_view description;  // "TABLE", "FK CONSTRAINT", "COMMENT"
  ArchiveSection section = ArchiveSection::kNone;
  std::string_view definition;
  std::string_view drop_statement;
  std::string_view copy_statement;
  std::string_view schema;                        // "" when it lies in none
  std::optional<std::string_view> tablespace;     // nothing: it has no storage; "": the database's
  std::optional<std::string_view> access_method;  // nothing: it has none
  char relation_kind = 0;                         // pg_class.relkind of a table, from 1.16 on; 0: not told
  std::string_view owner;                         // "" when it has none of its own
  std::vector<int> dependencies;                  // ids, also of entries that are not in the archive

  bool is_one_of(std::initializer_list<std::string_view> descriptions) const;
};

struct ArchiveToc {
  ArchiveVersion version;
  std::string_view database;
  std::string_view server_version;    // "15.18 (Debian 15.18-0+deb12u1)"
  std::string_view program_version;   // of pg_dump
  std::vector<ArchiveEntry> entries;  // in the order a restore by one session runs them
};

// The bytes must outlive what is returned, which takes some 250 bytes an entry beside them. What follows the
// table of contents is not looked at. Throws kCorruptedBackup for what pg_dump does not write, kArchiveTooNew
// for an archive of a later version.
ArchiveToc read_archive_toc(ByteView archive);

}  // namespace dbb::postgres
