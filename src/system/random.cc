#include "system/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "system/file.h"

namespace dbb::system {

Bytes random_bytes(size_t count) {
  Bytes bytes(count);
  size_t done = 0;
  while (done < count) {
    const ssize_t got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read random bytes from", "the kernel");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

uint64_t random_u64() {
  uint64_t value = 0;
  const Bytes bytes = random_bytes(sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace dbb::system
