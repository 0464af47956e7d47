#include <gtest/gtest.h>

#include <string>

#include "codec/aes_gcm.h"
#include "codec/cut_rule.h"
#include "codec/hmac.h"
#include "codec/xxh3.h"
#include "codec/zstd.h"

namespace dbb::codec {
namespace {

TEST(Hmac, GivesWhatRfc4231Says) {
  Hmac hmac{as_bytes("Jefe")};
  const std::string expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  EXPECT_EQ(to_hex(hmac.of(as_bytes("what do ya want for nothing?"))), expected);
  // The second message starts afresh, and so does a clone's.
  EXPECT_EQ(to_hex(hmac.add(as_bytes("what do ya want ")).add(as_bytes("for nothing?")).finish()), expected);
  EXPECT_EQ(to_hex(hmac.clone().of(as_bytes("what do ya want for nothing?"))), expected);
}

TEST(Hkdf, GivesTheFirst32BytesOfRfc5869) {
  const Bytes input(22, 0x0b);
  EXPECT_EQ(to_hex(hkdf(input, from_hex("000102030405060708090a0b0c"), from_hex("f0f1f2f3f4f5f6f7f8f9"))),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  EXPECT_EQ(to_hex(hkdf(input, {}, {})), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(Sha256, GivesWhatFips180Says) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Xxh3, GivesTheReferenceOfTheEmptyMessage) {
  EXPECT_EQ(xxh3_128({}), (Hash128{.low = 0x6001c324468d497f, .high = 0x99aa06d3014798d8}));
}

TEST(AesGcm, GivesWhatTheGcmSpecificationSays) {  // test case 14: zero key, nonce and block
  Bytes sealed(32);
  AesGcm().seal(Key{}, Nonce{}, {}, Bytes(16, 0), sealed);
  EXPECT_EQ(to_hex(sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST(AesGcm, OpensOnlyWhatWasSealed) {
  AesGcm gcm;
  const Key key = {1, 2, 3};
  const Nonce nonce = {4, 5};
  Bytes sealed(5 + kTagBytes);
  gcm.seal(key, nonce, as_bytes("about it"), as_bytes("hello"), sealed);

  Bytes plain(5);
  ASSERT_TRUE(gcm.open(key, nonce, as_bytes("about it"), sealed, plain));
  EXPECT_EQ(as_text(plain), "hello");

  EXPECT_FALSE(gcm.open(key, nonce, as_bytes("about that"), sealed, plain));
  EXPECT_FALSE(gcm.open(Key{1, 2, 4}, nonce, as_bytes("about it"), sealed, plain));
  EXPECT_FALSE(gcm.open(key, Nonce{4, 6}, as_bytes("about it"), sealed, plain));
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes flipped = sealed;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(gcm.open(key, nonce, as_bytes("about it"), flipped, plain)) << bit;
  }
}

TEST(Zstd, BringsBackWhatWasCompressed) {
  Bytes text;
  for (int i = 0; i < 10000; ++i) text.push_back(static_cast<uint8_t>(i % 97));
  Compressor compressor;
  const ByteView compressed = compressor.compress(text);
  ASSERT_FALSE(compressed.empty());
  EXPECT_LT(compressed.size(), text.size() / 10);
  Bytes out(text.size());
  ASSERT_TRUE(Decompressor().decompress(compressed, out));
  EXPECT_EQ(out, text);
}

TEST(Zstd, SaysWhenNothingIsGained) { EXPECT_TRUE(Compressor().compress(as_bytes("xy")).empty()); }

TEST(Zstd, RefusesAnotherLengthAndAnythingBehindTheFrame) {
  const Bytes text(1000, 'a');
  Compressor compressor;
  const ByteView view = compressor.compress(text);
  Bytes compressed(view.begin(), view.end());
  Decompressor decompressor;
  Bytes longer(1001);
  EXPECT_FALSE(decompressor.decompress(compressed, longer));
  Bytes shorter(999);
  EXPECT_FALSE(decompressor.decompress(compressed, shorter));
  Bytes out(1000);
  for (size_t length = 0; length < compressed.size(); ++length) {
    EXPECT_FALSE(decompressor.decompress(ByteView(compressed).first(length), out)) << length;
  }
  compressed.push_back(0);
  EXPECT_FALSE(decompressor.decompress(compressed, out));
}

double mean_chunk(size_t unit_bytes) {
  const CutRule rule(Key{1, 2, 3, 4, 5, 6, 7, 8, 9}, {});
  size_t chunks = 0;
  size_t chunk = 0;
  constexpr int kUnits = 100'000;
  for (uint64_t unit = 0; unit < kUnits; ++unit) {
    chunk += unit_bytes;
    const Hash128 hash = xxh3_128({reinterpret_cast<const uint8_t*>(&unit), sizeof unit});
    if (rule.cuts_after(hash.low, unit_bytes, chunk) || chunk + unit_bytes > rule.limits().max_bytes) {
      ++chunks;
      chunk = 0;
    }
  }
  return static_cast<double>(kUnits * unit_bytes) / static_cast<double>(chunks);
}

TEST(CutRule, KeepsTheMeanWhateverTheRowsAreLong) {
  EXPECT_NEAR(mean_chunk(20), 4096, 300);
  EXPECT_NEAR(mean_chunk(190), 4096, 300);
  EXPECT_NEAR(mean_chunk(1000), 4500, 600);
}

TEST(CutRule, DependsOnTheKey) { EXPECT_NE(CutRule(Key{1}, {}).mix(42), CutRule(Key{2}, {}).mix(42)); }

TEST(CutRule, AlwaysCutsAfterAUnitOfTheMeanLength) {
  const CutRule rule(Key{1}, {});
  for (uint64_t hash = 1; hash < 1000; ++hash)
    EXPECT_TRUE(rule.cuts_after(hash * 0x9e3779b97f4a7c15, 3072, 3072));
}

}  // namespace
}  // namespace dbb::codec
