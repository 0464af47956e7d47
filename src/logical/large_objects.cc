#include "logical/large_objects.h"

#include <fmt/format.h>

#include <span>

#include "base/error.h"
#include "logical/record_stream.h"
#include "postgres/catalog.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::LargeObject;
using postgres::Oid;

constexpr uint8_t kHeader = 1;
constexpr uint8_t kPiece = 2;
constexpr size_t kPieceBytes = 256 * 1024;
constexpr size_t kLongestRecord = 4 * 1024 * 1024;  // a header with thousands of privileges
constexpr int kBatch = 200;                         // objects read by one statement

// One piece as a stored record, which is also what the fingerprint hashes.
Bytes piece_record(Oid oid, uint64_t offset, ByteView bytes) {
  ByteWriter record;
  record.u8(kPiece);
  record.u32(oid.value);
  record.u64(offset);
  record.sized(bytes);
  return record.take();
}

Bytes header_record(const LargeObject& object) {
  ByteWriter record;
  record.u8(kHeader);
  record.u32(object.oid.value);
  record.sized(object.owner);
  record.u8(object.has_acl ? 1 : 0);
  record.varint(object.acl.size());
  for (const postgres::AclEntry& entry : object.acl) {
    record.sized(entry.grantor);
    record.sized(entry.grantee);
    record.sized(entry.privilege);
    record.u8(entry.grantable ? 1 : 0);
  }
  record.u8(object.comment ? 1 : 0);
  record.sized(object.comment.value_or(""));
  record.varint(object.labels.size());
  for (const postgres::SecurityLabel& label : object.labels) {
    record.sized(label.provider);
    record.sized(label.label);
  }
  return record.take();
}

LargeObject read_header(ByteReader& record) {
  LargeObject object;
  object.oid = {record.u32()};
  object.owner = record.sized_text();
  object.has_acl = record.u8() != 0;
  for (uint64_t left = record.varint(); left > 0; --left) {
    postgres::AclEntry entry;
    entry.grantor = record.sized_text();
    entry.grantee = record.sized_text();
    entry.privilege = record.sized_text();
    entry.grantable = record.u8() != 0;
    object.acl.push_back(std::move(entry));
  }
  const bool has_comment = record.u8() != 0;
  std::string comment = record.sized_text();
  if (has_comment) object.comment = std::move(comment);
  for (uint64_t left = record.varint(); left > 0; --left) {
    postgres::SecurityLabel label;
    label.provider = record.sized_text();
    label.label = record.sized_text();
    object.labels.push_back(std::move(label));
  }
  return object;
}

// The binary COPY format: a signature, then rows of (length, bytes) fields in network order. Sent as one
// message a row, the first of which begins with the header.
class BinaryRow {
 public:
  explicit BinaryRow(ByteView bytes) : rest_(bytes) {}

  void skip_file_header() {
    static constexpr size_t kSignatureAndFlags = 15;
    take(kSignatureAndFlags);
    take(number(4));
  }
  bool is_trailer_or_empty() { return rest_.empty() || number(2) == 0xFFFF; }
  ByteView field() { return take(number(4)); }
  uint64_t field_as_number() {
    const ByteView bytes = field();
    uint64_t value = 0;
    for (const uint8_t byte : bytes) value = value << 8 | byte;
    return value;
  }

