#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "logical/document.h"
#include "logical/qualified_name.h"
#include "logical/restore_contents.h"
#include "logical/selection.h"
#include "postgres/archive_toc.h"

// What a Selection takes out of a backup: what the same one takes out of the database when it is backed up.
// Pure functions.
namespace dbb::logical {

struct ChosenPart {
  std::set<int> entries;                     // dump ids
  std::set<QualifiedName> relations;         // of which the definition is restored
  std::set<QualifiedName> without_contents;  // of these, without rows or the value
  bool contents = true;                      // false: definitions only
  // What lies in no schema: extensions, large objects, publications ... false when something was named.
  bool everything_else = true;

  // Rows of a table, value of a sequence.
  bool has_contents(const QualifiedName& relation) const {
    return contents && relations.contains(relation) && !without_contents.contains(relation);
  }
};

// Which names a pattern matches. For a pattern of schemas the names have no second part.
using NameMatcher =
    std::function<std::set<QualifiedName>(const std::string& pattern, const std::set<QualifiedName>& names)>;
struct Matchers {
  NameMatcher relations;
  NameMatcher schemas;
};

// Error kUsage, naming it, for a pattern of what to take that matches nothing.
ChosenPart choose_part(const postgres::ArchiveToc& toc, const DatabaseContent& content,
                       const Selection& selection, const Matchers& matchers);

// What is left of the archive's entries, of what is loaded, and of what the backup says about the database.
postgres::ArchiveToc part_of(const postgres::ArchiveToc& toc, const ChosenPart& part);
void narrow(DatabaseContent& content, const ChosenPart& part);
void narrow(DatabaseRecord& record, const DatabaseContent& narrowed, const ChosenPart& part);

}  // namespace dbb::logical
