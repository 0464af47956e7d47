#include "logical/schema_plan.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "logical/sql_script.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using postgres::ArchiveSection;
using postgres::RestorePass;

// How far an entry's statement locks the tables it depends on.
enum class Reach : uint8_t {
  kNone,
  kRead,   // others may read and index them at the same time
  kTable,  // nobody else may have the table; its siblings in a tree may be changed
  kTree,   // nobody else may have any table of the tree
};

struct KindRule {
  std::string_view description;
  Reach reach;
};

// Kinds that may run beside others. Every other kind is run alone.
constexpr std::array kParallelKinds{
    KindRule{"TABLE", Reach::kRead},
    KindRule{"VIEW", Reach::kRead},
    KindRule{"MATERIALIZED VIEW", Reach::kRead},
    KindRule{"FOREIGN TABLE", Reach::kRead},
    KindRule{"FUNCTION", Reach::kRead},
    KindRule{"PROCEDURE", Reach::kRead},
    KindRule{"SEQUENCE", Reach::kTable},  // of an identity column: ALTER TABLE
    KindRule{"SEQUENCE OWNED BY", Reach::kTable},
    KindRule{"DEFAULT", Reach::kTable},
    KindRule{"TABLE ATTACH", Reach::kTree},
    KindRule{"INDEX", Reach::kRead},
    KindRule{"INDEX ATTACH", Reach::kTree},
    KindRule{"CONSTRAINT", Reach::kTable},
    KindRule{"CHECK CONSTRAINT", Reach::kTree},
    KindRule{"FK CONSTRAINT", Reach::kTree},
    KindRule{"RULE", Reach::kTable},
    KindRule{"TRIGGER", Reach::kTree},
    KindRule{"POLICY", Reach::kTable},
    KindRule{"ROW SECURITY", Reach::kTable},
    KindRule{"STATISTICS", Reach::kTable},
    KindRule{"STATISTICS DATA", Reach::kTable},
    KindRule{"COMMENT", Reach::kTable},
    KindRule{"SECURITY LABEL", Reach::kTable},
    KindRule{"ACL", Reach::kTable},
    KindRule{"MATERIALIZED VIEW DATA", Reach::kTable},
};

std::optional<Reach> reach_of(const ArchiveEntry& entry) {
  // Who grants on with the grant option (SET SESSION AUTHORIZATION) must be let into the schema first.
  if (entry.description == "ACL" && entry.tag.starts_with("SCHEMA ")) return std::nullopt;
  // CLUSTER ON, REPLICA IDENTITY and column statistics of an index are statements of its entry.
  const bool changes_table =
      entry.description == "INDEX" && (entry.definition.find("\n\nALTER ") != std::string_view::npos);
  if (changes_table) return Reach::kTable;
  const auto rule = std::ranges::find(kParallelKinds, entry.description, &KindRule::description);
  if (rule == kParallelKinds.end()) return std::nullopt;
  const bool has_parents =
      entry.description == "TABLE" && entry.definition.find("\nINHERITS (") != std::string_view::npos;
  return has_parents ? Reach::kTree : rule->reach;
}

bool is_relation(const ArchiveEntry& entry) {
  return entry.section == ArchiveSection::kPreData &&
         (entry.description == "TABLE" || entry.description == "VIEW" ||
          entry.description == "MATERIALIZED VIEW" || entry.description == "FOREIGN TABLE" ||
          entry.description == "SEQUENCE");
}

// Of which relations the entries are, and which trees these form.
class Relations {
 public:
  explicit Relations(const postgres::ArchiveToc& toc) : toc_(toc), parent_(toc.entries.size()) {
    std::iota(parent_.begin(), parent_.end(), uint32_t{0});
    for (uint32_t i = 0; i < toc.entries.size(); ++i) index_.emplace(toc.entries[i].id, i);
    for (const ArchiveEntry& entry : toc.entries) {
      if (entry.description == "TABLE ATTACH") join(of(entry));
      if (entry.description == "TABLE" && reach_of(entry) == Reach::kTree) {
        std::vector<uint32_t> family = of(entry);
        family.push_back(index_.at(entry.id));
        join(family);
      }
    }
  }

  std::optional<uint32_t> index_of(int id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }

