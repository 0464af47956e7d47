#include "logical/build_cost.h"

#include <gmock/gmock.h>

#include <deque>
#include <string>
#include <utility>

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using testing::DoubleNear;
using testing::Gt;
using testing::Lt;

// One table of ten million rows, public.a, and statements about it.
class BuildCostTest : public testing::Test {
 protected:
  BuildCostTest() {
    tables_.push_back({.attributes = {.schema = "public", .name = "a"}, .parts = {}});
    attributes().fingerprint.rows = 10'000'000;
    attributes().heap_bytes = 1'000'000'000;
    attributes().index_bytes = 200'000'000;
    add("TABLE", "a", R"(CREATE TABLE public.a (
    id integer NOT NULL,
    number integer,
    price numeric(12,2) DEFAULT 1.5,
    "at, when" timestamp with time zone DEFAULT now() NOT NULL,
    name character varying(20) DEFAULT ''::character varying NOT NULL,
    code text COLLATE pg_catalog."C",
    icu text COLLATE pg_catalog."de-x-icu",
    tags text[],
    doc jsonb,
    data bytea,
    CONSTRAINT positive CHECK ((number > 0))
)
WITH (fillfactor='90');)");
  }

  TableAttributes& attributes() { return tables_.front().attributes; }

  int add(std::string_view description, std::string_view tag, std::string_view definition) {
    const int id = static_cast<int>(toc_.entries.size()) + 1;
    toc_.entries.push_back(
        {.id = id, .tag = tag, .description = description, .definition = definition, .schema = "public"});
    return id;
  }
  BuildCost cost(SortKind text = SortKind::kLocale) const { return BuildCost(toc_, tables_, text); }

  // Of that one statement alone.
  double seconds_of(std::string_view description, std::string_view definition,
                    SortKind text = SortKind::kLocale) {
    const int id = add(description, "x", definition);
    const double seconds = cost(text).seconds(toc_.entries.back());
    toc_.entries.pop_back();
    EXPECT_EQ(id, static_cast<int>(toc_.entries.size()) + 1);
    return seconds;
  }
  double index_on(const std::string& expression) {
    statements_.push_back("CREATE INDEX \"i.x\" ON public.a USING btree (" + expression + ");");
    return seconds_of("INDEX", statements_.back());
  }

  postgres::ArchiveToc toc_;
  std::vector<TableContent> tables_;
  std::deque<std::string> statements_;
};

TEST_F(BuildCostTest, TextOfALocaleIsDearerThanTextByItsBytesAndThatThanNumbersAndThoseThanAKey) {
  const double key =
      seconds_of("CONSTRAINT", "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT a_pkey PRIMARY KEY (id);");
  EXPECT_THAT(index_on("number"), Gt(key * 1.5));
  EXPECT_THAT(index_on("code"), Gt(index_on("number")));
  EXPECT_THAT(index_on("icu"), Gt(index_on("code")));
  EXPECT_THAT(index_on("name"), Gt(index_on("icu")));
}

TEST_F(BuildCostTest, WhatAnIndexSaysOfItsFirstColumnCounts) {
  EXPECT_EQ(index_on("name COLLATE \"C\""), index_on("code"));
  EXPECT_EQ(index_on("name varchar_pattern_ops"), index_on("code"));
  EXPECT_EQ(index_on("lower((name)::text) COLLATE \"de-x-icu\", id"), index_on("icu"));
  EXPECT_EQ(index_on("code COLLATE \"default\" DESC"), index_on("name"));
  EXPECT_EQ(index_on("lower((name)::text)"), index_on("name"));
  EXPECT_EQ(index_on("number, name"), index_on("number"));
  EXPECT_EQ(index_on("\"at, when\""), index_on("price"));
}

TEST_F(BuildCostTest, TheDatabasesOwnCollationCountsWhereNoneIsNamed) {
  const std::string_view index = "CREATE INDEX i ON public.a USING btree (name);";
  EXPECT_EQ(seconds_of("INDEX", index, SortKind::kBytes), index_on("code"));
  EXPECT_EQ(text_sort_of({.locale_provider = "c", .collate = "C"}), SortKind::kBytes);
  EXPECT_EQ(text_sort_of({.locale_provider = "c", .collate = "C.UTF-8"}), SortKind::kLocale);
  EXPECT_EQ(text_sort_of({.locale_provider = "", .collate = "de_DE.UTF-8"}), SortKind::kLocale);
  EXPECT_EQ(text_sort_of({.locale_provider = "i", .collate = "C"}), SortKind::kIcu);
  EXPECT_EQ(text_sort_of({.locale_provider = "b", .collate = "C"}), SortKind::kBytes);
}

TEST_F(BuildCostTest, ManyRowsTakeMoreEach) {
  const double of_many = index_on("name");
  attributes().fingerprint.rows /= 10;
  attributes().heap_bytes /= 10;
  attributes().index_bytes /= 10;
  EXPECT_THAT(of_many, Gt(index_on("name") * 13));
}

TEST_F(BuildCostTest, WhatAGinIndexTakesIsWhatTheOthersDoNot) {
  attributes().index_bytes = 3'300'000'000;
  add("INDEX", "k", "CREATE INDEX k ON public.a USING btree (number);");
  EXPECT_THAT(seconds_of("INDEX", "CREATE INDEX g ON public.a USING gin (doc);"), DoubleNear(100, 10));
}

TEST_F(BuildCostTest, AForeignKeyIsReadNotSorted) {
  const double checked = seconds_of(
      "FK CONSTRAINT",
      "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT f FOREIGN KEY (name) REFERENCES public.b(name);");
  EXPECT_THAT(checked, Gt(0.5));
  EXPECT_THAT(checked, Lt(index_on("name") / 2));
}

TEST_F(BuildCostTest, WhatGoesThroughNoRowsCostsNothing) {
  EXPECT_EQ(seconds_of("INDEX", "CREATE INDEX i ON ONLY public.root USING btree (name);"), 0);
  EXPECT_EQ(seconds_of("TRIGGER", "CREATE TRIGGER t AFTER INSERT ON public.a EXECUTE FUNCTION public.f();"),
            0);
  EXPECT_EQ(seconds_of("INDEX", ""), 0);
  EXPECT_EQ(seconds_of("INDEX", "CREATE INDEX i ON public.a"),
            seconds_of("INDEX", "CREATE INDEX i ON public.a ("));
  EXPECT_EQ(cost().all_seconds(), 0);
}

TEST_F(BuildCostTest, AllIsTheSumOfItsParts) {
  add("INDEX", "i", "CREATE INDEX i ON public.a USING btree (name);");
  add("INDEX", "j", "CREATE UNIQUE INDEX j ON public.a USING btree (number) WHERE (number > 5);");
  const BuildCost both = cost();
  EXPECT_DOUBLE_EQ(both.all_seconds(), both.seconds(toc_.entries[1]) + both.seconds(toc_.entries[2]));
}

TEST_F(BuildCostTest, ValuesThatAreConvertedAtSomeCostAreCounted) {
  // price, "at, when", tags and doc.
  EXPECT_EQ(cost().slow_values(), 4 * attributes().fingerprint.rows);
}

}  // namespace
}  // namespace dbb::logical
