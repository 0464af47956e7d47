#include "codec/zstd.h"

#include <fmt/format.h>
#include <zstd.h>

#include "base/error.h"

namespace dbb::codec {
namespace {

[[noreturn]] void throw_zstd(size_t result) {
  throw Error(ErrorCode::kInternal,
              {.message = "zstd could not compress.", .cause = ZSTD_getErrorName(result)});
}

}  // namespace

void Compressor::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }
void Decompressor::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

Compressor::Compressor(int level) : context_(ZSTD_createCCtx()) {
  if (!context_) throw std::bad_alloc();
  const size_t result = ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
  if (ZSTD_isError(result)) throw_zstd(result);
}

ByteView Compressor::compress(ByteView in) {
  // The buffer only grows: filling it with zeros anew would cost as much as copying it.
  if (out_.size() < ZSTD_compressBound(in.size())) out_.resize(ZSTD_compressBound(in.size()));
  const size_t result = ZSTD_compress2(context_.get(), out_.data(), out_.size(), in.data(), in.size());
  if (ZSTD_isError(result)) throw_zstd(result);
  return ByteView(out_).first(result < in.size() ? result : 0);
}

Decompressor::Decompressor() : context_(ZSTD_createDCtx()) {
  if (!context_) throw std::bad_alloc();
}

bool Decompressor::decompress(ByteView in, std::span<uint8_t> out) {
  // One frame only: several together could say the same thing in other bytes.
  if (ZSTD_findFrameCompressedSize(in.data(), in.size()) != in.size()) return false;
  return ZSTD_decompressDCtx(context_.get(), out.data(), out.size(), in.data(), in.size()) == out.size();
}

}  // namespace dbb::codec
