#include "logical/document.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace dbb::logical {
namespace {

Document example() {
  DatabaseRecord app;
  app.properties = {.oid = {16385},
                    .name = "app/ü",
                    .owner = "al\"ice",
                    .encoding = "UTF8",
                    .locale_provider = "c",
                    .collate = "C.UTF-8",
                    .ctype = "C.UTF-8",
                    .tablespace = "pg_default",
                    .has_acl = true,
                    .acl = {{.grantor = "alice", .grantee = "", .privilege = "CONNECT", .grantable = false}},
                    .settings = {{.role = "", .name = "search_path", .value = "a, b"}},
                    .comment = "main",
                    .labels = {},
                    .size_bytes = 12345};
  app.state = DatabaseState::kIncomplete;
  app.left_out = {"table public.secret: permission denied"};
  app.grants = {"GRANT pg_read_all_data TO \"limited\""};
  app.extensions = {{.name = "hstore", .version = "1.8", .schema = "public"}};
  app.rows = 7;
  Document document;
  document.server_version = {150020};
  document.client_version = {150020};
  document.has_globals = true;
  document.databases = {app};
  return document;
}

Document part() {
  Document document = example();
  document.from_standby = true;
  document.globals_left_out = {"passwords of roles"};
  document.exclude_databases = {"test*"};
  document.excluded_databases = {"test_1"};
  document.databases[0].selection = {.schemas = {"a*"},
                                     .exclude_schemas = {"b"},
                                     .tables = {"t", "\"T\""},
                                     .exclude_tables = {"x"},
                                     .exclude_table_data = {"log*"},
                                     .schema_only = true};
  document.databases[0].omitted = {"table a.x"};
  document.databases[0].tables_omitted = 1;
  document.databases[0].tables_without_rows = 2;
  return document;
}

TEST(Document, ReadsBackWhatItWrote) {
  const Document read = parse_document(to_json(example()));
  EXPECT_EQ(to_json(read), to_json(example()));
  ASSERT_NE(read.find("app/ü"), nullptr);
  EXPECT_EQ(read.find("app/ü")->state, DatabaseState::kIncomplete);
  EXPECT_EQ(read.find("app/ü")->properties.acl.at(0).privilege, "CONNECT");
  EXPECT_EQ(read.find("nobody"), nullptr);
}

TEST(Document, WhatWasLeftOutOnPurposeIsReadBack) {
  const Document read = parse_document(to_json(part()));
  EXPECT_EQ(to_json(read), to_json(part()));
  EXPECT_EQ(read.databases[0].selection, part().databases[0].selection);
  EXPECT_EQ(read.databases[0].tables_without_rows, 2);
  EXPECT_TRUE(read.is_part());
  EXPECT_TRUE(read.from_standby);
  EXPECT_EQ(read.excluded_databases.at(0), "test_1");
  EXPECT_FALSE(parse_document(to_json(example())).is_part());
}

TEST(Document, OneFromBeforePartsIsWhole) {
  nlohmann::json text = nlohmann::json::parse(to_json(part()));
  for (const char* field : {"from_standby", "globals_left_out", "exclude_databases", "excluded_databases"})
    text.erase(field);
  for (const char* field : {"selection", "grants", "invalid_indexes"}) text["databases"][0].erase(field);
  EXPECT_FALSE(parse_document(text.dump()).is_part());
}

TEST(Document, ADefaultAclIsNotAnEmptyOne) {
  Document document = example();
  document.databases[0].properties.has_acl = false;
  EXPECT_FALSE(parse_document(to_json(document)).databases[0].properties.has_acl);
  document.databases[0].properties.has_acl = true;
  document.databases[0].properties.acl.clear();
  EXPECT_TRUE(parse_document(to_json(document)).databases[0].properties.has_acl);
}

TEST(Document, FieldsOfALaterVersionAreSkipped) {
  std::string text = to_json(example());
  text.insert(1, "\"invented_later\":{\"a\":1},");
  EXPECT_EQ(to_json(parse_document(text)), to_json(example()));
}

TEST(Document, AMissingFieldOrAWrongTypeIsDamage) {
  for (const std::string_view text : {"", "[]", "{}", "{\"server_version\":\"x\"}", "nonsense"}) {
    try {
      parse_document(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup) << text;
    }
  }
}

TEST(Document, ANumberThatIsLargerThanAnyCanBeIsDamage) {
  std::string text = to_json(example());
  const std::string field = "\"oid\":";
  const size_t at = text.find(field) + field.size();
  text.replace(at, text.find_first_of(",}", at) - at, "16e47");
  try {
    parse_document(text);
    FAIL() << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
  }
}

TEST(Document, KeysOfOddNamesStayApart) {
  EXPECT_NE(table_key("a", "b/c", "d"), table_key("a", "b", "c/d"));
  EXPECT_NE(table_key("a", "b%2Fc", "d"), table_key("a", "b/c", "d"));
  EXPECT_EQ(database_key("app", kSchemaKind), "database/app/schema");
}

TEST(Document, NamesThatAreNotUtf8ReadBack) {
  const TableAttributes a{.database = "app", .schema = "caf\xe9", .name = "t\xff", .columns = {"\x80"}};
  const TableAttributes read = parse_table_attributes(to_json(a));
  EXPECT_EQ(read.schema, a.schema);
  EXPECT_EQ(read.name, a.name);
  EXPECT_EQ(read.columns, a.columns);
}

TEST(Document, TableAttributesReadBack) {
  TableAttributes a{.database = "app", .schema = "public", .name = "t", .columns = {"id", "we ird"}};
  a.fingerprint.add(as_bytes("1\t2\n"));
  a.part_blocks = 32768;
  a.load_through = "\"public\".\"root\"";
  EXPECT_EQ(to_json(parse_table_attributes(to_json(a))), to_json(a));
}

// What the corpus of document_fuzz began with; see src/repository/fuzz_seeds_test.cc.
TEST(Document, IsASeedForFuzzing) {
  const TableAttributes table{.database = "app", .schema = "public", .name = "t", .columns = {"id", "\x80"}};
  const PartAttributes part{.database = "app", .count = 3};
  const std::vector<std::string> seeds = {to_json(example()), to_json(table), to_json(part)};
  const char* const folder = std::getenv("DBBACKUP_TEST_WRITE_SEEDS");
  for (size_t i = 0; folder != nullptr && i < seeds.size(); ++i) {
    const auto place = std::filesystem::path(folder) / "document_fuzz";
    std::filesystem::create_directories(place);
    std::ofstream(place / ("seed-" + std::to_string(i)), std::ios::binary)
        << static_cast<char>(i) << seeds[i];
  }
}

}  // namespace
}  // namespace dbb::logical
