#include "logical/globals.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kTarget = R"(
SET default_transaction_read_only = off;
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:target';
CREATE ROLE app;
ALTER ROLE app WITH NOSUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:new';
)";

constexpr std::string_view kBackup = R"(
\restrict x
SET default_transaction_read_only = off;
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:target';
CREATE ROLE app;
ALTER ROLE app WITH NOSUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:old';
CREATE ROLE "Odd; ""name";
ALTER ROLE "Odd; ""name" WITH NOLOGIN;
COMMENT ON ROLE "Odd; ""name" IS 'a; comment';
ALTER ROLE "Odd; ""name" SET search_path TO 'a', 'b';
CREATE ROLE reader;
ALTER ROLE reader WITH NOLOGIN;
GRANT reader TO app GRANTED BY postgres;
GRANT reader TO "Odd; ""name" WITH ADMIN OPTION GRANTED BY app;
GRANT postgres TO app GRANTED BY postgres;
GRANT pg_read_all_data TO reader GRANTED BY postgres;
GRANT SET ON PARAMETER work_mem TO reader;
GRANT SET ON PARAMETER work_mem TO app;
CREATE TABLESPACE fast OWNER reader LOCATION '/srv/fast';
ALTER TABLESPACE fast SET (random_page_cost=1);
GRANT ALL ON TABLESPACE fast TO app;
SET SESSION AUTHORIZATION app;
GRANT CREATE ON TABLESPACE fast TO reader;
RESET SESSION AUTHORIZATION;
)";

TEST(Globals, MissingRolesComeWithAllThatBelongsToThem) {
  const GlobalsPlan plan = plan_globals(kBackup, kTarget, std::nullopt);
  EXPECT_THAT(
      plan.create,
      ElementsAre("CREATE ROLE \"Odd; \"\"name\";", "ALTER ROLE \"Odd; \"\"name\" WITH NOLOGIN;",
                  "COMMENT ON ROLE \"Odd; \"\"name\" IS 'a; comment';",
                  "ALTER ROLE \"Odd; \"\"name\" SET search_path TO 'a', 'b';", "CREATE ROLE reader;",
                  "ALTER ROLE reader WITH NOLOGIN;", "GRANT reader TO app GRANTED BY postgres;",
                  "GRANT reader TO \"Odd; \"\"name\" WITH ADMIN OPTION GRANTED BY app;",
                  "GRANT pg_read_all_data TO reader GRANTED BY postgres;",
                  "GRANT SET ON PARAMETER work_mem TO reader;",
                  "CREATE TABLESPACE fast OWNER reader LOCATION '/srv/fast';",
                  "ALTER TABLESPACE fast SET (random_page_cost=1);", "GRANT ALL ON TABLESPACE fast TO app;",
                  "SET SESSION AUTHORIZATION app;\nGRANT CREATE ON TABLESPACE fast TO reader;\n"
                  "RESET SESSION AUTHORIZATION;"));
  EXPECT_THAT(plan.roles, ElementsAre("Odd; \"name", "reader"));
  ASSERT_EQ(plan.tablespaces.size(), 1);
  EXPECT_EQ(plan.tablespaces[0].location, "/srv/fast");
}

TEST(Globals, ExistingRolesStayAndTheirDifferencesAreListed) {
  const GlobalsPlan plan = plan_globals(kBackup, kTarget, std::nullopt);
  EXPECT_THAT(plan.differ, Contains("role app: another password than in the backup"));
  EXPECT_THAT(plan.differ,
              Contains("role app: only in the backup: GRANT postgres TO app GRANTED BY postgres;"));
  EXPECT_THAT(
      plan.differ,
      Contains("privileges on parameters: only in the backup: GRANT SET ON PARAMETER work_mem TO app;"));
  EXPECT_EQ(plan.differ.size(), 3);
}

TEST(Globals, NoDifferenceNamesAPassword) {
  const GlobalsPlan plan =
      plan_globals("CREATE ROLE a;\nALTER ROLE a WITH LOGIN PASSWORD 'it''s secret' VALID UNTIL 'infinity';",
                   "CREATE ROLE a;\nALTER ROLE a WITH NOLOGIN PASSWORD 'mine';", std::nullopt);
  EXPECT_THAT(plan.differ,
              ElementsAre("role a: only in the backup: ALTER ROLE a WITH LOGIN PASSWORD '***' VALID UNTIL "
                          "'infinity';",
                          "role a: only on the target: ALTER ROLE a WITH NOLOGIN PASSWORD '***';"));
}

TEST(Globals, OneDatabaseBringsOnlyTheRolesItRefersTo) {
  const GlobalsPlan plan = plan_globals(kBackup, kTarget, GlobalsFilter{.roles = {"reader"}});
  EXPECT_THAT(plan.create, ElementsAre("CREATE ROLE reader;", "ALTER ROLE reader WITH NOLOGIN;",
                                       "GRANT reader TO app GRANTED BY postgres;",
                                       "GRANT pg_read_all_data TO reader GRANTED BY postgres;",
                                       "GRANT SET ON PARAMETER work_mem TO reader;"));
  EXPECT_THAT(plan.differ, IsEmpty());
}

TEST(Globals, AGrantorThatWillNotExistIsLeftOut) {
  const GlobalsPlan plan = plan_globals(
      "CREATE ROLE a;\nCREATE ROLE b;\nCREATE ROLE boss;\nGRANT a TO b WITH ADMIN OPTION GRANTED BY boss;",
      "", GlobalsFilter{.roles = {"a", "b"}});
  EXPECT_THAT(plan.create,
              ElementsAre("CREATE ROLE a;", "CREATE ROLE b;", "GRANT a TO b WITH ADMIN OPTION;"));
}

TEST(Globals, EqualSidesNeedNothing) {
  const GlobalsPlan plan = plan_globals(kBackup, kBackup, std::nullopt);
  EXPECT_THAT(plan.create, IsEmpty());
  EXPECT_THAT(plan.differ, IsEmpty());
}

TEST(Globals, EmptyTextsAreNoProblem) {
  EXPECT_THAT(plan_globals("", kTarget, std::nullopt).create, IsEmpty());
  EXPECT_THAT(plan_globals("", "", std::nullopt).differ, IsEmpty());
}

}  // namespace
}  // namespace dbb::logical
