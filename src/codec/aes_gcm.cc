#include "codec/aes_gcm.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "codec/openssl_error.h"

namespace dbb::codec {
namespace {

int length_of(ByteView bytes) {
  DBB_CHECK(bytes.size() <= (1U << 30), "nothing that is sealed at once is larger than a pack");
  return static_cast<int>(bytes.size());
}

}  // namespace

void AesGcm::Free::operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
void AesGcm::Free::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }

AesGcm::AesGcm()
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)), context_(EVP_CIPHER_CTX_new()) {
  require_openssl(cipher_ && context_, "prepare AES-256-GCM");
}

void AesGcm::seal(const Key& key, const Nonce& nonce, ByteView associated, ByteView plain,
                  std::span<uint8_t> sealed) {
  DBB_CHECK(sealed.size() == plain.size() + kTagBytes, "the tag follows the ciphertext");
  EVP_CIPHER_CTX* const context = context_.get();
  int length = 0;
  bool done = EVP_EncryptInit_ex2(context, cipher_.get(), key.data(), nonce.data(), nullptr) == 1;
  done = done && EVP_EncryptUpdate(context, nullptr, &length, associated.data(), length_of(associated)) == 1;
  done = done && EVP_EncryptUpdate(context, sealed.data(), &length, plain.data(), length_of(plain)) == 1;
  done = done && EVP_EncryptFinal_ex(context, sealed.data() + plain.size(), &length) == 1;
  done = done && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes),
                                     sealed.data() + plain.size()) == 1;
  require_openssl(done, "seal");
}

bool AesGcm::open(const Key& key, const Nonce& nonce, ByteView associated, ByteView sealed,
                  std::span<uint8_t> plain) {
  DBB_CHECK(sealed.size() == plain.size() + kTagBytes, "the tag follows the ciphertext");
  EVP_CIPHER_CTX* const context = context_.get();
  int length = 0;
  std::array<uint8_t, kTagBytes> tag;
  std::copy_n(sealed.data() + plain.size(), kTagBytes, tag.data());
  bool done = EVP_DecryptInit_ex2(context, cipher_.get(), key.data(), nonce.data(), nullptr) == 1;
  done = done && EVP_DecryptUpdate(context, nullptr, &length, associated.data(), length_of(associated)) == 1;
  done = done && EVP_DecryptUpdate(context, plain.data(), &length, sealed.data(),
                                   length_of(sealed.first(plain.size()))) == 1;
  done = done &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes), tag.data()) == 1;
  require_openssl(done, "open what is sealed");
  uint8_t nothing = 0;
  return EVP_DecryptFinal_ex(context, &nothing, &length) == 1;
}

}  // namespace dbb::codec
