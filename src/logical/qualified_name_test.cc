#include "logical/qualified_name.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

const QualifiedName kOrders("public", "orders");

ArchiveEntry entry(std::string_view description, std::string_view tag, std::string_view definition = {}) {
  ArchiveEntry made;
  made.description = description;
  made.schema = "public";
  made.tag = tag;
  made.definition = definition;
  return made;
}

TEST(QualifiedName, IsTypedWithASchemaOrWithout) {
  EXPECT_EQ(parse_table_name("public.orders"), kOrders);
  EXPECT_EQ(parse_table_name("orders"), QualifiedName("", "orders"));
  EXPECT_EQ(parse_table_name("\"a.b\".\"c\"\"d\""), QualifiedName("a.b", "c\"d"));
  for (const char* wrong : {"", ".", "a.", "a.b.c", "\"a"}) EXPECT_THROW(parse_table_name(wrong), Error);
}

TEST(QualifiedName, WhatBelongsToATableIsNamedAfterIt) {
  const ArchiveEntry orders = entry("TABLE", "orders");
  EXPECT_EQ(name_after_table(entry("CONSTRAINT", "orders orders_pkey"), orders), "orders_pkey");
  EXPECT_EQ(name_after_table(entry("ROW SECURITY", "orders"), orders), "");
  EXPECT_FALSE(name_after_table(entry("CONSTRAINT", "orders_old orders_pkey"), orders));
  ArchiveEntry elsewhere = entry("CONSTRAINT", "orders orders_pkey");
  elsewhere.schema = "sales";
  EXPECT_FALSE(name_after_table(elsewhere, orders));
}

TEST(QualifiedName, AnOwnedSequenceNamesItsTable) {
  EXPECT_EQ(owning_table(entry("SEQUENCE OWNED BY", "s",
                               "ALTER SEQUENCE public.s OWNED BY public.orders.\"the id\";\n")),
            kOrders);
  EXPECT_FALSE(owning_table(entry("SEQUENCE OWNED BY", "s", "ALTER SEQUENCE public.s OWNED BY")));
}

TEST(QualifiedName, ParentsAreWhatStandsInTheParenthesesOfInherits) {
  const ArchiveEntry child = entry("TABLE", "child",
                                   "CREATE TABLE public.child (\n    kind public.kind\n)\n"
                                   "INHERITS (public.orders, \"S\".b)\nWITH "
                                   "(toast.autovacuum_enabled='false');\n");
  EXPECT_EQ(parents_in(child), (std::set<QualifiedName>{kOrders, {"S", "b"}}));
  EXPECT_TRUE(parents_in(entry("TABLE", "a", "CREATE TABLE public.a (\n    kind public.kind\n);\n")).empty());
}

TEST(QualifiedName, APartitionOfAnOldArchiveIsAttachedWhereItIsMade) {
  const std::string made = "CREATE TABLE public.part (\n    id integer\n);\n";
  const std::string attached =
      made + "ALTER TABLE ONLY public.orders ATTACH PARTITION public.part FOR VALUES IN (1);\n";
  EXPECT_EQ(attached_to(entry("TABLE", "part", attached)), kOrders);
  EXPECT_FALSE(attached_to(entry("TABLE", "part", made)));
  EXPECT_EQ(without_attachment(attached), made + ";\n");
  EXPECT_EQ(without_attachment(made), made);
}

}  // namespace
}  // namespace dbb::logical
