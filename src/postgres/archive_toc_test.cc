#include "postgres/archive_toc.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "postgres/archive_statements.h"

namespace dbb::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Writes an archive as WriteHead() and WriteToc() do: 4-byte integers behind a sign, 8-byte offsets.
class ArchiveWriter {
 public:
  explicit ArchiveWriter(uint8_t minor) : minor_(minor) {
    out_.raw(as_bytes("PGDMP"));
    for (const uint8_t byte : {uint8_t{1}, minor, uint8_t{0}, uint8_t{4}, uint8_t{8}, uint8_t{1}})
      out_.u8(byte);
    if (minor >= 15) {
      out_.u8(0);
    } else {
      integer(-1);
    }
    for (int i = 0; i < 7; ++i) integer(1);
    text("shop");
    text("15.18");
    text("15.18 (Debian)");
  }

  void integer(int value) {
    out_.u8(static_cast<uint8_t>(value < 0));
    out_.u32(static_cast<uint32_t>(value < 0 ? -value : value));
  }
  void text(std::string_view value) {
    integer(static_cast<int>(value.size()));
    out_.raw(as_bytes(value));
  }
  void entry(int id, std::string_view description, std::string_view tag, std::string_view definition,
             const std::vector<std::string>& dependencies) {
    integer(id);
    integer(0);
    for (const std::string_view value :
         {std::string_view("1259"), std::string_view("16400"), tag, description}) {
      text(value);
    }
    integer(2);
    text(definition);
    text("DROP " + std::string(description) + " public." + std::string(tag) + ";\n");
    integer(-1);  // no COPY
    text("public");
    text("");
    if (minor_ >= 14) text("heap");
    if (minor_ >= 16) integer('p');
    text("bob");
    text("false");
    for (const std::string& dependency : dependencies) text(dependency);
    integer(-1);
    out_.u8(0);
    out_.u64(0);
  }
  Bytes take() { return out_.take(); }

 private:
  const uint8_t minor_;
  ByteWriter out_;
};

Bytes archive_of_format(uint8_t minor) {
  ArchiveWriter writer(minor);
  writer.integer(2);
  writer.entry(7, "TABLE", "orders", "CREATE TABLE public.orders ();\n", {"3", "2147483647"});
  writer.entry(8, "VIEW", "all \"orders\"", "CREATE VIEW ...;\n", {});
  return writer.take();
}

