#include "logical/schema_plan.h"

#include <gmock/gmock.h>

#include <deque>

#include "base/error.h"
#include "logical/schema_queue.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using postgres::ArchiveSection;
using testing::ElementsAre;

constexpr auto kPre = ArchiveSection::kPreData;
constexpr auto kPost = ArchiveSection::kPostData;

// A table of contents that grows one entry at a time; ids are 1, 2, ...
class Contents {
 public:
  int add(ArchiveSection section, std::string_view description, std::string_view tag,
          std::vector<int> dependencies = {}, std::string_view definition = "") {
    const int id = static_cast<int>(toc_.entries.size()) + 1;
    toc_.entries.push_back({.id = id,
                            .tag = tag,
                            .description = description,
                            .section = section,
                            .definition = definition,
                            .schema = "public",
                            .dependencies = std::move(dependencies)});
    return id;
  }
  int table(std::string_view name, std::vector<int> dependencies = {}) {
    return add(kPre, "TABLE", name, std::move(dependencies));
  }
  SchemaPlan plan(const BuildCost* cost = nullptr) const {
    return plan_schema(toc_, [](const ArchiveEntry&) { return true; }, cost);
  }
  const postgres::ArchiveToc& toc() const { return toc_; }

 private:
  postgres::ArchiveToc toc_;
};

TableContent table_of(std::string name, uint64_t rows) {
  TableContent table;
  table.attributes.schema = "public";
  table.attributes.name = std::move(name);
  table.attributes.fingerprint.rows = rows;
  return table;
}

std::vector<std::string> tags(const SchemaTasks& tasks) {
  std::vector<std::string> found;
  for (const SchemaTask& task : tasks) found.emplace_back(task.entry->tag);
  return found;
}

// What is handed out when nothing that was handed out is done.
std::vector<std::string> at_once(const SchemaTasks& tasks, SchemaQueue& queue) {
  std::stop_source stopped;
  stopped.request_stop();
  std::vector<std::string> found;
  try {
    while (const auto task = queue.next(stopped.get_token())) found.emplace_back(tasks[*task].entry->tag);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  return found;
}
std::vector<std::string> at_once(const SchemaTasks& tasks) {
  SchemaQueue queue(tasks);
  return at_once(tasks, queue);
}

TEST(SchemaPlan, EntriesGoWhereTheirSectionAndTheirKindSay) {
  Contents contents;
  const int table = contents.table("t");
  contents.add(ArchiveSection::kNone, "COMMENT", "TABLE t", {table});
  contents.add(ArchiveSection::kNone, "ACL", "TABLE t", {table});
  contents.add(kPost, "INDEX", "t_i", {table});
  contents.add(ArchiveSection::kNone, "COMMENT", "INDEX t_i", {});
  contents.add(kPost, "EVENT TRIGGER", "audit");
  contents.add(kPost, "MATERIALIZED VIEW DATA", "m");
  const SchemaPlan plan = contents.plan();
  EXPECT_THAT(tags(plan.before_rows), ElementsAre("t", "TABLE t"));
  EXPECT_THAT(tags(plan.after_rows), ElementsAre("t_i", "INDEX t_i"));
  EXPECT_THAT(tags(plan.privileges), ElementsAre("TABLE t"));
  EXPECT_THAT(tags(plan.refreshes), ElementsAre("m"));
  EXPECT_THAT(tags(plan.event_triggers), ElementsAre("audit"));
}

TEST(SchemaPlan, WhatIsNeitherRelationNorFunctionIsRunAloneAndInOrder) {
  Contents contents;
  contents.table("a");
  contents.table("b");
  contents.add(kPre, "CAST", "cast");
  contents.add(kPre, "VIEW", "v");  // uses the cast, of which the server records nothing
  const SchemaTasks tasks = contents.plan().before_rows;
  SchemaQueue queue(tasks);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("a", "b"));
  queue.done(0);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre());
  queue.done(1);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("cast"));
  queue.done(2);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("v"));
}

TEST(SchemaPlan, PrivilegesOnSchemasComeBeforeThoseInThem) {
  Contents contents;
  const int table = contents.table("t");
  contents.add(ArchiveSection::kNone, "ACL", "SCHEMA s");
  contents.add(ArchiveSection::kNone, "ACL", "TABLE t", {table});
  const SchemaTasks tasks = contents.plan().privileges;
  EXPECT_THAT(at_once(tasks), ElementsAre("SCHEMA s"));
}

