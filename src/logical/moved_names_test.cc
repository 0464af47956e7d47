#include "logical/moved_names.h"

#include <gtest/gtest.h>

namespace dbb::logical {
namespace {

std::string moved(std::string_view definition) {
  const QualifiedName status("public", "status");
  const QualifiedName there("x", "status");
  static const MovedNames kNames{.tables = {{{"public", "orders"}, {"x", "orders"}}},
                                 .parents = {{{"public", "mother"}, {"x", "parent_1"}}},
                                 .sequences = {{{"public", "s"}, {"x", "s"}}},
                                 .indexes = {{status, there}},
                                 .statistics = {{status, there}}};
  return with_moved_names(definition, kNames);
}

TEST(MovedNames, ATableIsRenamedWhereverItIsNamed) {
  EXPECT_EQ(moved("CREATE TABLE public.orders (id integer);"), "CREATE TABLE \"x\".\"orders\" (id integer);");
  EXPECT_EQ(moved("CREATE INDEX i ON ONLY public.orders USING btree (id)"),
            "CREATE INDEX i ON ONLY \"x\".\"orders\" USING btree (id)");
  EXPECT_EQ(moved("COMMENT ON COLUMN public.orders.id IS 'a'"),
            "COMMENT ON COLUMN \"x\".\"orders\".id IS 'a'");
  EXPECT_EQ(moved("FOREIGN KEY (a) REFERENCES public.orders(id)"),
            "FOREIGN KEY (a) REFERENCES \"x\".\"orders\"(id)");
  EXPECT_EQ(moved("ALTER SEQUENCE public.s OWNED BY public.orders.id"),
            "ALTER SEQUENCE \"x\".\"s\" OWNED BY \"x\".\"orders\".id");
  EXPECT_EQ(moved("INSERT INTO \"public\".orders (a) SELECT NULL::public.orders"),
            "INSERT INTO \"x\".\"orders\" (a) SELECT NULL::\"x\".\"orders\"");
}

TEST(MovedNames, AParentIsRenamedWhereItIsInheritedFromOrMade) {
  EXPECT_EQ(moved("CREATE TABLE public.orders (m public.mother)\nINHERITS (public.a, public.mother);"),
            "CREATE TABLE \"x\".\"orders\" (m public.mother)\nINHERITS (public.a, \"x\".\"parent_1\");");
  EXPECT_EQ(moved("CREATE TABLE public.mother (id integer);"),
            "CREATE TABLE \"x\".\"parent_1\" (id integer);");
}

TEST(MovedNames, FunctionsCollationsAndOperatorClassesOfThatNameStay) {
  for (const std::string_view text :
       {"CHECK (public.orders(id))", "CREATE TABLE public.t (c text COLLATE public.orders)",
        "CREATE INDEX i ON public.t USING btree (c public.orders)",
        "CREATE UNIQUE INDEX i ON public.t USING btree (lower(c) public.orders)", "a.public.orders",
        "SELECT * FROM public.orders(1)"}) {
    EXPECT_EQ(moved(text), text);
  }
}

TEST(MovedNames, OnlyLiteralsCastToRegclassAreNames) {
  EXPECT_EQ(moved("nextval('public.s'::regclass)"), "nextval('\"x\".\"s\"'::regclass)");
  EXPECT_EQ(moved("('public.orders'::regclass)::oid"), "('\"x\".\"orders\"'::regclass)::oid");
  for (const std::string_view text :
       {"'public.orders'", "'public.orders'::text", "nextval(('public.s'::text)::regclass)",
        "f('public.orders')", "'public.orders'::regclass.t", "'see public.orders'::regclass",
        "'public.orders'::"})
    EXPECT_EQ(moved(text), text);
}

TEST(MovedNames, NamesOfIndexesSequencesAndStatisticsStandOnlyWhereTheyMay) {
  EXPECT_EQ(moved("COMMENT ON INDEX public.status IS 'i'"), "COMMENT ON INDEX \"x\".\"status\" IS 'i'");
  EXPECT_EQ(moved("ALTER INDEX public.status ATTACH PARTITION public.status"),
            "ALTER INDEX \"x\".\"status\" ATTACH PARTITION \"x\".\"status\"");
  EXPECT_EQ(moved("ALTER STATISTICS public.status SET STATISTICS 5"),
            "ALTER STATISTICS \"x\".\"status\" SET STATISTICS 5");
  EXPECT_EQ(moved("ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.s START WITH 1)"),
            "ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME \"x\".\"s\" START WITH 1)");
  for (const std::string_view text :
       {"CREATE TABLE public.t (a public.status, s public.s)",
        "ALTER TABLE public.t ATTACH PARTITION public.status", "WHERE (a = 'x'::public.status)"})
    EXPECT_EQ(moved(text), text);
}

}  // namespace
}  // namespace dbb::logical
