#include "logical/index_gates.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

constexpr std::string_view kLate = "all rows";

const IndexFacts kFacts{.tables = {"public.t", "my schema.my table"}, .users_names = {"price", "email"}};

std::string gate(std::string_view description, std::string_view definition) {
  const postgres::ArchiveEntry entry{.description = description, .definition = definition};
  return index_gates({{.entry = &entry}}, kFacts).front();
}

TEST(IndexGates, PlainIndexesAndKeysNeedTheirOwnTable) {
  EXPECT_EQ(gate("INDEX", "CREATE INDEX t_a ON public.t USING btree (a, b DESC) INCLUDE (c);\n"), "public.t");
  EXPECT_EQ(gate("INDEX", "CREATE UNIQUE INDEX i ON public.t USING btree (lower(a)) WHERE (b IS NULL);\n"),
            "public.t");
  EXPECT_EQ(gate("INDEX", "CREATE INDEX \"ON\" ON ONLY \"my schema\".\"my table\" USING gin (a);\n"),
            "my schema.my table");
  EXPECT_EQ(gate("CONSTRAINT",
                 "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n\n\n"
                 "ALTER TABLE public.t CLUSTER ON t_pkey;\n"),
            "public.t");
  EXPECT_EQ(gate("CONSTRAINT", "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT k UNIQUE (a) DEFERRABLE;\n"),
            "public.t");
}

TEST(IndexGates, WhatCallsFunctionsOfUsersNeedsAllRows) {
  EXPECT_EQ(gate("INDEX", "CREATE INDEX i ON public.t USING btree (public.price(a));\n"), kLate);
  EXPECT_EQ(gate("INDEX", "CREATE INDEX i ON public.t USING btree (a) WHERE (public.price(b) > 3);\n"),
            kLate);
  EXPECT_EQ(gate("INDEX", "CREATE INDEX i ON public.t USING btree (((a)::public.email));\n"), kLate);
  EXPECT_EQ(gate("INDEX", "CREATE INDEX i ON public.t USING btree (public.\"price\"(a));\n"), kLate);
}

TEST(IndexGates, WhatIsNeitherPlainIndexNorKeyNeedsAllRows) {
  EXPECT_EQ(gate("INDEX", "CREATE INDEX i ON public.other USING btree (a);\n"), kLate);
  EXPECT_EQ(
      gate("CONSTRAINT", "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT x EXCLUDE USING gist (a WITH =);\n"),
      kLate);
  EXPECT_EQ(gate("FK CONSTRAINT",
                 "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES "
                 "public.u(a);\n"),
            kLate);
  EXPECT_EQ(gate("TRIGGER", "CREATE TRIGGER r AFTER INSERT ON public.t EXECUTE FUNCTION public.f();\n"),
            kLate);
  EXPECT_EQ(gate("INDEX", ""), kLate);
  EXPECT_EQ(gate("CONSTRAINT", "ALTER TABLE ONLY public.t ADD CONSTRAINT"), kLate);
}

}  // namespace
}  // namespace dbb::logical
