#include "logical/chosen_part.h"

#include <gmock/gmock.h>

#include "base/error.h"

// That the choice is pg_dump's is held against pg_dump in tests/e2e/test_selection.py.
namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Schemas a and b; a.one with a key, an owned sequence and a comment on a column; b.two refers to it.
class AChosenPart : public testing::Test {
 protected:
  AChosenPart() {
    add(1, "SCHEMA", "", "a");
    add(2, "SCHEMA", "", "b");
    add(3, "EXTENSION", "", "citext");
    add(4, "FUNCTION", "a", "f()", {1});
    add(5, "TABLE", "a", "one", {1});
    add(6, "SEQUENCE", "b", "one_id", {2});
    add(7, "SEQUENCE OWNED BY", "b", "one_id", {6}, "ALTER SEQUENCE b.one_id OWNED BY a.one.id;");
    add(8, "TABLE", "b", "two", {2});
    add(9, "CONSTRAINT", "a", "one one_pkey", {5});
    add(10, "FK CONSTRAINT", "b", "two two_fkey", {5, 8, 9});
    add(11, "COMMENT", "a", "COLUMN one.id", {5});
    add(12, "COMMENT", "", "EXTENSION citext", {3});
    for (const char* name : {"one", "two"}) {
      TableContent table;
      table.attributes.schema = std::string(name) == "one" ? "a" : "b";
      table.attributes.name = name;
      content_.tables.push_back(std::move(table));
    }
  }

  void add(int id, std::string_view kind, std::string_view schema, std::string_view tag,
           std::vector<int> dependencies = {}, std::string_view definition = "") {
    toc_.entries.push_back({.id = id,
                            .tag = tag,
                            .description = kind,
                            .definition = definition,
                            .schema = schema,
                            .dependencies = std::move(dependencies)});
  }

  // Patterns are "schema.table" and "schema" as they are.
  ChosenPart choose(const Selection& selection) const {
    const auto same = [](const std::string& pattern, const std::set<QualifiedName>& names) {
      std::set<QualifiedName> found;
      for (const QualifiedName& name : names) {
        if (pattern == (name.second.empty() ? name.first : name.first + "." + name.second))
          found.insert(name);
      }
      return found;
    };
    return choose_part(toc_, content_, selection, {.relations = same, .schemas = same});
  }
  std::vector<std::string> rows_of(const Selection& selection) const {
    DatabaseContent content = content_;
    narrow(content, choose(selection));
    std::vector<std::string> names;
    for (const TableContent& table : content.tables) names.push_back(table.attributes.qualified_name());
    return names;
  }

  postgres::ArchiveToc toc_;
  DatabaseContent content_;
};

TEST_F(AChosenPart, OfATableHasWhatHangsOnItAndNothingElse) {
  EXPECT_THAT(choose({.tables = {"a.one"}}).entries, UnorderedElementsAre(5, 6, 7, 9, 11));
  EXPECT_THAT(choose({.tables = {"b.two"}}).entries, UnorderedElementsAre(8, 10));
  EXPECT_THAT(rows_of({.tables = {"a.one"}}), ElementsAre("a.one"));
}

TEST_F(AChosenPart, OfASchemaHasItsObjectsAndNoExtensions) {
  EXPECT_THAT(choose({.schemas = {"a"}}).entries, UnorderedElementsAre(1, 4, 5, 6, 7, 9, 11));
}

TEST_F(AChosenPart, WithoutASchemaHasEverythingElse) {
  EXPECT_THAT(choose({.exclude_schemas = {"b"}}).entries, UnorderedElementsAre(1, 3, 4, 5, 6, 7, 9, 11, 12));
  EXPECT_THAT(choose({.exclude_tables = {"a.one"}}).entries, UnorderedElementsAre(1, 2, 3, 4, 6, 8, 10, 12));
}

TEST_F(AChosenPart, WithoutRowsHasAllDefinitions) {
  EXPECT_EQ(choose({.schema_only = true}).entries.size(), toc_.entries.size());
  EXPECT_THAT(rows_of({.schema_only = true}), ElementsAre());
  EXPECT_THAT(rows_of({.exclude_table_data = {"a.one"}}), ElementsAre("b.two"));
}

TEST_F(AChosenPart, OfNothingIsRefused) {
  EXPECT_THROW(choose({.tables = {"a.three"}}), Error);
  EXPECT_THROW(choose({.schemas = {"c"}}), Error);
  EXPECT_NO_THROW(choose({.exclude_tables = {"a.three"}}));
}

}  // namespace
}  // namespace dbb::logical
