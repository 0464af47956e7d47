#include "logical/table_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "logical/moved_names.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

bool depends_on(const ArchiveEntry& entry, const std::set<int>& ids) {
  return std::ranges::any_of(entry.dependencies, [&](int id) { return ids.contains(id); });
}

bool belongs_to(const ArchiveEntry& entry, const ArchiveEntry& table) {
  if (!depends_on(entry, {table.id})) return false;
  if (entry.is_one_of({"INDEX", "STATISTICS"})) return true;
  if (is_identity_sequence(entry)) return true;
  return entry.is_one_of({"DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE",
                          "ROW SECURITY", "POLICY"}) &&
         name_after_table(entry, table).has_value();
}

bool is_table(const ArchiveEntry& entry) { return entry.is_one_of({"TABLE", "FOREIGN TABLE"}); }

// Of these kinds of objects, no two of one schema can share a name.
std::string clash_among(std::initializer_list<const MovedNames::Names*> kinds) {
  std::map<std::string, std::string> schemas;
  for (const MovedNames::Names* names : kinds) {
    for (const auto& [name, moved] : *names) {
      const auto [place, is_new] = schemas.try_emplace(name.second, name.first);
      if (!is_new && place->second != name.first)
        return fmt::format("{0}.{2} and {1}.{2}", place->second, name.first, name.second);
    }
  }
  return {};
}

}  // namespace

// A table and those below it, be they partitions or children.
class TableEntries::Family {
 public:
  Family(const postgres::ArchiveToc& toc, const ArchiveEntry& root) {
    for (const ArchiveEntry& entry : toc.entries) {
      by_id_.emplace(entry.id, &entry);
      if (is_table(entry)) add_children(entry);
    }
    for (const ArchiveEntry& entry : toc.entries) {
      if (entry.description == "TABLE ATTACH") add_attachment(entry);
    }
    add(root);
    for (size_t i = 0; i < members_.size();
         ++i) {  // grows meanwhile; a circle ends, since none is added twice
      const auto [begin, end] = children_.equal_range(members_[i]->id);
      for (auto child = begin; child != end; ++child) add(*child->second);
    }
    for (const auto& [parent, child] : children_) {
      if (member_ids_.contains(child->id) && !member_ids_.contains(parent) && !attached_.contains(child->id))
        add_ancestors(*by_id_.at(parent));
    }
  }

  const std::vector<const ArchiveEntry*>& members() const { return members_; }
  // Tables that are no members, and that members inherit from.
  const std::vector<const ArchiveEntry*>& ancestors() const { return ancestors_; }
  bool is_index(int id) const {
    const auto found = by_id_.find(id);
    return found != by_id_.end() && found->second->is_one_of({"INDEX", "CONSTRAINT"});
  }

  // The member that the entry is an index, a constraint, a trigger ... of.
  const ArchiveEntry* member_of(const ArchiveEntry& entry) const {
    for (const int id : entry.dependencies) {
      if (member_ids_.contains(id) && belongs_to(entry, *by_id_.at(id))) return by_id_.at(id);
    }
    return nullptr;
  }

  bool has(const ArchiveEntry& entry) const {
    if (entry.description == "TABLE ATTACH") {
      return std::ranges::count_if(entry.dependencies, [&](int id) { return member_ids_.contains(id); }) > 1;
    }
    return member_of(entry) != nullptr;
  }

  // It is about a member itself; of attachments, about the one that is attached.
  bool concerns(const ArchiveEntry& entry) const {
    return std::ranges::any_of(entry.dependencies, [&](int id) {
      if (!member_ids_.contains(id)) return false;
      return entry.description != "TABLE ATTACH" || qualified_name(*by_id_.at(id)) == qualified_name(entry);
    });
  }

 private:
  void add(const ArchiveEntry& table) {
    if (member_ids_.insert(table.id).second) members_.push_back(&table);
  }

