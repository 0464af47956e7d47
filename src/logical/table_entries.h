#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "logical/qualified_name.h"
#include "postgres/archive_toc.h"

// One table out of a schema archive, with its partitions or the tables that inherit from it, to be built in
// another schema than its own. Pure functions.
namespace dbb::logical {

struct MovedNames;

// The entries of one table, and of all tables below it: definition, defaults, constraints, indexes, triggers,
// rules, policies, statistics, owned sequences, comments, privileges and labels, all of them moved into
// `schema`. Foreign keys of other tables are not among them, nor is the table's own place below another.
class TableEntries {
 public:
  // The archive's bytes must outlive it. `toc().entries` is empty when there is no such table.
  TableEntries(const postgres::ArchiveToc& toc, const QualifiedName& table, const std::string& schema);
  TableEntries(const TableEntries&) = delete;
  TableEntries& operator=(const TableEntries&) = delete;

  const postgres::ArchiveToc& toc() const { return toc_; }
  struct Member {
    QualifiedName name;           // in the archive
    bool is_partitioned = false;  // has no rows of its own
    bool is_foreign = false;      // likewise
    std::string owner = {};
  };
  // The table, and after it those below it.
  const std::vector<Member>& members() const { return members_; }
  // Two names that would be one in the new schema, for people; "" when there are none.
  const std::string& clash() const { return clash_; }
  struct Parent {
    QualifiedName child;  // both by their names in the archive
    QualifiedName parent;
  };
  // Tables outside that members inherit from.
  const std::vector<Parent>& other_parents() const { return other_parents_; }
  // Tables in the new schema, like those that members inherit from, which describe columns and checks of
  // theirs. To be left and dropped when the members are there. A parent that is not in the archive has none:
  // such a member is made below the one that is there.
  const std::vector<std::string>& helpers() const { return helpers_; }
  bool is_helper(const postgres::ArchiveEntry& entry) const { return helper_ids_.contains(entry.id); }
  // Sequences that came with it, by the names they have in the archive.
  const std::vector<QualifiedName>& sequences() const { return sequences_; }
  // What hangs on the table and is left behind: its place among partitions, publications.
  const std::vector<std::string>& left_behind() const { return left_behind_; }

 private:
  class Family;
  void add_helpers(const Family& family, const std::string& schema, MovedNames& moved);
  void move(const MovedNames& moved, const std::string& schema);

  std::deque<std::string> texts_;  // entries point into them
  postgres::ArchiveToc toc_;
  std::vector<Member> members_;
  std::vector<Parent> other_parents_;
  std::vector<std::string> helpers_;
  std::set<int> helper_ids_;
  std::string clash_;
  std::vector<QualifiedName> sequences_;
  std::vector<std::string> left_behind_;
};

}  // namespace dbb::logical
