#include "logical/unprivileged.h"

#include <algorithm>

#include "postgres/archive_statements.h"

namespace dbb::logical {

using postgres::ArchiveEntry;

bool takes_superuser(const ArchiveEntry& entry) {
  if (entry.description == "EVENT TRIGGER" || postgres::is_about(entry, "EVENT TRIGGER")) return true;
  if (entry.description.starts_with("SUBSCRIPTION") || postgres::is_about(entry, "SUBSCRIPTION")) return true;
  if (entry.description == "PUBLICATION TABLES IN SCHEMA") return true;
  return entry.description == "PUBLICATION" && entry.definition.find(" FOR ALL ") != std::string_view::npos;
}

CannotGive what_cannot_be_given(const postgres::ArchiveToc& toc, const std::string& role) {
  CannotGive cannot;
  for (const ArchiveEntry& entry : toc.entries) {
    if (!postgres::is_restored(entry)) continue;
    if (postgres::pass_of(entry) == postgres::RestorePass::kPrivileges) {
      if (entry.owner != role) ++cannot.grants;
    } else if (takes_superuser(entry)) {
      cannot.objects.push_back(postgres::name_of(entry));
    } else if (entry.owner != role && !postgres::owner_statement(entry, entry.owner).empty()) {
      ++cannot.owners[std::string(entry.owner)];
    }
  }
  return cannot;
}

}  // namespace dbb::logical