  void add_children(const ArchiveEntry& table) {
    std::set<QualifiedName> parents = parents_in(table);
    if (const std::optional<QualifiedName> root = attached_to(table)) {
      attached_.insert(table.id);
      parents.insert(*root);
    }
    if (parents.empty()) return;
    // It may depend on other tables for its columns' types.
    for (const int id : table.dependencies) {
      const auto parent = by_id_.find(id);  // parents stand before their children
      if (parent != by_id_.end() && is_table(*parent->second) &&
          parents.contains(qualified_name(*parent->second)))
        children_.emplace(id, &table);
    }
  }

  void add_ancestors(const ArchiveEntry& table) {
    if (std::ranges::find(ancestors_, &table) != ancestors_.end()) return;
    ancestors_.push_back(&table);
    for (const auto& [parent, child] : children_) {
      if (child == &table) add_ancestors(*by_id_.at(parent));
    }
  }

  // It depends on both tables, and is called as the lower one.
  void add_attachment(const ArchiveEntry& attachment) {
    const ArchiveEntry* child = nullptr;
    for (const int id : attachment.dependencies) {
      const auto found = by_id_.find(id);
      if (found != by_id_.end() && is_table(*found->second) &&
          qualified_name(*found->second) == qualified_name(attachment))
        child = found->second;
    }
    if (child == nullptr) return;
    attached_.insert(child->id);
    for (const int id : attachment.dependencies) {
      if (id != child->id && by_id_.contains(id)) children_.emplace(id, child);
    }
  }

  std::map<int, const ArchiveEntry*> by_id_;
  std::multimap<int, const ArchiveEntry*> children_;  // by the id of the one above
  std::set<int> attached_;
  std::set<int> member_ids_;
  std::vector<const ArchiveEntry*> members_;
  std::vector<const ArchiveEntry*> ancestors_;
};

