#include "repository/item_sorter.h"

#include <algorithm>
#include <memory>
#include <queue>

#include "base/check.h"
#include "repository/recipe.h"

namespace dbb::repository {
namespace {

constexpr size_t kRecentBytes = 8 << 20;
constexpr size_t kMergeBytes = 8 << 20;
constexpr size_t kMinReadBytes = 16 << 10;
constexpr size_t kMaxReadBytes = 256 << 10;
constexpr size_t kLengthBytes = 10;  // of a record's length, at most

// Of a record with its length.
std::string_view key_of(ByteView record) {
  ByteReader reader(record, "item list");
  reader.varint();
  reader.sized();  // kind
  return as_text(reader.sized());
}

}  // namespace

// One run, record by record.
class ItemSorter::RunReader {
 public:
  RunReader(const system::SpillFile& file, const Run& run, size_t read_bytes)
      : file_(file), next_(run.begin), end_(run.end), read_bytes_(read_bytes) {}

  // False at the end.
  bool advance() {
    begin_ += record_bytes_;
    record_bytes_ = 0;
    if (begin_ == buffer_.size() && next_ == end_) return false;
    want(std::min<uint64_t>(kLengthBytes, left()));
    ByteReader reader(ByteView(buffer_).subspan(begin_), "item list");
    const uint64_t length = reader.varint();
    record_bytes_ = reader.offset() + length;
    want(record_bytes_);
    key_ = key_of(record());
    return true;
  }

  ByteView record() const { return ByteView(buffer_).subspan(begin_, record_bytes_); }
  std::string_view key() const { return key_; }

 private:
  uint64_t left() const { return buffer_.size() - begin_ + (end_ - next_); }

  // Has at least so many bytes in the buffer.
  void want(size_t bytes) {
    const size_t have = buffer_.size() - begin_;
    if (have >= bytes) return;
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(begin_));
    begin_ = 0;
    const size_t count = std::min<uint64_t>(std::max(bytes - have, read_bytes_), end_ - next_);
    buffer_.resize(have + count);
    file_.read(next_, std::span(buffer_).subspan(have));
    next_ += count;
  }

  const system::SpillFile& file_;
  uint64_t next_;  // to be read
  const uint64_t end_;
  const size_t read_bytes_;
  Bytes buffer_;
  size_t begin_ = 0;  // of the record in buffer_
  size_t record_bytes_ = 0;
  std::string_view key_;
};

void ItemSorter::add(const Item& item) {
  ByteWriter record;
  record.sized(encode_item(item));
  DBB_CHECK(record.bytes().size() <= kMaxItemBytes, "what is long about an item goes into a stream");
  if (!entries_.empty() &&
      recent_.size() + record.bytes().size() + entries_.size() * sizeof(Entry) > kRecentBytes)
    spill_recent();
  entries_.push_back({.begin = recent_.size(), .length = record.bytes().size()});
  recent_.insert(recent_.end(), record.bytes().begin(), record.bytes().end());
  ++count_;
}

void ItemSorter::sort_recent() {
  std::ranges::sort(entries_, {}, [&](const Entry& entry) {
    return key_of(ByteView(recent_).subspan(entry.begin, entry.length));
  });
}

void ItemSorter::spill_recent() {
  sort_recent();
  const uint64_t begin = spilled_.size();
  for (const Entry& entry : entries_) spilled_.append(ByteView(recent_).subspan(entry.begin, entry.length));
  runs_.push_back({.begin = begin, .end = spilled_.size()});
  entries_.clear();
  recent_.clear();
}

void ItemSorter::visit_sorted(const std::function<void(ByteView record)>& visit) {
  std::string last_key;
  bool first = true;
  const auto pass_on = [&](ByteView record) {
    const std::string_view key = key_of(record);
    DBB_CHECK(first || last_key < key, "items have different keys");
    last_key = key;
    first = false;
    visit(record);
  };
  if (runs_.empty()) {
    sort_recent();
    for (const Entry& entry : entries_) pass_on(ByteView(recent_).subspan(entry.begin, entry.length));
    return;
  }
  spill_recent();
  Bytes().swap(recent_);
  const size_t read_bytes = std::clamp(kMergeBytes / runs_.size(), kMinReadBytes, kMaxReadBytes);
  const auto later = [](const RunReader* a, const RunReader* b) { return a->key() > b->key(); };
  std::priority_queue<RunReader*, std::vector<RunReader*>, decltype(later)> next(later);
  std::vector<std::unique_ptr<RunReader>> readers;
  for (const Run& run : runs_) {
    readers.push_back(std::make_unique<RunReader>(spilled_, run, read_bytes));
    if (readers.back()->advance()) next.push(readers.back().get());
  }
  while (!next.empty()) {
    RunReader* const reader = next.top();
    next.pop();
    pass_on(reader->record());
    if (reader->advance()) next.push(reader);
  }
}

}  // namespace dbb::repository
