#include "logical/record_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "logical/sequences.h"
#include "repository/repository.h"
#include "storage/memory_store.h"
#include "system/clock.h"

namespace dbb::logical {
namespace {

// A repository in memory, with streams written and read back one at a time.
class RecordStreamTest : public testing::Test {
 protected:
  RecordStreamTest() {
    repository::Repository::init(store_, {}, clock_);
    repository_ = repository::Repository::open(store_, {});
  }

  template <typename Write>
  std::unique_ptr<repository::StreamReader> stored(Write&& write) {
    auto writer = repository_->begin_backup(
        {.kind = "test", .source = "test", .program_version = "", .host = ""}, clock_, {});
    auto stream = writer->open_stream({.item_key = "stream"}, repository::StreamClass::kRecords);
    write(*stream);
    const repository::StreamRef ref = stream->finish();
    writer->add_item({.kind = "test", .key = "stream", .attributes = "{}", .parts = {ref}});
    reader_ = repository_->open_backup(writer->commit({}).id);
    return reader_->open_stream(ref);
  }

 private:
  storage::MemoryStore store_;
  system::RealClock clock_;
  std::unique_ptr<repository::Repository> repository_;
  std::unique_ptr<repository::BackupReader> reader_;
};

std::vector<std::string> read_records(repository::StreamReader& stream, size_t limit = 10'000'000) {
  std::vector<std::string> records;
  RecordReader reader(stream, limit);
  for (ByteView record; reader.next(record);) records.emplace_back(as_text(record));
  return records;
}

TEST_F(RecordStreamTest, RecordsOfAnySizeComeBackWhole) {
  const std::vector<std::string> records = {
      "", "a", std::string(127, 'b'), std::string(128, 'c'), std::string(5'000'000, 'd'), "e"};
  const auto stream = stored([&](repository::StreamWriter& writer) {
    for (const std::string& record : records) append_record(writer, as_bytes(record));
  });
  EXPECT_EQ(read_records(*stream), records);
}

TEST_F(RecordStreamTest, ManySmallRecordsComeBackInOrder) {
  const auto stream = stored([&](repository::StreamWriter& writer) {
    for (int i = 0; i < 200'000; ++i) append_record(writer, as_bytes(std::to_string(i)));
  });
  const std::vector<std::string> records = read_records(*stream);
  ASSERT_EQ(records.size(), 200'000u);
  EXPECT_EQ(records[123'456], "123456");
}

TEST_F(RecordStreamTest, ACutRecordIsDamage) {
  const auto stream = stored([&](repository::StreamWriter& writer) {
    const Bytes half = {10, 'a', 'b'};
    writer.append(half, 1);
  });
  EXPECT_THROW(read_records(*stream), Error);
}

TEST_F(RecordStreamTest, ARecordOverTheLimitIsDamage) {
  const auto stream = stored(
      [&](repository::StreamWriter& writer) { append_record(writer, as_bytes(std::string(1000, 'x'))); });
  EXPECT_THROW(read_records(*stream, 999), Error);
}

TEST_F(RecordStreamTest, LinesCutAnywhereComeBackAsTheyWere) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "line " + std::to_string(i) + "\n\n";
  text += "no end";
  const auto stream = stored([&](repository::StreamWriter& writer) {
    LineAppender lines(writer);
    for (size_t at = 0, step = 1; at < text.size(); at += step, step = step % 701 + 1) {
      lines.add(as_bytes(std::string_view(text).substr(at, step)));
    }
    lines.finish();
  });
  std::string read;
  for (ByteView piece; stream->next(piece);) read += as_text(piece);
  EXPECT_EQ(read, text);
}

TEST_F(RecordStreamTest, SequencesKeepNegativeAndUncalledValues) {
  const auto stream = stored([&](repository::StreamWriter& writer) {
    save_sequences(
        {{.schema = "a b", .name = "s\"1", .last_value = -9'223'372'036'854'775'807, .is_called = true},
         {.schema = "", .name = "s2", .last_value = 1, .is_called = false}},
        writer);
  });
  const auto values = load_sequences(*stream);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].name, "s\"1");
  EXPECT_EQ(values[0].last_value, -9'223'372'036'854'775'807);
  EXPECT_TRUE(values[0].is_called);
  EXPECT_FALSE(values[1].is_called);
}

}  // namespace
}  // namespace dbb::logical