 private:
  ByteView take(size_t count) {
    if (count > rest_.size()) {
      throw Error(ErrorCode::kServerError,
                  {.message = "The server sent a row of COPY BINARY that is cut off."});
    }
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  uint32_t number(size_t width) {
    uint32_t value = 0;
    for (const uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }

  ByteView rest_;
};

using PieceConsumer = std::function<void(Oid, uint64_t offset, ByteView bytes)>;

// Reads the piece at `offset` of each object; returns those that may go on behind it.
std::vector<Oid> read_pieces(Connection& connection, std::span<const Oid> objects, uint64_t offset,
                             const PieceConsumer& consume) {
  std::string list;
  for (const Oid oid : objects) list += fmt::format("{}{}", list.empty() ? "" : ",", oid.value);
  postgres::CopyOut copy = connection.copy_out(fmt::format(
      "COPY (SELECT o, pg_catalog.lo_get(o, {}, {}) FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) o) "
      "TO STDOUT (FORMAT binary)",
      offset, kPieceBytes, list));
  std::vector<Oid> full;
  bool first = true;
  for (ByteView message; copy.next(message);) {
    BinaryRow row(message);
    if (first) row.skip_file_header();
    first = false;
    if (row.is_trailer_or_empty()) continue;
    const Oid oid{static_cast<uint32_t>(row.field_as_number())};
    const ByteView bytes = row.field();
    if (offset == 0 || !bytes.empty()) consume(oid, offset, bytes);
    if (bytes.size() == kPieceBytes) full.push_back(oid);
  }
  return full;
}

void read_objects(Connection& connection, std::vector<Oid> objects, const PieceConsumer& consume) {
  for (uint64_t offset = 0; !objects.empty(); offset += kPieceBytes) {
    objects = read_pieces(connection, objects, offset, consume);
  }
}

std::vector<Oid> oids_of(const std::vector<LargeObject>& objects) {
  std::vector<Oid> oids;
  oids.reserve(objects.size());
  for (const LargeObject& object : objects) oids.push_back(object.oid);
  return oids;
}

// Whether the role may read it. Asked only after a batch was refused.
bool is_readable(Connection& connection, Oid oid) {
  try {
    connection.execute("SELECT pg_catalog.lo_get($1::pg_catalog.oid, 0, 1)", {std::to_string(oid.value)});
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPermissionDenied) throw;
    return false;
  }
}

void write_batch(Connection& connection, const std::vector<LargeObject>& batch,
                 repository::StreamWriter& stream, LargeObjectTotals& totals) {
  for (const LargeObject& object : batch) {
    append_record(stream, header_record(object));
    ++totals.owners[object.owner];
    for (const postgres::AclEntry& entry : object.acl) {
      totals.in_privileges.insert(entry.grantor);
      totals.in_privileges.insert(entry.grantee);
    }
  }
  totals.in_privileges.erase("");
  totals.objects += batch.size();
  read_objects(connection, oids_of(batch), [&](Oid oid, uint64_t offset, ByteView bytes) {
    const Bytes record = piece_record(oid, offset, bytes);
    totals.fingerprint.add(record);
    totals.bytes += bytes.size();
    append_record(stream, record);
  });
}

// Takes those that may not be read out of the batch.
void drop_unreadable(Connection& connection, const std::function<void()>& reopen,
                     std::vector<LargeObject>& batch, LargeObjectTotals& totals) {
  std::erase_if(batch, [&](const LargeObject& object) {
    if (is_readable(connection, object.oid)) return false;
    totals.unreadable.push_back(fmt::format("large object {}", object.oid.value));
    reopen();
    return true;
  });
}

bool all_readable(Connection& connection, const std::vector<LargeObject>& batch) {
  std::string list;
  for (const Oid oid : oids_of(batch)) list += fmt::format("{}{}", list.empty() ? "" : ",", oid.value);
  try {
    connection.execute(
        fmt::format("SELECT pg_catalog.count(pg_catalog.lo_get(o, 0, 0)) FROM "
                    "pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) o",
                    list));
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPermissionDenied) throw;
    return false;
  }
}

void set_attributes(Connection& connection, const LargeObject& object) {
  const std::string name = fmt::format("LARGE OBJECT {}", object.oid.value);
  const auto role = [&](const std::string& grantee) {
    return grantee.empty() ? std::string("PUBLIC") : connection.quote_identifier(grantee);
  };
  connection.execute(fmt::format("ALTER {} OWNER TO {}", name, connection.quote_identifier(object.owner)));
  if (object.has_acl) {
    // What the owner has by default is taken away first, so that exactly the recorded privileges are there.
    connection.execute(
        fmt::format("REVOKE ALL ON {} FROM {}", name, connection.quote_identifier(object.owner)));
    for (const postgres::AclEntry& entry : object.acl) {
      const bool by_another = entry.grantor != object.owner;
      if (by_another) {
        connection.execute(
            fmt::format("SET SESSION AUTHORIZATION {}", connection.quote_identifier(entry.grantor)));
      }
      connection.execute(fmt::format("GRANT {} ON {} TO {}{}", entry.privilege, name, role(entry.grantee),
                                     entry.grantable ? " WITH GRANT OPTION" : ""));
      if (by_another) connection.execute("RESET SESSION AUTHORIZATION");
    }
  }
}

