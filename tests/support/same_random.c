// Preloaded into the program, this is a machine whose random source is broken in the worst way, or was cloned: every
// call in every process gives the same bytes.
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

static void fill(void *into, size_t size) { memset(into, 0x5a, size); }

ssize_t getrandom(void *into, size_t size, unsigned flags) {
  (void)flags;
  fill(into, size);
  return (ssize_t)size;
}

int getentropy(void *into, size_t size) {
  fill(into, size);
  return 0;
}
