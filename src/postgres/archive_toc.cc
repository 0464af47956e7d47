#include "postgres/archive_toc.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace dbb::postgres {
namespace {

constexpr ArchiveVersion kOldest{1, 12, 0};
constexpr ArchiveVersion kWithAccessMethods{1, 14, 0};
constexpr ArchiveVersion kWithCompressionAlgorithm{1, 15, 0};
constexpr ArchiveVersion kWithRelationKinds{1, 16, 0};
constexpr int kNewestMinor = 16;

constexpr int kDateNumbers = 7;        // second, minute, hour, day, month, year, daylight saving time
constexpr size_t kSmallestEntry = 40;  // nothing that pg_dump writes for an entry is shorter

// The numbers and strings of an archive: their width stands in its head.
class Reader {
 public:
  explicit Reader(ByteView archive) : bytes_(archive, "the table of contents of an archive") {}

  void read_magic() {
    if (bytes_.remaining() < 5 || as_text(bytes_.raw(5)) != "PGDMP") bytes_.fail("not an archive of pg_dump");
  }
  void read_widths() {
    integer_bytes_ = bytes_.u8();
    offset_bytes_ = bytes_.u8();
    if (integer_bytes_ < 4 || integer_bytes_ > 8) bytes_.fail("integers of this width are unknown");
    if (offset_bytes_ < 4 || offset_bytes_ > 8) bytes_.fail("offsets of this width are unknown");
  }

  uint8_t byte() { return bytes_.u8(); }

  // A sign, then the bytes, lowest first.
  int integer() {
    const uint8_t sign = bytes_.u8();
    uint64_t value = 0;
    for (int i = 0; i < integer_bytes_; ++i) value |= uint64_t{bytes_.u8()} << (8 * i);
    if (sign > 1 || value > INT32_MAX) bytes_.fail("a number is out of range");
    return sign == 1 ? -static_cast<int>(value) : static_cast<int>(value);
  }

  std::optional<std::string_view> optional_text() {
    const int length = integer();
    if (length < 0) return std::nullopt;
    return as_text(bytes_.raw(static_cast<uint64_t>(length)));
  }
  std::string_view text() { return optional_text().value_or(std::string_view()); }

  template <typename Number>
  Number decimal() {
    return decimal<Number>(text());
  }
  template <typename Number>
  Number decimal(std::string_view digits) const {
    Number value = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem != std::errc() || end != digits.data() + digits.size()) bytes_.fail("a number is not one");
    return value;
  }

  void skip_data_offset() { bytes_.raw(1 + static_cast<uint64_t>(offset_bytes_)); }
  uint64_t remaining() const { return bytes_.remaining(); }
  [[noreturn]] void fail(std::string_view reason) const { bytes_.fail(reason); }

 private:
  ByteReader bytes_;
  int integer_bytes_ = 4;
  int offset_bytes_ = 8;
};

ArchiveVersion read_version(Reader& reader) {
  ArchiveVersion version{.major = reader.byte(), .minor = reader.byte()};
  version.revision = reader.byte();
  if (version < kOldest) reader.fail("archives before format 1.12 (PostgreSQL 9.0) are not read");
  if (version.major > 1 || version.minor > kNewestMinor) {
    throw Error(ErrorCode::kArchiveTooNew,
                {.message = fmt::format("The archive has format {}.{}; this program reads up to 1.{}.",
                                        version.major, version.minor, kNewestMinor),
                 .cause = "It was written by a newer pg_dump than this program knows.",
                 .solution = {"Install a newer dbbackup."}});
  }
  return version;
}

ArchiveEntry read_entry(Reader& reader, const ArchiveVersion& version) {
  ArchiveEntry entry;
  entry.id = reader.integer();
  entry.has_data = reader.integer() != 0;
  entry.catalog = {reader.decimal<uint32_t>()};
  entry.object = {reader.decimal<uint32_t>()};
  entry.tag = reader.text();
  entry.description = reader.text();
  const int section = reader.integer();
  if (section < 1 || section > 4) reader.fail("a section is unknown");
  entry.section = static_cast<ArchiveSection>(section);
  entry.definition = reader.text();
  entry.drop_statement = reader.text();
  entry.copy_statement = reader.text();
  entry.schema = reader.text();
  entry.tablespace = reader.optional_text();
  if (version >= kWithAccessMethods) entry.access_method = reader.optional_text();
  if (version >= kWithRelationKinds) entry.relation_kind = static_cast<char>(reader.integer());
  entry.owner = reader.text();
  if (reader.text() == "true") reader.fail("a table has OIDs, which PostgreSQL 12 and later cannot create");
  for (auto id = reader.optional_text(); id; id = reader.optional_text()) {
    entry.dependencies.push_back(reader.decimal<int>(*id));
  }
  reader.skip_data_offset();
  return entry;
}

}  // namespace

bool ArchiveEntry::is_one_of(std::initializer_list<std::string_view> descriptions) const {
  return std::ranges::find(descriptions, description) != descriptions.end();
}

ArchiveToc read_archive_toc(ByteView archive) {
  Reader reader(archive);
  reader.read_magic();
  ArchiveToc toc{.version = read_version(reader)};
  reader.read_widths();
  constexpr uint8_t kCustom = 1;
  if (reader.byte() != kCustom) reader.fail("not in custom format");
  if (toc.version >= kWithCompressionAlgorithm) {
    reader.byte();
  } else {
    reader.integer();
  }
  for (int i = 0; i < kDateNumbers; ++i) reader.integer();
  toc.database = reader.text();
  toc.server_version = reader.text();
  toc.program_version = reader.text();

  const int count = reader.integer();
  if (count < 0 || static_cast<uint64_t>(count) > reader.remaining() / kSmallestEntry) {
    reader.fail("it has more entries than bytes for them");
  }
  toc.entries.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) toc.entries.push_back(read_entry(reader, toc.version));
  return toc;
}

}  // namespace dbb::postgres