TableEntries::TableEntries(const postgres::ArchiveToc& toc, const QualifiedName& table,
                           const std::string& schema)
    : toc_(toc) {
  const auto found = std::ranges::find_if(toc.entries, [&](const ArchiveEntry& entry) {
    return entry.description == "TABLE" && entry.schema == table.first && entry.tag == table.second;
  });
  if (found == toc.entries.end()) {
    toc_.entries.clear();
    return;
  }
  const int root_id = found->id;
  const std::string shown = fmt::format("{}.{}", table.first, table.second);
  const Family family(toc, *found);
  std::set<int> ids;
  std::set<QualifiedName> tables;
  for (const ArchiveEntry* member : family.members()) {
    ids.insert(member->id);
    tables.insert(qualified_name(*member));
    members_.push_back(
        {.name = qualified_name(*member),
         .is_partitioned = member->definition.find("\nPARTITION BY ") != std::string_view::npos,
         .is_foreign = member->description == "FOREIGN TABLE",
         .owner = std::string(member->owner)});
  }
  for (const ArchiveEntry* member : family.members()) {
    for (const QualifiedName& parent : parents_in(*member)) {
      if (!tables.contains(parent))
        other_parents_.push_back({.child = qualified_name(*member), .parent = parent});
    }
  }
  for (const ArchiveEntry& entry : toc.entries) {
    if (family.has(entry)) ids.insert(entry.id);
    const std::optional<QualifiedName> owner =
        entry.description == "SEQUENCE OWNED BY" ? owning_table(entry) : std::nullopt;
    if (owner && tables.contains(*owner)) sequences_.push_back(qualified_name(entry));
    const bool is_left = entry.is_one_of({"TABLE ATTACH", "PUBLICATION TABLE"});
    if (is_left && !ids.contains(entry.id) && family.concerns(entry))
      left_behind_.push_back(postgres::name_of(entry));
  }
  const auto in_schema = [&](const QualifiedName& name) {
    return std::pair(name, QualifiedName(schema, name.second));
  };
  MovedNames moved;
  for (const QualifiedName& name : tables) moved.tables.insert(in_schema(name));
  for (const ArchiveEntry& entry : toc.entries) {
    const QualifiedName name = qualified_name(entry);
    const bool is_ours = std::ranges::find(sequences_, name) != sequences_.end();
    if (is_ours && entry.is_one_of({"SEQUENCE", "SEQUENCE OWNED BY"})) ids.insert(entry.id);
    if (!ids.contains(entry.id)) continue;
    if (entry.description == "SEQUENCE" && !is_ours) sequences_.push_back(name);
    if (entry.description == "SEQUENCE") moved.sequences.insert(in_schema(name));
    if (entry.description == "STATISTICS") moved.statistics.insert(in_schema(name));
    if (entry.description == "INDEX") moved.indexes.insert(in_schema(name));
    // The index of a key has the key's name: "orders orders_pkey".
    const ArchiveEntry* member = entry.description == "CONSTRAINT" ? family.member_of(entry) : nullptr;
    const auto key = member == nullptr ? std::nullopt : name_after_table(entry, *member);
    if (key) moved.indexes.insert(in_schema({std::string(entry.schema), std::string(*key)}));
  }
  // Both indexes are among them, or neither.
  for (const ArchiveEntry& entry : toc.entries) {
    if (entry.description != "INDEX ATTACH") continue;
    const auto is_outside = [&](int id) { return family.is_index(id) && !ids.contains(id); };
    if (depends_on(entry, ids) && std::ranges::none_of(entry.dependencies, is_outside)) ids.insert(entry.id);
  }
  // What is set upon any of these, and what is set upon that: privileges on columns follow those on the
  // table.
  for (const ArchiveEntry& entry : toc.entries) {
    if (entry.is_one_of({"COMMENT", "ACL", "SECURITY LABEL"}) && depends_on(entry, ids)) ids.insert(entry.id);
  }
  clash_ = clash_among({&moved.tables, &moved.sequences, &moved.indexes});
  if (clash_.empty()) clash_ = clash_among({&moved.statistics});
  add_helpers(family, schema, moved);
  std::erase_if(toc_.entries, [&](const ArchiveEntry& entry) {
    return !ids.contains(entry.id) && !helper_ids_.contains(entry.id) &&
           !entry.is_one_of({"ENCODING", "STDSTRINGS"});
  });
  for (ArchiveEntry& entry : toc_.entries) {
    if (entry.id != root_id || !attached_to(entry)) continue;
    left_behind_.push_back("TABLE ATTACH " + shown);
    entry.definition = texts_.emplace_back(without_attachment(entry.definition));
  }
  move(moved, schema);
}

void TableEntries::add_helpers(const Family& family, const std::string& schema, MovedNames& moved) {
  for (const ArchiveEntry* parent : family.ancestors()) {
    // Tables of several schemas may have one name.
    helpers_.push_back(fmt::format("dbbackup_parent_{}", helpers_.size() + 1));
    moved.parents.emplace(qualified_name(*parent), QualifiedName(schema, helpers_.back()));
    helper_ids_.insert(parent->id);
    for (const ArchiveEntry& entry : toc_.entries) {
      if (entry.description == "CHECK CONSTRAINT" && belongs_to(entry, *parent)) helper_ids_.insert(entry.id);
    }
  }
}

void TableEntries::move(const MovedNames& moved, const std::string& schema) {
  const std::string_view new_schema = texts_.emplace_back(schema);
  for (ArchiveEntry& entry : toc_.entries) {
    if (entry.is_one_of({"ENCODING", "STDSTRINGS"})) continue;
    const auto helper = moved.parents.find(qualified_name(entry));  // before it is moved
    entry.definition = texts_.emplace_back(with_moved_names(entry.definition, moved));
    if (!entry.schema.empty()) entry.schema = new_schema;
    if (!is_helper(entry) || !is_table(entry)) continue;
    entry.tag = texts_.emplace_back(helper->second.second);
    entry.owner = {};
  }
}

}  // namespace dbb::logical
