#include "cli/backup_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "logical/document.h"
#include "repository/testing.h"

namespace dbb::cli {
namespace {

using repository::testing::code_of;
using repository::testing::Place;

// Servers that share one repository, each with databases of some names.
class BackupChoice : public testing::Test {
 protected:
  BackupId back_up(const std::string& system, const std::vector<std::string>& databases) {
    logical::Document document;
    document.system_identifier = system;
    document.server_address = "db" + system + ":5432";
    for (const std::string& name : databases) {
      logical::DatabaseRecord record;
      record.properties.name = name;
      document.databases.push_back(std::move(record));
    }
    return place_.begin("cluster", "postgresql/" + system)
        ->commit({.document = logical::to_json(document)})
        .id;
  }
  // As long as the clock stands where it does.
  Newest connected_to(const std::string& system) {
    return {.source =
                [this, system] {
                  ++asked_;
                  return "postgresql/" + system;
                },
            .now = place_.clock.now()};
  }
  BackupId database(const std::string& name, const Newest& newest,
                    const std::optional<std::string>& typed = {}) {
    return choose_database_backup(*place_.repository, typed, name, newest);
  }
  BackupId cluster(const Newest& newest) {
    return choose_cluster_backup(*place_.repository, "latest", newest);
  }

  Place place_;
  int asked_ = 0;
};

TEST_F(BackupChoice, TheNewestIsThatOfTheServerThatIsConnectedTo) {
  const BackupId of_a = back_up("1", {"shop"});
  const BackupId of_b = back_up("2", {"shop"});
  EXPECT_EQ(database("shop", connected_to("1")), of_a);
  EXPECT_EQ(database("shop", connected_to("2")), of_b);
  EXPECT_EQ(database("shop", connected_to("1"), "latest"), of_a);
  EXPECT_EQ(database("shop", connected_to("1"), of_b.text()), of_b) << "what is named is taken";
  EXPECT_EQ(cluster(connected_to("1")), of_a);
}

TEST_F(BackupChoice, WhereOneServerBacksUpNobodyAsksWhichIsConnectedTo) {
  back_up("1", {"shop"});
  const BackupId newest = back_up("1", {"shop"});
  EXPECT_EQ(database("shop", connected_to("9")), newest);
  EXPECT_EQ(cluster(connected_to("9")), newest);
  EXPECT_EQ(asked_, 0);
}

TEST_F(BackupChoice, ANewServerMustNameOneOfSeveral) {
  const BackupId of_a = back_up("1", {"shop", "only_a"});
  const BackupId of_b = back_up("2", {"shop"});
  EXPECT_EQ(database("only_a", connected_to("9")), of_a) << "one server alone has it";
  for (const auto& choose : {std::function([&] { database("shop", connected_to("9")); }),
                             std::function([&] { cluster(connected_to("9")); })}) {
    try {
      choose();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBackupAmbiguous);
      EXPECT_THAT(error.solution(),
                  testing::IsSupersetOf({of_a.text() + ", the newest of db1:5432, system 1",
                                         of_b.text() + ", the newest of db2:5432, system 2"}));
    }
  }
}

TEST_F(BackupChoice, ADatabaseThatOnlyOthersHaveIsTakenByNameOnly) {
  back_up("1", {"shop"});
  const BackupId of_b = back_up("2", {"web"});
  try {
    database("web", connected_to("1"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDatabaseNotFound);
    EXPECT_THAT(error.solution(), testing::Contains(testing::HasSubstr("--from " + of_b.text())));
  }
}

TEST_F(BackupChoice, ABackupFromAheadOfTheClockIsTheNewestOnlyWhenItIsAlone) {
  place_.clock.turn(std::chrono::hours(48));
  const BackupId ahead = back_up("1", {"shop"});
  place_.clock.turn(-std::chrono::hours(48));
  EXPECT_EQ(database("shop", connected_to("1")), ahead);
  const BackupId real = back_up("1", {"shop"});
  EXPECT_EQ(database("shop", connected_to("1")), real);
  EXPECT_EQ(cluster(connected_to("1")), real);
  EXPECT_EQ(database("shop", connected_to("1"), ahead.text()), ahead);
}

}  // namespace
}  // namespace dbb::cli
