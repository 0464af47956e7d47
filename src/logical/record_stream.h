#pragma once

#include "base/bytes.h"
#include "repository/backup_reader.h"
#include "repository/backup_writer.h"

namespace dbb::logical {

// Records of ours in a stream: each a varint length, then its bytes. One record is one unit for the chunker.
void append_record(repository::StreamWriter& stream, ByteView record);

// Reads them back, one at a time, holding at most one record and one piece of the stream.
class RecordReader {
 public:
  // A record longer than `limit` is damage.
  RecordReader(repository::StreamReader& stream, size_t limit) : stream_(stream), limit_(limit) {}

  // False at the end. The view is valid until the next call. Throws kCorruptedBackup on a record that is cut.
  bool next(ByteView& record);

 private:
  // Reads on until `count` bytes are there that were not consumed; false when the stream ends before.
  bool fill_to(size_t count);

  repository::StreamReader& stream_;
  size_t limit_;
  Bytes buffer_;
  size_t consumed_ = 0;
};

// Cuts opaque text at its line ends into units, so that a line put in does not shift what follows it.
class LineAppender {
 public:
  explicit LineAppender(repository::StreamWriter& stream) : stream_(stream) {}
  void add(ByteView bytes);
  void finish();  // the last line, if it has no end

 private:
  repository::StreamWriter& stream_;
  Bytes line_;
};

}  // namespace dbb::logical
