// Preloaded into the program, this records what it does to the files below one folder, so that a test can
// work out what a power loss might have left of them at any moment (tests/e2e/support/power_loss.py); or it
// kills or holds the program right before one of these operations (tests/e2e/test_kills_while_storing.py,
// test_many_hosts.py).
//
// OPERATIONS_ROOT: the folder, absolute and without links.
// OPERATIONS_LOG: where the record goes, if one is wanted; it is appended to.
// OPERATIONS_KILL_BEFORE: "3 rename packs/" sends SIGKILL to itself before the third operation of this kind
// whose path (for a rename: the new one) begins like this. OPERATIONS_STOP_BEFORE: the same with SIGSTOP.
//
// A record is a line of fields with tabs between them, and for a write the bytes after it:
//
//   create PATH INODE | write INODE OFFSET SIZE | truncate INODE SIZE | sync INODE | sync-folder PATH
//   rename FROM TO | link FROM TO | unlink PATH | mkdir PATH | rmdir PATH
//
// Only what succeeded is recorded, in the order in which it happened: one operation at a time, under one
// lock. Paths are relative to the root. The system is called directly, so it does not matter what else wraps
// these functions.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t in_order = PTHREAD_MUTEX_INITIALIZER;

// The path below the root, "." for the root itself, NULL for any other place.
static const char* below_root(const char* path) {
  const char* root = getenv("OPERATIONS_ROOT");
  if (root == NULL || path == NULL) return NULL;
  size_t length = strlen(root);
  if (strncmp(path, root, length) != 0) return NULL;
  if (path[length] == '\0') return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

static const char* path_of(int fd, char* into) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlink, link, into, PATH_MAX - 1);
  if (length < 0) return NULL;
  into[length] = '\0';
  return below_root(into);
}

static unsigned long inode_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (unsigned long)status.st_ino : 0;
}

// Called with the lock held, before an operation. True when it is the one that is asked for.
static int is_wanted(const char* wanted, int* hits, const char* what, const char* path) {
  int hit;
  char its_kind[32], its_path[PATH_MAX];
  if (wanted == NULL || sscanf(wanted, "%d %31s %4000s", &hit, its_kind, its_path) != 3) return 0;
  if (strcmp(its_kind, what) != 0 || strncmp(path, its_path, strlen(its_path)) != 0) return 0;
  return ++*hits == hit;
}

static void before(const char* what, const char* path) {
  static int kill_hits = 0, stop_hits = 0;
  if (is_wanted(getenv("OPERATIONS_KILL_BEFORE"), &kill_hits, what, path))
    syscall(SYS_kill, getpid(), SIGKILL);
  if (is_wanted(getenv("OPERATIONS_STOP_BEFORE"), &stop_hits, what, path))
    syscall(SYS_kill, getpid(), SIGSTOP);
}

// A record that cannot be written would make the test prove nothing: better no program at all.
static void record(const void* data, size_t size, const char* format, ...) {
  if (getenv("OPERATIONS_LOG") == NULL) return;
  int error_before = errno;
  char line[2 * PATH_MAX + 64];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  int log = (int)syscall(SYS_openat, AT_FDCWD, getenv("OPERATIONS_LOG"),
                         O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log < 0 || syscall(SYS_write, log, line, (size_t)length) != length) abort();
  if (size > 0 && syscall(SYS_write, log, data, size) != (ssize_t)size) abort();
  syscall(SYS_close, log);
  errno = error_before;
}

static int open_recorded(int folder, const char* path, int flags, mode_t mode) {
  const char* name = folder == AT_FDCWD || path[0] == '/' ? below_root(path) : NULL;
  if (name == NULL || !(flags & (O_CREAT | O_TRUNC)))
    return (int)syscall(SYS_openat, folder, path, flags, mode);
  pthread_mutex_lock(&in_order);
  int existed = syscall(SYS_faccessat, folder, path, F_OK) == 0;
  before("create", name);
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  if (fd >= 0 && !existed) record(NULL, 0, "create\t%s\t%lu\n", name, inode_of(fd));
  if (fd >= 0 && existed && (flags & O_TRUNC)) record(NULL, 0, "truncate\t%lu\t0\n", inode_of(fd));
  pthread_mutex_unlock(&in_order);
  return fd;
}

#define DBB_OPEN(name)                                        \
  int name(const char* path, int flags, ...) {                \
    va_list more;                                             \
    va_start(more, flags);                                    \
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
    va_end(more);                                             \
    return open_recorded(AT_FDCWD, path, flags, mode);        \
  }