void create_object(Connection& connection, const LargeObject& object, bool with_owners) {
  connection.execute(fmt::format("SELECT pg_catalog.lo_create({})", object.oid.value));
  const std::string name = fmt::format("LARGE OBJECT {}", object.oid.value);
  if (object.comment) {
    connection.execute(fmt::format("COMMENT ON {} IS {}", name, connection.quote_literal(*object.comment)));
  }
  for (const postgres::SecurityLabel& label : object.labels) {
    connection.execute(fmt::format("SECURITY LABEL FOR {} ON {} IS {}",
                                   connection.quote_identifier(label.provider), name,
                                   connection.quote_literal(label.label)));
  }
  if (with_owners) set_attributes(connection, object);
}

void put_piece(Connection& connection, Oid oid, uint64_t offset, ByteView bytes) {
  if (bytes.empty()) return;
  connection.execute(
      "SELECT pg_catalog.lo_put($1::pg_catalog.oid, $2::pg_catalog.int8, $3::pg_catalog.bytea)",
      {std::to_string(oid.value), std::to_string(offset), "\\x" + to_hex(bytes)});
}

}  // namespace

LargeObjectTotals save_large_objects(Connection& connection, const std::function<void()>& reopen,
                                     repository::StreamWriter& stream) {
  LargeObjectTotals totals;
  Oid after{0};
  while (true) {
    std::vector<LargeObject> batch = postgres::read_large_objects(connection, after, kBatch);
    if (batch.empty()) return totals;
    after = batch.back().oid;
    if (!all_readable(connection, batch)) {
      reopen();
      drop_unreadable(connection, reopen, batch, totals);
    }
    write_batch(connection, batch, stream, totals);
  }
}

LargeObjectTotals restore_large_objects(repository::StreamReader& stream, Connection& connection,
                                        const LargeObjectOptions& options) {
  static constexpr uint64_t kObjectsPerTransaction = 100;
  static constexpr uint64_t kBytesPerTransaction = 16 * 1024 * 1024;
  LargeObjectTotals totals;
  RecordReader records(stream, kLongestRecord);
  bool more = true;
  uint64_t records_done = 0;
  for (ByteView bytes; more && records_done < options.records_done; ++records_done) {
    more = records.next(bytes);
    options.on_progress(bytes.size());
  }
  while (more) {
    postgres::in_transaction(connection, [&] {
      const uint64_t objects_before = totals.objects;
      const uint64_t bytes_before = totals.bytes;
      while (totals.objects - objects_before < kObjectsPerTransaction &&
             totals.bytes - bytes_before < kBytesPerTransaction) {
        ByteView bytes;
        more = records.next(bytes);
        if (!more) break;
        ++records_done;
        ByteReader record(bytes, "A large object");
        const uint8_t kind = record.u8();
        if (kind == kHeader) {
          LargeObject object = read_header(record);
          options.change(object);
          create_object(connection, object, options.with_owners);
          ++totals.objects;
        } else if (kind == kPiece) {
          const Oid oid{record.u32()};
          const uint64_t offset = record.u64();
          const ByteView piece = record.sized();
          put_piece(connection, oid, offset, piece);
          totals.fingerprint.add(bytes);
          totals.bytes += piece.size();
          options.on_progress(bytes.size());
        } else {
          record.fail("it is of an unknown kind");
        }
      }
      options.before_commit(records_done);
    });
    options.after_commit(records_done);
  }
  return totals;
}

LargeObjectTotals fingerprint_large_objects(Connection& connection) {
  LargeObjectTotals totals;
  Oid after{0};
  while (true) {
    const std::vector<LargeObject> batch = postgres::read_large_objects(connection, after, kBatch);
    if (batch.empty()) return totals;
    after = batch.back().oid;
    totals.objects += batch.size();
    read_objects(connection, oids_of(batch), [&](Oid oid, uint64_t offset, ByteView bytes) {
      totals.fingerprint.add(piece_record(oid, offset, bytes));
      totals.bytes += bytes.size();
    });
  }
}

}  // namespace dbb::logical
