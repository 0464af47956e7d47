#include "logical/table_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "logical/moved_names.h"
#include "logical/sql_script.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, text) != list.end();
}

bool depends_on(const ArchiveEntry& entry, const std::set<int>& ids) {
  return std::ranges::any_of(entry.dependencies, [&](int id) { return ids.contains(id); });
}

// Their tag is "table name"; those of other tables may depend on ours as well.
bool is_named_after(const ArchiveEntry& entry, const ArchiveEntry& table) {
  return entry.schema == table.schema && entry.tag.starts_with(table.tag) &&
         entry.tag.substr(table.tag.size()).starts_with(' ');
}

bool belongs_to(const ArchiveEntry& entry, const ArchiveEntry& table) {
  if (!depends_on(entry, {table.id})) return false;
  if (is_one_of(entry.description, {"INDEX", "STATISTICS"})) return true;
  if (entry.description == "SEQUENCE")
    return entry.definition.find("ADD GENERATED") != std::string_view::npos;
  return is_one_of(entry.description, {"DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT",
                                       "TRIGGER", "RULE", "ROW SECURITY", "POLICY"}) &&
         (is_named_after(entry, table) || entry.tag == table.tag);
}

// ALTER SEQUENCE s OWNED BY schema.table.column
bool is_owned_by(const ArchiveEntry& entry, const std::set<QualifiedName>& tables) {
  bool is_owned = false;
  for_each_statement(entry.definition, [&](const Statement& statement) {
    const auto owner = qualified_name_at(statement.tokens, statement.find("BY") + 1);
    is_owned = is_owned || (owner && tables.contains(*owner));
  });
  return is_owned;
}

QualifiedName full_name(const ArchiveEntry& entry) {
  return {std::string(entry.schema), std::string(entry.tag)};
}

bool is_table(const ArchiveEntry& entry) { return is_one_of(entry.description, {"TABLE", "FOREIGN TABLE"}); }

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

// pg_dump 13 attaches a partition where it creates it; later ones do so in an entry of its own.
bool attaches_itself(const ArchiveEntry& table) {
  return table.definition.find(" ATTACH PARTITION ") != std::string_view::npos;
}

// A table may depend on another for its columns' types as well.
bool names_as_parent(const ArchiveEntry& table, const ArchiveEntry& parent) {
  bool found = false;
  for_each_statement(table.definition, [&](const Statement& statement) {
    const bool is_attachment = statement.begins_with({"ALTER", "TABLE"});
    for (size_t at = is_attachment ? 0 : statement.find("INHERITS"); at < statement.tokens.size(); ++at)
      found = found || qualified_name_at(statement.tokens, at) == full_name(parent);
  });
  return found;
}

std::string without_attachment(std::string_view definition) {
  std::string out;
  const char* copied_to = definition.data();
  for_each_statement(definition, [&](const Statement& statement) {
    const size_t attach = statement.find("ATTACH");
    const bool is_attachment = statement.begins_with({"ALTER", "TABLE"}) &&
                               attach < statement.tokens.size() &&
                               statement.find("PARTITION", attach) == attach + 1;
    if (!is_attachment) return;
    out.append(copied_to, statement.tokens.front().text.begin());
    copied_to = statement.text.data() + statement.text.size();
  });
  out.append(copied_to, definition.data() + definition.size());
  return out;
}

