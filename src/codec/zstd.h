#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace dbb::codec {

// Compresses one buffer after the other, each to a zstd frame of its own. Confined to one thread; its state
// (about 1 MiB at level 1) and output buffer are used again.
class Compressor {
 public:
  explicit Compressor(int level = 1);
  // Valid until the next call. Empty when it would not get smaller.
  ByteView compress(ByteView in);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  Bytes out_;
};

// Confined to one thread.
class Decompressor {
 public:
  Decompressor();
  // False unless `in` is one zstd frame of exactly `out.size()` bytes. Never writes beyond `out`.
  [[nodiscard]] bool decompress(ByteView in, std::span<uint8_t> out);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

}  // namespace dbb::codec
