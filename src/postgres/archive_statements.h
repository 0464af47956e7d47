#pragma once

#include <string>
#include <string_view>

#include "postgres/archive_toc.h"

// What pg_restore does with the entries of an archive, beyond running their definitions. pg_dump is the
// author of the statements; the rules are those of pg_backup_archiver.c. Pure functions.
namespace dbb::postgres {

// When a restore runs an entry, whatever its section. Privileges come when all objects are there, since they
// could bind whoever creates. Refreshes of materialized views need the privileges. Event triggers would fire
// for all others.
enum class RestorePass : uint8_t { kObjects, kPrivileges, kRefreshes, kEventTriggers };
RestorePass pass_of(const ArchiveEntry& entry);

// False for what describes the archive (its encoding) or the database as a whole, which is not restored by a
// statement of the archive.
bool is_restored(const ArchiveEntry& entry);

// Whether it is a comment, a label or privileges of an object of this kind: "EVENT TRIGGER".
bool is_about(const ArchiveEntry& entry, std::string_view kind);

// client_encoding and standard_conforming_strings under which the definitions are to be run.
struct ArchiveSettings {
  std::string encoding;  // "" when the archive does not say
  bool standard_conforming_strings = true;
};
ArchiveSettings settings_of(const ArchiveToc& toc);

// "ALTER TABLE "public"."orders" OWNER TO "bob";", or "" for an entry whose object has no owner of its own.
std::string owner_statement(const ArchiveEntry& entry, std::string_view owner);

// "ALTER TABLE ... SET ACCESS METHOD ...;" for a partitioned table that hands one down (17 and later), or "".
std::string access_method_statement(const ArchiveEntry& entry);

// "FK CONSTRAINT public.orders orders_customer_fkey", for people.
std::string name_of(const ArchiveEntry& entry);

// A double-quoted identifier, as PQescapeIdentifier writes it.
std::string quoted(std::string_view identifier);

}  // namespace dbb::postgres