#define DBB_OPENAT(name)                                      \
  int name(int folder, const char* path, int flags, ...) {    \
    va_list more;                                             \
    va_start(more, flags);                                    \
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
    va_end(more);                                             \
    return open_recorded(folder, path, flags, mode);          \
  }
DBB_OPEN(open)
DBB_OPEN(open64)
DBB_OPENAT(openat)
DBB_OPENAT(openat64)

static ssize_t write_recorded(int fd, const void* data, size_t size, off_t offset) {
  char place[PATH_MAX];
  const char* name = path_of(fd, place);
  if (name == NULL) {
    return offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
  }
  pthread_mutex_lock(&in_order);
  before("write", name);
  off_t at = offset < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset;
  ssize_t written = syscall(SYS_pwrite64, fd, data, size, at);
  if (written >= 0 && offset < 0) syscall(SYS_lseek, fd, at + written, SEEK_SET);
  if (written > 0) record(data, (size_t)written, "write\t%lu\t%ld\t%zd\n", inode_of(fd), (long)at, written);
  pthread_mutex_unlock(&in_order);
  return written;
}

ssize_t write(int fd, const void* data, size_t size) { return write_recorded(fd, data, size, -1); }
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return write_recorded(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) {
  return write_recorded(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec* pieces, int count) {
  char place[PATH_MAX];
  if (path_of(fd, place) == NULL || count == 0) return syscall(SYS_writev, fd, pieces, count);
  return write_recorded(fd, pieces[0].iov_base, pieces[0].iov_len, -1);  // a short write; callers go on
}

static int sync_recorded(int fd, long number) {
  char place[PATH_MAX];
  const char* name = path_of(fd, place);
  if (name == NULL) return (int)syscall(number, fd);
  pthread_mutex_lock(&in_order);
  struct stat status;
  before(fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? "sync-folder" : "sync", name);
  int result = fstat(fd, &status);  // the test does not lose power: nothing has to reach the disk
  if (result == 0 && S_ISDIR(status.st_mode)) record(NULL, 0, "sync-folder\t%s\n", name);
  if (result == 0 && !S_ISDIR(status.st_mode)) record(NULL, 0, "sync\t%lu\n", (unsigned long)status.st_ino);
  pthread_mutex_unlock(&in_order);
  return result;
}

int fsync(int fd) { return sync_recorded(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_recorded(fd, SYS_fdatasync); }

static int truncate_recorded(int fd, off_t size) {
  char place[PATH_MAX];
  if (path_of(fd, place) == NULL) return (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&in_order);
  int result = (int)syscall(SYS_ftruncate, fd, size);
  if (result == 0) record(NULL, 0, "truncate\t%lu\t%ld\n", inode_of(fd), (long)size);
  pthread_mutex_unlock(&in_order);
  return result;
}

int ftruncate(int fd, off_t size) { return truncate_recorded(fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_recorded(fd, size); }

// A call of one name or two, recorded when it succeeded.
static int recorded(const char* what, const char* from, const char* to, long number, long a, long b, long c,
                    long d, long e) {
  const char* first = below_root(from);
  const char* second = to == NULL ? "" : below_root(to);
  if (first == NULL || second == NULL) return (int)syscall(number, a, b, c, d, e);
  pthread_mutex_lock(&in_order);
  before(what, to == NULL ? first : second);
  int result = (int)syscall(number, a, b, c, d, e);
  if (result == 0) record(NULL, 0, "%s\t%s%s%s\n", what, first, to == NULL ? "" : "\t", second);
  pthread_mutex_unlock(&in_order);
  return result;
}

int rename(const char* from, const char* to) {
  return recorded("rename", from, to, SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return recorded("rename", from, to, SYS_renameat2, from_folder, (long)from, to_folder, (long)to, flags);
}
int link(const char* from, const char* to) {
  return recorded("link", from, to, SYS_linkat, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0);
}
int unlink(const char* path) {
  return recorded("unlink", path, NULL, SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0);
}
int rmdir(const char* path) {
  return recorded("rmdir", path, NULL, SYS_unlinkat, AT_FDCWD, (long)path, AT_REMOVEDIR, 0, 0);
}
int remove(const char* path) {
  int result = unlink(path);
  return result == 0 || errno != EISDIR ? result : rmdir(path);
}
int mkdir(const char* path, mode_t mode) {
  return recorded("mkdir", path, NULL, SYS_mkdirat, AT_FDCWD, (long)path, mode, 0, 0);
}
