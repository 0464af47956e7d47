#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace dbb {
namespace {

template <typename Call>
void expect_corrupted(Call&& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
  }
}

TEST(BytesTest, HexRoundTripAndWhatIsNoHex) {
  const Bytes bytes = {0x00, 0x7f, 0x80, 0xff};
  EXPECT_EQ(to_hex(bytes), "007f80ff");
  EXPECT_EQ(from_hex("007f80ff"), bytes);
  EXPECT_TRUE(from_hex("").empty());
  for (const char* text : {"0", "0G", "FF", "0 "}) expect_corrupted([&] { from_hex(text); });
}

TEST(BytesTest, FieldsAreLittleEndian) {
  ByteWriter writer;
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.sized("ab");
  EXPECT_EQ(to_hex(writer.bytes()),
            "01030207060504"
            "0f0e0d0c0b0a0908"
            "026162");
}

TEST(BytesTest, WhatWasWrittenIsReadBack) {
  const uint64_t numbers[] = {
      0, 1, 127, 128, 16383, 16384, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()};
  ByteWriter writer;
  for (const uint64_t number : numbers) {
    writer.varint(number);
    writer.u64(number);
  }
  writer.sized(std::string_view("text\0with zero", 14));
  ByteReader reader(writer.bytes(), "a test");
  for (const uint64_t number : numbers) {
    EXPECT_EQ(reader.varint(), number);
    EXPECT_EQ(reader.u64(), number);
  }
  EXPECT_EQ(reader.sized_text(), std::string("text\0with zero", 14));
  EXPECT_TRUE(reader.at_end());
  EXPECT_NO_THROW(reader.expect_end());
}

TEST(BytesTest, EveryTruncationIsCorruptAndNamesItsPlace) {
  ByteWriter writer;
  writer.u32(7);
  writer.varint(300);
  writer.sized("payload");
  const Bytes whole = writer.bytes();
  for (size_t length = 0; length < whole.size(); ++length)
    expect_corrupted([&] {
      ByteReader reader(ByteView(whole).first(length), "a test");
      reader.u32();
      reader.varint();
      reader.sized();
    });
  try {
    ByteReader(ByteView(whole).first(2), "pack footer").u32();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("pack footer"), std::string::npos);
    EXPECT_NE(error.cause().find("byte 0"), std::string::npos);
  }
}

TEST(BytesTest, LengthsThatLieAllocateNothing) {
  ByteWriter writer;
  writer.varint(std::numeric_limits<uint64_t>::max());
  ByteReader reader(writer.bytes(), "a test");
  expect_corrupted([&] { reader.sized_text(); });
}

TEST(BytesTest, NumbersOfMoreThan64BitsAreCorrupt) {
  expect_corrupted([&] { ByteReader(from_hex("ffffffffffffffffff02"), "a test").varint(); });
  expect_corrupted([&] { ByteReader(from_hex("80808080808080808080"), "a test").varint(); });
}

TEST(BytesTest, BytesAfterTheEndAreCorrupt) {
  const Bytes two = {1, 2};
  ByteReader reader(two, "a test");
  reader.u8();
  expect_corrupted([&] { reader.expect_end(); });
}

}  // namespace
}  // namespace dbb
