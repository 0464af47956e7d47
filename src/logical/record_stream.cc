#include "logical/record_stream.h"

#include <algorithm>

#include "base/error.h"
#include "codec/xxh3.h"

namespace dbb::logical {

void append_record(repository::StreamWriter& stream, ByteView record) {
  ByteWriter framed;
  framed.sized(record);
  stream.append(framed.bytes(), codec::xxh3_128(framed.bytes()).low);
}

bool RecordReader::next(ByteView& record) {
  static constexpr size_t kLongestLength = 10;
  static constexpr size_t kDropAt =
      256 * 1024;  // moving the rest forward for every record would cost more than reading
  if (consumed_ >= kDropAt) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(consumed_));
    consumed_ = 0;
  }
  fill_to(kLongestLength);
  if (buffer_.size() == consumed_) return false;
  ByteReader header(ByteView(buffer_).subspan(consumed_), "A record of a backup");
  const uint64_t size = header.varint();
  if (size > limit_) header.fail("the record is too long");
  const size_t whole = header.offset() + size;
  if (!fill_to(whole)) header.fail("the record is cut off");
  record = ByteView(buffer_).subspan(consumed_ + whole - size, size);
  consumed_ += whole;
  return true;
}

bool RecordReader::fill_to(size_t count) {
  ByteView piece;
  while (buffer_.size() - consumed_ < count) {
    if (!stream_.next(piece)) return false;
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
  }
  return true;
}

void LineAppender::add(ByteView bytes) {
  while (!bytes.empty()) {
    const auto newline = std::ranges::find(bytes, static_cast<uint8_t>('\n'));
    const auto length = static_cast<size_t>(newline - bytes.begin()) + (newline == bytes.end() ? 0 : 1);
    line_.insert(line_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    if (newline != bytes.end()) finish();
    bytes = bytes.subspan(length);
  }
}

void LineAppender::finish() {
  if (line_.empty()) return;
  stream_.append(line_, codec::xxh3_128(line_).low);
  line_.clear();
}

}  // namespace dbb::logical
