#include "logical/chosen_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

bool is_relation(const ArchiveEntry& entry) {
  return entry.is_one_of({"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"});
}

std::set<QualifiedName> match_all(const std::vector<std::string>& patterns, const NameMatcher& matching,
                                  const std::set<QualifiedName>& names, bool must_match) {
  std::set<QualifiedName> all;
  for (const std::string& pattern : patterns) {
    std::set<QualifiedName> found = matching(pattern, names);
    if (found.empty() && must_match) {
      throw Error(ErrorCode::kUsage,
                  {.message = fmt::format("Nothing in the backup of the database matches \"{}\".", pattern),
                   .cause = "A restore that was asked for something should bring it.",
                   .solution = {"See what there is: dbbackup show BACKUP --items",
                                "Upper case letters and dots in names stand inside double quotes, and these "
                                "inside single quotes of the shell: '\"Sales\".\"Order\"'"}});
    }
    all.merge(found);
  }
  return all;
}

// Chooses in rounds: relations by their names, what hangs on them, the rest, and what is set upon any of it.
class Chooser {
 public:
  Chooser(const postgres::ArchiveToc& toc, const DatabaseContent& content, const Selection& selection,
          const Matchers& matchers)
      : toc_(toc), selection_(selection) {
    for (const ArchiveEntry& entry : toc.entries) {
      by_id_.emplace(entry.id, &entry);
      if (!entry.schema.empty()) schemas_.insert({std::string(entry.schema), ""});
      if (entry.description == "SCHEMA") schemas_.insert({std::string(entry.tag), ""});
      if (is_relation(entry)) relations_.insert(qualified_name(entry));
    }
    for (const TableContent& table : content.tables) {
      if (table.attributes.is_extension_config)
        relations_.insert({table.attributes.schema, table.attributes.name});
    }
    tables_ = match_all(selection.tables, matchers.relations, relations_, true);
    taken_schemas_ = match_all(selection.schemas, matchers.schemas, schemas_, true);
    not_tables_ = match_all(selection.exclude_tables, matchers.relations, relations_, false);
    not_schemas_ = match_all(selection.exclude_schemas, matchers.schemas, schemas_, false);
    part_.without_contents = match_all(selection.exclude_table_data, matchers.relations, relations_, false);
    part_.contents = !selection.schema_only;
    part_.everything_else = !selection.names_what_to_take();
  }

  ChosenPart choose() {
    for (const QualifiedName& name : relations_) {
      if (is_named(name)) part_.relations.insert(name);
    }
    settle_owned_sequences();
    for (const ArchiveEntry& entry : toc_.entries) {
      if (!is_set_upon_another(entry) && is_chosen(entry)) part_.entries.insert(entry.id);
    }
    // A comment or a privilege comes with its object; privileges on columns with those on the table.
    for (const ArchiveEntry& entry : toc_.entries) {
      if (is_set_upon_another(entry) && is_chosen_with_object(entry)) part_.entries.insert(entry.id);
    }
    return std::move(part_);
  }

 private:
  bool takes_schema(const std::string& schema) const {
    if (!selection_.schemas.empty() && !taken_schemas_.contains({schema, ""})) return false;
    return !not_schemas_.contains({schema, ""});
  }

  bool is_named(const QualifiedName& relation) const {
    if (not_tables_.contains(relation)) return false;
    if (!selection_.tables.empty()) return tables_.contains(relation);
    return takes_schema(relation.first);
  }

  // A sequence goes with the table that owns it.
  void settle_owned_sequences() {
    for (const ArchiveEntry& entry : toc_.entries) {
      if (entry.description == "SEQUENCE OWNED BY" && is_owned_by_chosen(entry))
        part_.relations.insert(qualified_name(entry));
      if (!is_identity_sequence(entry)) continue;
      for (const ArchiveEntry* table : dependencies(entry)) {
        if (table->description != "TABLE") continue;
        if (has(*table)) {
          part_.relations.insert(qualified_name(entry));
        } else {
          part_.relations.erase(qualified_name(entry));
        }
      }
    }
  }

  bool has(const ArchiveEntry& relation) const { return part_.relations.contains(qualified_name(relation)); }

  bool is_owned_by_chosen(const ArchiveEntry& owned_by) const {
    const std::optional<QualifiedName> owner = owning_table(owned_by);
    return owner && part_.relations.contains(*owner);
  }

  std::vector<const ArchiveEntry*> dependencies(const ArchiveEntry& entry) const {
    std::vector<const ArchiveEntry*> found;
    for (const int id : entry.dependencies) {
      const auto at = by_id_.find(id);
      if (at != by_id_.end()) found.push_back(at->second);
    }
    return found;
  }

  static bool is_set_upon_another(const ArchiveEntry& entry) {
    return entry.is_one_of({"COMMENT", "SECURITY LABEL", "ACL"});
  }