TEST(SchemaPlan, TheLargestTablesAreIndexedFirst) {
  Contents contents;
  const int small = contents.table("small");
  const int large = contents.table("large");
  contents.add(kPost, "INDEX", "small_i", {small}, "CREATE INDEX small_i ON public.small USING btree (a);");
  contents.add(kPost, "INDEX", "large_i", {large}, "CREATE INDEX large_i ON public.large USING btree (a);");
  contents.add(kPost, "INDEX", "large_j", {large}, "CREATE INDEX large_j ON public.large USING btree (b);");
  const BuildCost cost(contents.toc(), {table_of("small", 1000), table_of("large", 100'000)},
                       SortKind::kBytes);
  const SchemaTasks tasks = contents.plan(&cost).after_rows;
  EXPECT_THAT(at_once(tasks), ElementsAre("large_i", "large_j", "small_i"));
}

TEST(SchemaPlan, AKeyHasItsTableAloneAndIndexesShareIt) {
  Contents contents;
  const int table = contents.table("t");
  contents.add(kPost, "INDEX", "i", {table});
  contents.add(kPost, "CONSTRAINT", "t pk", {table});
  contents.add(kPost, "INDEX", "j", {table});
  const SchemaTasks tasks = contents.plan().after_rows;
  SchemaQueue queue(tasks);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("i", "j"));
  queue.done(0);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre());
  queue.done(2);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("t pk"));
}

TEST(SchemaPlan, ForeignKeysThatMeetInATableAreNotAddedAtOnce) {
  Contents contents;
  const int a = contents.table("a");
  const int b = contents.table("b");
  const int c = contents.table("c");
  const int key = contents.add(kPost, "CONSTRAINT", "b pk", {b});
  contents.add(kPost, "FK CONSTRAINT", "a -> b", {a, key});
  contents.add(kPost, "FK CONSTRAINT", "c -> b", {c, key});
  const SchemaTasks tasks = contents.plan().after_rows;
  SchemaQueue queue(tasks);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("b pk"));
  queue.done(0);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("a -> b"));
  queue.done(1);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("c -> b"));
}

TEST(SchemaPlan, TheStateOfAPartitionsTriggerWaitsForTheTriggerAbove) {
  Contents contents;
  const int root = contents.table("root");
  const int one = contents.table("one");
  contents.add(kPre, "TABLE ATTACH", "one", {root, one});
  contents.add(kPost, "TRIGGER", "one touched", {one}, "ALTER TABLE a.one DISABLE TRIGGER touched;");
  contents.add(kPost, "TRIGGER", "root touched", {root}, "CREATE TRIGGER touched ... ON b.root ...;");
  const SchemaPlan plan = contents.plan();
  EXPECT_THAT(tags(plan.after_rows), ElementsAre("root touched", "one touched"));
  EXPECT_THAT(plan.after_rows[1].waits_for, testing::Contains(0U));
}

TEST(SchemaPlan, StatesOfTriggersOfOneNameFollowOneAnother) {
  Contents contents;
  const int root = contents.table("root");
  const int other = contents.table("other");
  const int one = contents.table("one");
  const int two = contents.table("two");
  contents.add(kPost, "TRIGGER", "one touched", {one}, "ALTER TABLE a.one DISABLE TRIGGER touched;");
  contents.add(kPost, "TRIGGER", "two touched", {two}, "ALTER TABLE a.two DISABLE TRIGGER touched;");
  contents.add(kPost, "TRIGGER", "root touched", {root}, "CREATE TRIGGER touched ... ON b.root ...;");
  contents.add(kPost, "TRIGGER", "other touched", {other}, "CREATE TRIGGER touched ... ON b.other ...;");
  contents.add(kPost, "TRIGGER", "other seen", {other}, "CREATE TRIGGER seen ... ON b.other ...;");
  const SchemaTasks tasks = contents.plan().after_rows;
  EXPECT_THAT(tags(tasks),
              ElementsAre("root touched", "other touched", "other seen", "one touched", "two touched"));
  EXPECT_THAT(tasks[2].waits_for, ElementsAre());
  EXPECT_THAT(tasks[3].waits_for, ElementsAre(0U, 1U));
  EXPECT_THAT(tasks[4].waits_for, ElementsAre(3U));
}