// CREATE TABLE ... INHERITS (public.a, public.b)
std::set<QualifiedName> parents_in(const ArchiveEntry& table) {
  std::set<QualifiedName> parents;
  if (table.definition.find("\nINHERITS (") == std::string_view::npos) return parents;
  for_each_statement(table.definition, [&](const Statement& statement) {
    for (size_t at = statement.find("INHERITS"); at < statement.tokens.size(); ++at) {
      if (const auto name = qualified_name_at(statement.tokens, at)) parents.insert(*name);
    }
  });
  return parents;
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
    return found != by_id_.end() && is_one_of(found->second->description, {"INDEX", "CONSTRAINT"});
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
      return entry.description != "TABLE ATTACH" || full_name(*by_id_.at(id)) == full_name(entry);
    });
  }

 private:
  void add(const ArchiveEntry& table) {
    if (member_ids_.insert(table.id).second) members_.push_back(&table);
  }

  void add_children(const ArchiveEntry& table) {
    const bool is_partition = attaches_itself(table);
    if (table.definition.find("\nINHERITS (") == std::string_view::npos && !is_partition) return;
    if (is_partition) attached_.insert(table.id);
    for (const int id : table.dependencies) {
      const auto parent = by_id_.find(id);  // parents stand before their children
      if (parent != by_id_.end() && is_table(*parent->second) && names_as_parent(table, *parent->second))
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
          full_name(*found->second) == full_name(attachment))
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

QualifiedName parse_table_name(std::string_view typed) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    if (c == '"' && quoted && i + 1 < typed.size() && typed[i + 1] == '"') {
      parts.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const bool has_empty = std::ranges::any_of(parts, [](const std::string& part) { return part.empty(); });
  if (parts.size() > 2 || has_empty || quoted) {
    throw Error(ErrorCode::kUsage,
                {.message = fmt::format("\"{}\" is not the name of a table.", typed),
                 .solution = {"Write schema.table, as the server spells them: public.orders",
                              "A name with a dot in it stands inside double quotes: 'public.\"a.b\"'"}});
  }
  if (parts.size() == 1) return {"", parts[0]};
  return {parts[0], parts[1]};
}

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
    tables.insert(full_name(*member));
    members_.push_back(
        {.name = full_name(*member),
         .is_partitioned = member->definition.find("\nPARTITION BY ") != std::string_view::npos,
         .is_foreign = member->description == "FOREIGN TABLE",
         .owner = std::string(member->owner)});
  }
  for (const ArchiveEntry* member : family.members()) {
    for (const QualifiedName& parent : parents_in(*member)) {
      if (!tables.contains(parent)) other_parents_.push_back({.child = full_name(*member), .parent = parent});
    }
  }
  for (const ArchiveEntry& entry : toc.entries) {
    if (family.has(entry)) ids.insert(entry.id);
    if (entry.description == "SEQUENCE OWNED BY" && is_owned_by(entry, tables))
      sequences_.push_back(full_name(entry));
    const bool is_left = is_one_of(entry.description, {"TABLE ATTACH", "PUBLICATION TABLE"});
    if (is_left && !ids.contains(entry.id) && family.concerns(entry))
      left_behind_.push_back(postgres::name_of(entry));
  }
  const auto in_schema = [&](const QualifiedName& name) {
    return std::pair(name, QualifiedName(schema, name.second));
  };
  MovedNames moved;
  for (const QualifiedName& name : tables) moved.tables.insert(in_schema(name));
  for (const ArchiveEntry& entry : toc.entries) {
    const QualifiedName name = full_name(entry);
    const bool is_ours = std::ranges::find(sequences_, name) != sequences_.end();
    if (is_ours && is_one_of(entry.description, {"SEQUENCE", "SEQUENCE OWNED BY"})) ids.insert(entry.id);
    if (!ids.contains(entry.id)) continue;
    if (entry.description == "SEQUENCE" && !is_ours) sequences_.push_back(name);
    if (entry.description == "SEQUENCE") moved.sequences.insert(in_schema(name));
    if (entry.description == "STATISTICS") moved.statistics.insert(in_schema(name));
    if (entry.description == "INDEX") moved.indexes.insert(in_schema(name));
    // The index of a key has the key's name: "orders orders_pkey".
    const ArchiveEntry* member = entry.description == "CONSTRAINT" ? family.member_of(entry) : nullptr;
    if (member != nullptr && is_named_after(entry, *member)) {
      moved.indexes.insert(
          in_schema({std::string(entry.schema), std::string(entry.tag.substr(member->tag.size() + 1))}));
    }
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
    if (is_one_of(entry.description, {"COMMENT", "ACL", "SECURITY LABEL"}) && depends_on(entry, ids))
      ids.insert(entry.id);
  }
  clash_ = clash_among({&moved.tables, &moved.sequences, &moved.indexes});
  if (clash_.empty()) clash_ = clash_among({&moved.statistics});
  add_helpers(family, schema, moved);
  std::erase_if(toc_.entries, [&](const ArchiveEntry& entry) {
    return !ids.contains(entry.id) && !helper_ids_.contains(entry.id) &&
           !is_one_of(entry.description, {"ENCODING", "STDSTRINGS"});
  });
  for (ArchiveEntry& entry : toc_.entries) {
    if (entry.id != root_id || !attaches_itself(entry)) continue;
    left_behind_.push_back("TABLE ATTACH " + shown);
    entry.definition = texts_.emplace_back(without_attachment(entry.definition));
  }
  move(moved, schema);
}

void TableEntries::add_helpers(const Family& family, const std::string& schema, MovedNames& moved) {
  for (const ArchiveEntry* parent : family.ancestors()) {
    // Tables of several schemas may have one name.
    helpers_.push_back(fmt::format("dbbackup_parent_{}", helpers_.size() + 1));
    moved.parents.emplace(full_name(*parent), QualifiedName(schema, helpers_.back()));
    helper_ids_.insert(parent->id);
    for (const ArchiveEntry& entry : toc_.entries) {
      if (entry.description == "CHECK CONSTRAINT" && belongs_to(entry, *parent)) helper_ids_.insert(entry.id);
    }
  }
}

void TableEntries::move(const MovedNames& moved, const std::string& schema) {
  const std::string_view new_schema = texts_.emplace_back(schema);
  for (ArchiveEntry& entry : toc_.entries) {
    if (is_one_of(entry.description, {"ENCODING", "STDSTRINGS"})) continue;
    const auto helper = moved.parents.find(full_name(entry));  // before it is moved
    entry.definition = texts_.emplace_back(with_moved_names(entry.definition, moved));
    if (!entry.schema.empty()) entry.schema = new_schema;
    if (!is_helper(entry) || !is_table(entry)) continue;
    entry.tag = texts_.emplace_back(helper->second.second);
    entry.owner = {};
  }
}

}  // namespace dbb::logical