  bool is_chosen_with_object(const ArchiveEntry& entry) const {
    static constexpr std::string_view kSchema = "SCHEMA ";
    bool has_object = false;
    for (const ArchiveEntry* object : dependencies(entry)) {
      has_object = true;
      if (part_.entries.contains(object->id)) return true;
    }
    if (has_object) return false;
    // Of what every database has, such as schema public.
    if (entry.tag.starts_with(kSchema))
      return selection_.tables.empty() && takes_schema(std::string(entry.tag.substr(kSchema.size())));
    if (!entry.schema.empty()) return selection_.tables.empty() && takes_schema(std::string(entry.schema));
    return part_.everything_else;
  }

  // The relation that an index, a constraint, a trigger ... is of; nothing for what is of no relation.
  const ArchiveEntry* table_of(const ArchiveEntry& entry) const {
    const ArchiveEntry* found = nullptr;
    for (const ArchiveEntry* needed : dependencies(entry)) {
      if (!is_relation(*needed)) continue;
      if (name_after_table(entry, *needed)) return needed;
      if (found == nullptr) found = needed;
    }
    return found;
  }

  bool is_chosen(const ArchiveEntry& entry) const {
    const std::string_view kind = entry.description;
    if (entry.is_one_of({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"}))
      return true;
    if (is_relation(entry)) return has(entry);
    if (kind == "SEQUENCE OWNED BY") return has(entry) && is_owned_by_chosen(entry);
    if (kind == "TABLE ATTACH") return has(entry);
    if (kind == "MATERIALIZED VIEW DATA") return part_.contents && has(entry);
    if (kind.starts_with("PUBLICATION ")) {
      const ArchiveEntry* table = table_of(entry);
      const bool has_its_own = table != nullptr ? has(*table) : takes_schema(std::string(entry.schema));
      return part_.everything_else && has_its_own;
    }
    if (kind == "INDEX ATTACH") {
      return std::ranges::all_of(dependencies(entry), [this](const ArchiveEntry* index) {
        const ArchiveEntry* table = table_of(*index);
        return table == nullptr || has(*table);
      });
    }
    if (entry.is_one_of({"INDEX", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE",
                         "POLICY", "ROW SECURITY", "DEFAULT", "STATISTICS"})) {
      const ArchiveEntry* table = table_of(entry);
      if (table != nullptr) return has(*table);
    }
    if (!selection_.tables.empty()) return false;
    if (kind == "SCHEMA") return takes_schema(std::string(entry.tag));
    return entry.schema.empty() ? part_.everything_else : takes_schema(std::string(entry.schema));
  }

  const postgres::ArchiveToc& toc_;
  const Selection& selection_;
  std::map<int, const ArchiveEntry*> by_id_;
  std::set<QualifiedName> schemas_;
  std::set<QualifiedName> relations_;
  std::set<QualifiedName> tables_;
  std::set<QualifiedName> taken_schemas_;
  std::set<QualifiedName> not_tables_;
  std::set<QualifiedName> not_schemas_;
  ChosenPart part_;
};

}  // namespace

ChosenPart choose_part(const postgres::ArchiveToc& toc, const DatabaseContent& content,
                       const Selection& selection, const Matchers& matchers) {
  return Chooser(toc, content, selection, matchers).choose();
}

postgres::ArchiveToc part_of(const postgres::ArchiveToc& toc, const ChosenPart& part) {
  postgres::ArchiveToc narrowed = toc;
  std::erase_if(narrowed.entries,
                [&](const ArchiveEntry& entry) { return !part.entries.contains(entry.id); });
  return narrowed;
}

void narrow(DatabaseContent& content, const ChosenPart& part) {
  std::erase_if(content.tables, [&](const TableContent& table) {
    const TableAttributes& attributes = table.attributes;
    const QualifiedName name(attributes.schema, attributes.name);
    // An extension's own rows have no place without the extension.
    if (attributes.is_extension_config && !part.everything_else) return true;
    return !part.has_contents(name);
  });
  for (TableContent& table : content.tables) {
    std::string& root = table.attributes.load_through;
    if (!root.empty() && !part.relations.contains(parse_table_name(root))) root.clear();
  }
  if (!part.contents) content.sequences.clear();
  content.sequences_wanted.emplace();
  for (const QualifiedName& name : part.relations) {
    if (part.has_contents(name)) content.sequences_wanted->insert(name);
  }
  if (!part.contents || !part.everything_else) {
    content.large_objects.clear();
    content.large_object_attributes = {};
  }
}

void narrow(DatabaseRecord& record, const DatabaseContent& narrowed, const ChosenPart& part) {
  record.tables = narrowed.tables.size();
  record.rows = 0;
  record.row_bytes = 0;
  uint64_t bytes_on_disk = 0;
  for (const TableContent& table : narrowed.tables) {
    record.rows += table.attributes.fingerprint.rows;
    record.row_bytes += table.attributes.row_bytes;
    bytes_on_disk += table.attributes.heap_bytes + table.attributes.index_bytes;
  }
  record.properties.size_bytes = std::min(record.properties.size_bytes, bytes_on_disk);
  if (narrowed.large_objects.empty()) record.large_objects = 0;
  if (!part.everything_else) record.extensions.clear();
}

}  // namespace dbb::logical
