#include "repository/backup_writer.h"

#include "repository/backup_session.h"
#include "repository/part_writer.h"

namespace dbb::repository {

StreamWriter::StreamWriter(BackupSession& session, std::unique_ptr<PartWriter> part)
    : session_(session), part_(std::move(part)) {}
StreamWriter::~StreamWriter() = default;
void StreamWriter::append(ByteView unit, uint64_t hash) { part_->append(unit, hash); }
void StreamWriter::append_bytes(ByteView bytes) { part_->append_bytes(bytes); }
uint64_t StreamWriter::bytes() const { return part_->bytes(); }
uint64_t StreamWriter::new_bytes() const { return part_->new_bytes(); }

StreamRef StreamWriter::finish() {
  StreamRef stream = part_->finish();
  session_.stream_finished(stream.bytes);
  return stream;
}

BackupWriter::BackupWriter(std::unique_ptr<BackupSession> session) : session_(std::move(session)) {}
BackupWriter::~BackupWriter() = default;
const BackupId& BackupWriter::id() const { return session_->id(); }
const std::vector<BackupId>& BackupWriter::parents() const { return session_->parents(); }
void BackupWriter::add_item(const Item& item) { session_->add_item(item); }
Manifest BackupWriter::commit(const ManifestDraft& draft) { return session_->commit(draft); }
Totals BackupWriter::totals() const { return session_->totals(); }

std::unique_ptr<StreamWriter> BackupWriter::open_stream(const StreamKey& key, StreamClass stream_class) {
  return std::make_unique<StreamWriter>(*session_, session_->open_stream(key, stream_class));
}

}  // namespace dbb::repository