ErrorCode code_of(const Bytes& archive) {
  try {
    read_archive_toc(archive);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(ArchiveToc, EveryFormatFromVersion90OnIsRead) {
  for (uint8_t minor = 12; minor <= 16; ++minor) {
    const Bytes archive = archive_of_format(minor);
    const ArchiveToc toc = read_archive_toc(archive);
    ASSERT_EQ(toc.entries.size(), 2) << int{minor};
    EXPECT_EQ(toc.database, "shop");
    EXPECT_EQ(toc.program_version, "15.18 (Debian)");
    const ArchiveEntry& table = toc.entries[0];
    EXPECT_EQ(table.id, 7);
    EXPECT_EQ(table.object.value, 16400);
    EXPECT_EQ(table.definition, "CREATE TABLE public.orders ();\n");
    EXPECT_EQ(table.section, ArchiveSection::kPreData);
    EXPECT_EQ(table.copy_statement, "");
    EXPECT_EQ(table.access_method, minor >= 14 ? std::optional<std::string_view>("heap") : std::nullopt);
    EXPECT_EQ(table.relation_kind, minor >= 16 ? 'p' : '\0');
    EXPECT_THAT(table.dependencies, ElementsAre(3, 2147483647));
    EXPECT_THAT(toc.entries[1].dependencies, IsEmpty());
  }
}

TEST(ArchiveToc, AnArchiveCutAnywhereIsDamaged) {
  const Bytes archive = archive_of_format(16);
  for (size_t length = 0; length < archive.size(); ++length) {
    EXPECT_EQ(code_of(Bytes(archive.begin(), archive.begin() + static_cast<ptrdiff_t>(length))),
              ErrorCode::kCorruptedBackup)
        << length;
  }
}

TEST(ArchiveToc, AnArchiveOfALaterFormatIsRefusedByName) {
  EXPECT_EQ(code_of(archive_of_format(17)), ErrorCode::kArchiveTooNew);
  EXPECT_EQ(code_of(archive_of_format(11)), ErrorCode::kCorruptedBackup);
}

TEST(ArchiveToc, ACountOfMoreEntriesThanBytesIsDamageAndTakesNoMemory) {
  ArchiveWriter writer(14);
  writer.integer(INT32_MAX);
  EXPECT_EQ(code_of(writer.take()), ErrorCode::kCorruptedBackup);
}

TEST(ArchiveStatements, TheOwnerIsGivenToWhatHasOne) {
  const ArchiveEntry view{
      .tag = "all \"orders\"", .description = "VIEW", .drop_statement = "DROP VIEW x;\n", .schema = "public"};
  EXPECT_EQ(owner_statement(view, "bob"), R"(ALTER TABLE "public"."all ""orders""" OWNER TO "bob";)");
  const ArchiveEntry function{.tag = "f(integer)",
                              .description = "FUNCTION",
                              .drop_statement = "DROP FUNCTION public.f(integer);\n",
                              .schema = "public"};
  EXPECT_EQ(owner_statement(function, "bob"), R"(ALTER FUNCTION public.f(integer) OWNER TO "bob";)");
  const ArchiveEntry index{
      .tag = "i", .description = "INDEX", .drop_statement = "DROP INDEX public.i;\n", .schema = "public"};
  EXPECT_EQ(owner_statement(index, "bob"), "");
  const ArchiveEntry attached{.tag = "t", .description = "TABLE", .schema = "public"};
  EXPECT_EQ(owner_statement(attached, "bob"), "");
}

TEST(ArchiveStatements, PrivilegesRefreshesAndEventTriggersComeLater) {
  const auto pass = [](std::string_view description, std::string_view tag) {
    return pass_of({.tag = tag, .description = description, .section = ArchiveSection::kPostData});
  };
  EXPECT_EQ(pass("ACL", "TABLE orders"), RestorePass::kPrivileges);
  EXPECT_EQ(pass("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES"), RestorePass::kPrivileges);
  EXPECT_EQ(pass("MATERIALIZED VIEW DATA", "totals"), RestorePass::kRefreshes);
  EXPECT_EQ(pass("EVENT TRIGGER", "audit"), RestorePass::kEventTriggers);
  EXPECT_EQ(pass("COMMENT", "EVENT TRIGGER audit"), RestorePass::kEventTriggers);
  EXPECT_EQ(pass("COMMENT", "TABLE \"EVENT TRIGGER x\""), RestorePass::kObjects);
  EXPECT_EQ(pass("INDEX", "orders_pkey"), RestorePass::kObjects);
}

TEST(ArchiveStatements, TheDatabaseItselfIsNotRestoredByItsArchive) {
  EXPECT_FALSE(is_restored({.tag = "ENCODING", .description = "ENCODING"}));
  EXPECT_FALSE(is_restored({.tag = "shop", .description = "DATABASE PROPERTIES"}));
  EXPECT_FALSE(is_restored({.tag = "DATABASE shop", .description = "COMMENT"}));
  EXPECT_TRUE(is_restored({.tag = "TABLE \"DATABASE x\"", .description = "COMMENT"}));
}

TEST(ArchiveStatements, TheArchiveSaysHowItsTextIsToBeRead) {
  ArchiveToc toc;
  toc.entries.push_back({.description = "ENCODING", .definition = "SET client_encoding = 'LATIN1';\n"});
  toc.entries.push_back(
      {.description = "STDSTRINGS", .definition = "SET standard_conforming_strings = 'off';\n"});
  EXPECT_EQ(settings_of(toc).encoding, "LATIN1");
  EXPECT_FALSE(settings_of(toc).standard_conforming_strings);
  EXPECT_TRUE(settings_of(ArchiveToc{}).standard_conforming_strings);
}

}  // namespace
}  // namespace dbb::postgres