  // Indexes of the relations an entry depends on: directly, or as an index or a constraint of theirs.
  std::vector<uint32_t> of(const ArchiveEntry& entry) const {
    std::vector<uint32_t> found;
    for (const int id : entry.dependencies) {
      const std::optional<uint32_t> index = index_of(id);
      if (!index) continue;
      const ArchiveEntry& needed = toc_.entries[*index];
      if (is_relation(needed)) {
        found.push_back(*index);
      } else if (needed.description == "INDEX" || needed.description == "CONSTRAINT") {
        for (const int table : needed.dependencies) {
          const std::optional<uint32_t> of_index = index_of(table);
          if (of_index && is_relation(toc_.entries[*of_index])) found.push_back(*of_index);
        }
      }
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  uint32_t tree_of(uint32_t relation) const {
    while (parent_[relation] != relation) relation = parent_[relation];
    return relation;
  }

 private:
  void join(const std::vector<uint32_t>& family) {
    for (size_t i = 1; i < family.size(); ++i) {
      const uint32_t from = tree_of(family[i]);
      const uint32_t to = tree_of(family[0]);
      parent_[std::max(from, to)] = std::min(from, to);
    }
  }

  const postgres::ArchiveToc& toc_;
  std::unordered_map<int, uint32_t> index_;  // by dump id
  std::vector<uint32_t> parent_;             // towards the first relation of the tree
};

// A thing's number: trees have even ones, relations odd ones.
void add_claims(const Relations& relations, uint32_t relation, Reach reach, std::vector<LockClaim>& claims) {
  claims.push_back({.thing = relations.tree_of(relation) * 2, .exclusive = reach == Reach::kTree});
  if (reach != Reach::kTree)
    claims.push_back({.thing = relation * 2 + 1, .exclusive = reach == Reach::kTable});
}

// "ALTER TABLE parts.rest DISABLE TRIGGER touched;": the trigger itself comes with that of the table above,
// of which no dependency tells; pg_dump may put it later, by the names of the schemas.
bool is_state_of_inherited_trigger(const ArchiveEntry& entry) {
  return entry.description == "TRIGGER" && entry.definition.find("CREATE ") == std::string_view::npos;
}

// From 18 on NOT NULL is a constraint with a name. The server names it after table and column, or, if the
// schema has a constraint of that name, otherwise; pg_dump writes only names that are not the server's own. A
// copy or a former partition of a table has its names, and must not take them before the table has.
class NotNullNames {
 public:
  void order(uint32_t number, SchemaTask& task) {
    const ArchiveEntry& entry = *task.entry;
    if (entry.description != "TABLE" && entry.description != "FOREIGN TABLE") return;
    const std::vector<std::string> written = names_in(entry.definition);
    for (const std::string& name : written) add_owners(entry.schema, name, task.waits_for);
    if (count(entry.definition, " NOT NULL") <= written.size()) return;
    tables_.emplace(key(entry.schema, entry.tag), number);
    if (entry.tag.size() > kShortest)
      cut_[key(entry.schema, entry.tag.substr(0, kShortest))].push_back(number);
  }

 private:
  static constexpr size_t kShortest = 22;  // of a table's name, what the server keeps at least
  static constexpr size_t kMayBeCut = 60;  // bytes of a constraint's name, of 63

  static std::string key(std::string_view schema, std::string_view table) {
    std::string text(schema);
    text += '\0';
    return text.append(table);
  }

  static size_t count(std::string_view text, std::string_view part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  static std::vector<std::string> names_in(std::string_view definition) {
    std::vector<std::string> names;
    if (definition.find(" CONSTRAINT ") == std::string_view::npos) return names;
    for_each_statement(definition, [&](const Statement& statement) {
      const std::vector<Token>& tokens = statement.tokens;
      for (size_t at = 0; at + 3 < tokens.size(); ++at) {
        if (tokens[at].is("CONSTRAINT") && tokens[at + 2].is("NOT") && tokens[at + 3].is("NULL"))
          names.push_back(tokens[at + 1].value());
      }
    });
    return names;
  }

  // The tables to which the server would give this name.
  void add_owners(std::string_view schema, std::string_view name, std::vector<uint32_t>& owners) const {
    for (size_t at = name.find('_'); at != std::string_view::npos; at = name.find('_', at + 1)) {
      const auto found = tables_.find(key(schema, name.substr(0, at)));
      if (found != tables_.end()) owners.push_back(found->second);
    }
    if (name.size() < kMayBeCut) return;
    const auto found = cut_.find(key(schema, name.substr(0, kShortest)));
    if (found != cut_.end()) std::ranges::copy(found->second, std::back_inserter(owners));
  }

  // That have a NOT NULL without a name.
  std::unordered_map<std::string, uint32_t> tables_;
  std::unordered_map<std::string, std::vector<uint32_t>> cut_;  // by the beginnings of long names
};

class Planner {
 public:
  Planner(const postgres::ArchiveToc& toc, const BuildCost* cost)
      : toc_(toc), cost_(cost), relations_(toc), position_(toc.entries.size()) {}

  void add(const ArchiveEntry& entry, SchemaTasks& tasks) {
    const auto self = static_cast<uint32_t>(&entry - toc_.entries.data());
    Line& line = lines_[&tasks];
    SchemaTask task{.entry = &entry};
    if (cost_ != nullptr) task.weight = static_cast<uint64_t>(cost_->seconds(entry) * 1e6);
    const auto number = static_cast<uint32_t>(tasks.size());
    const std::optional<Reach> reach = reach_of(entry);
    if (line.barrier) task.waits_for.push_back(*line.barrier);
    if (!reach) {
      for (uint32_t i = line.barrier ? *line.barrier + 1 : 0; i < number; ++i) task.waits_for.push_back(i);
      line.barrier = number;
    } else {
      for (const int id : entry.dependencies) {
        const std::optional<uint32_t> needed = relations_.index_of(id);
        if (needed && position_[*needed].first == &tasks) task.waits_for.push_back(position_[*needed].second);
      }
      for (const uint32_t relation : relations_.of(entry)) {
        add_claims(relations_, relation, *reach, task.claims);
      }
      if (entry.description == "TRIGGER") order_by_trigger(line, number, task);
      line.not_null_names.order(number, task);
    }
    position_[self] = {&tasks, number};
    tasks.push_back(std::move(task));
  }

 private:
  struct Line {
    std::optional<uint32_t> barrier;  // the last task that ran alone
    // By the name of a trigger: whom its next state has to wait for.
    std::unordered_map<std::string_view, std::vector<uint32_t>> triggers;
    NotNullNames not_null_names;
  };

  // Those of the same name: an archive of pg_dump 13 does not tell which tables form a tree. A state waits
  // for all triggers before it, and then stands for them.
  static void order_by_trigger(Line& line, uint32_t number, SchemaTask& task) {
    const std::string_view tag = task.entry->tag;
    std::vector<uint32_t>& before = line.triggers[tag.substr(std::min(tag.rfind(' '), tag.size()))];
    if (is_state_of_inherited_trigger(*task.entry))
      std::ranges::copy(std::exchange(before, {}), std::back_inserter(task.waits_for));
    before.push_back(number);
  }

  const postgres::ArchiveToc& toc_;
  const BuildCost* cost_;
  const Relations relations_;
  std::unordered_map<const SchemaTasks*, Line> lines_;
  std::vector<std::pair<const SchemaTasks*, uint32_t>> position_;  // by entry: where its task is
};

}  // namespace

SchemaPlan plan_schema(const postgres::ArchiveToc& toc, const EntryFilter& filter, const BuildCost* cost) {
  SchemaPlan plan;
  Planner planner(toc, cost);
  // What belongs to no section (comments, privileges) is of that of the entry before it.
  ArchiveSection section = ArchiveSection::kPreData;
  std::vector<const ArchiveEntry*> trigger_states;
  for (const ArchiveEntry& entry : toc.entries) {
    if (entry.section != ArchiveSection::kNone) section = entry.section;
    if (!postgres::is_restored(entry) || entry.has_data || !filter(entry)) continue;
    switch (postgres::pass_of(entry)) {
      case RestorePass::kPrivileges:
        planner.add(entry, plan.privileges);
        break;
      case RestorePass::kRefreshes:
        planner.add(entry, plan.refreshes);
        break;
      case RestorePass::kEventTriggers:
        planner.add(entry, plan.event_triggers);
        break;
      case RestorePass::kObjects:
        if (is_state_of_inherited_trigger(entry)) {
          trigger_states.push_back(&entry);
          break;
        }
        planner.add(entry, section == ArchiveSection::kPostData ? plan.after_rows : plan.before_rows);
        break;
    }
  }
  for (const ArchiveEntry* entry : trigger_states) planner.add(*entry, plan.after_rows);
  return plan;
}

}  // namespace dbb::logical
