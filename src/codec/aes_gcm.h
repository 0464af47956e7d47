#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "codec/hmac.h"

namespace dbb::codec {

using Nonce = std::array<uint8_t, 12>;
inline constexpr size_t kTagBytes = 16;

// AES-256-GCM. The caller guarantees that a key sees a nonce once. Confined to one thread; about 5 GB/s.
class AesGcm {
 public:
  AesGcm();

  // `sealed` gets ciphertext and tag: plain.size() + kTagBytes.
  void seal(const Key& key, const Nonce& nonce, ByteView associated, ByteView plain,
            std::span<uint8_t> sealed);
  // False when anything of it is not what was sealed; `plain` is then to be thrown away.
  // `sealed` has at least kTagBytes, `plain` exactly kTagBytes less.
  [[nodiscard]] bool open(const Key& key, const Nonce& nonce, ByteView associated, ByteView sealed,
                          std::span<uint8_t> plain);

 private:
  struct Free {
    void operator()(EVP_CIPHER* cipher) const;
    void operator()(EVP_CIPHER_CTX* context) const;
  };
  std::unique_ptr<EVP_CIPHER, Free> cipher_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

}  // namespace dbb::codec