TEST(SchemaPlan, WhoHasANameOfAnotherTablesConstraintIsMadeAfterIt) {
  const std::string long_name(50, 't');
  std::deque<std::string> texts;  // entries point into them
  Contents contents;
  const auto table = [&](const std::string& name, const std::string& column) {
    const std::string& tag = texts.emplace_back(name);
    contents.add(kPre, "TABLE", tag, {},
                 texts.emplace_back("CREATE TABLE public." + name + " (\n    " + column + "\n);\n"));
  };
  table("orders", "a integer NOT NULL");
  table("orders_old", "a integer CONSTRAINT orders_a_not_null NOT NULL");
  table("other", "a integer CONSTRAINT other_a CHECK (a > 0)");
  table("other_old", "a integer CONSTRAINT other_a_not_null NOT NULL");
  table(long_name, "a integer NOT NULL");
  table("long_old", "a integer CONSTRAINT " + long_name + "aaa_not_null NOT NULL");
  const SchemaTasks tasks = contents.plan().before_rows;
  EXPECT_THAT(tasks[1].waits_for, ElementsAre(0U));
  EXPECT_THAT(tasks[3].waits_for, ElementsAre()) << "other has no such constraint";
  EXPECT_THAT(tasks[5].waits_for, ElementsAre(4U));
}

TEST(SchemaPlan, PartitionsAreIndexedAtOnceAndAttachedAlone) {
  Contents contents;
  const int root = contents.table("root");
  const int one = contents.table("one");
  const int two = contents.table("two");
  contents.add(kPre, "TABLE ATTACH", "one", {root, one});
  contents.add(kPre, "TABLE ATTACH", "two", {root, two});
  const int root_index = contents.add(kPost, "INDEX", "root_i", {root});
  const int one_index = contents.add(kPost, "INDEX", "one_i", {one});
  contents.add(kPost, "INDEX", "two_i", {two});
  contents.add(kPost, "INDEX ATTACH", "one_i to root_i", {root_index, one_index});
  const SchemaPlan plan = contents.plan();
  SchemaQueue tables(plan.before_rows);
  EXPECT_THAT(at_once(plan.before_rows, tables), ElementsAre("root", "one", "two"));
  for (const uint32_t done : {0U, 1U, 2U}) tables.done(done);
  EXPECT_THAT(at_once(plan.before_rows, tables), ElementsAre("one"));

  SchemaQueue indexes(plan.after_rows);
  EXPECT_THAT(at_once(plan.after_rows, indexes), ElementsAre("root_i", "one_i", "two_i"));
  indexes.done(0);
  indexes.done(1);
  EXPECT_THAT(at_once(plan.after_rows, indexes), ElementsAre()) << "two_i is built in the same tree";
  indexes.done(2);
  EXPECT_THAT(at_once(plan.after_rows, indexes), ElementsAre("one_i to root_i"));
}

TEST(SchemaPlan, ChildrenOfOneParentAreMadeOneAfterTheOther) {
  Contents contents;
  const int parent = contents.table("parent");
  contents.add(kPre, "TABLE", "a", {parent}, "CREATE TABLE public.a (\n)\nINHERITS (public.parent);\n");
  contents.add(kPre, "TABLE", "b", {parent}, "CREATE TABLE public.b (\n)\nINHERITS (public.parent);\n");
  const SchemaTasks tasks = contents.plan().before_rows;
  SchemaQueue queue(tasks);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("parent"));
  queue.done(0);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("a"));
}

TEST(SchemaQueue, EveryTaskIsHandedOutOnceAndThenThereIsNone) {
  Contents contents;
  contents.table("a");
  contents.table("b");
  const SchemaTasks tasks = contents.plan().before_rows;
  SchemaQueue queue(tasks);
  const std::stop_token never;
  EXPECT_EQ(queue.next(never), 0);
  EXPECT_EQ(queue.next(never), 1);
  EXPECT_EQ(queue.next(never), std::nullopt);
}

TEST(SchemaQueue, WhatIsBehindAGateIsHandedOutWhenItIsOpened) {
  Contents contents;
  contents.add(kPost, "INDEX", "a");
  contents.add(kPost, "INDEX", "b");
  contents.add(kPost, "INDEX", "late");
  contents.add(kPost, "INDEX", "after a", {1});
  const SchemaTasks tasks = contents.plan().after_rows;
  SchemaQueue queue(tasks, {"A", "B", "all", "B"});
  EXPECT_THAT(at_once(tasks, queue), ElementsAre());
  queue.open("B");
  queue.open("nobody's");
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("b"));
  queue.open("A");
  queue.open("A");
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("a"));
  queue.done(0);
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("after a"));
  queue.open_all();
  EXPECT_THAT(at_once(tasks, queue), ElementsAre("late"));
  EXPECT_EQ(queue.next({}), std::nullopt);
}

}  // namespace
}  // namespace dbb::logical
