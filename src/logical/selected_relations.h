#pragma once

#include <optional>
#include <set>

#include "logical/selection.h"
#include "postgres/connection.h"

namespace dbb::logical {

// Which tables and sequences of a database a Selection takes: the same ones as pg_dump does with its
// arguments(), a server test says.
class SelectedRelations {
 public:
  SelectedRelations() = default;  // all, with rows
  // `connection` has the snapshot and the user's search path. Error kUsage, naming it, for a pattern of what
  // to take that matches nothing.
  SelectedRelations(postgres::Connection& connection, const Selection& selection);

  bool has(postgres::Oid relation) const { return !chosen_ || chosen_->contains(relation); }
  // Rows of a table, value of a sequence.
  bool has_contents(postgres::Oid relation) const {
    return !without_contents_.contains(relation) && has(relation);
  }

 private:
  std::optional<std::set<postgres::Oid>> chosen_;
  std::set<postgres::Oid> without_contents_;
};

}  // namespace dbb::logical
