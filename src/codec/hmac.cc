#include "codec/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "codec/openssl_error.h"

namespace dbb::codec {

void Hmac::Free::operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }

Hmac::Hmac(ByteView key) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  require_openssl(mac != nullptr, "find HMAC");
  context_.reset(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);  // the context keeps its own reference
  require_openssl(context_ != nullptr, "prepare HMAC");
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                                   OSSL_PARAM_construct_end()};
  // OpenSSL takes a null key as "the key of before", so an empty one needs an address.
  const uint8_t none = 0;
  const uint8_t* const data = key.empty() ? &none : key.data();
  require_openssl(EVP_MAC_init(context_.get(), data, key.size(), parameters) == 1, "set the key of HMAC");
}

Hmac Hmac::clone() const {
  EVP_MAC_CTX* const copy = EVP_MAC_CTX_dup(context_.get());
  require_openssl(copy != nullptr, "copy HMAC");
  return Hmac(copy);
}

Digest Hmac::of(ByteView message) { return add(message).finish(); }

Hmac& Hmac::add(ByteView piece) {
  require_openssl(EVP_MAC_update(context_.get(), piece.data(), piece.size()) == 1, "compute HMAC");
  return *this;
}

Digest Hmac::finish() {
  Digest digest;
  size_t length = 0;
  require_openssl(EVP_MAC_final(context_.get(), digest.data(), &length, digest.size()) == 1, "compute HMAC");
  // Without a key this keeps the old one: cheaper than a copied context (measured 1.56 against 1.37 GB/s).
  require_openssl(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1, "restart HMAC");
  return digest;
}

Digest sha256(ByteView message) {
  Digest digest;
  require_openssl(
      EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
      "compute SHA-256");
  return digest;
}

Key hkdf(ByteView input_key, ByteView salt, ByteView info) {
  const Digest extracted = Hmac(salt).of(input_key);
  // One block of output: T(1) = HMAC(extracted, info || 0x01).
  const uint8_t counter = 1;
  return Hmac(extracted).add(info).add({&counter, 1}).finish();
}

}  // namespace dbb::codec
