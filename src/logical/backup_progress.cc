#include "logical/backup_progress.h"

#include <algorithm>

namespace dbb::logical {

void BackupProgress::expect(int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  now_.bytes_total =
      static_cast<uint64_t>(std::max<int64_t>(0, static_cast<int64_t>(now_.bytes_total) + bytes));
  now_.databases_total = databases_total_;
}

void BackupProgress::advance(uint64_t bytes, const std::string& object) {
  const std::scoped_lock lock(mutex_);
  now_.bytes_done += bytes;
  now_.object = object;
  operation_.events.emit(now_);
}

void BackupProgress::database_done() {
  const std::scoped_lock lock(mutex_);
  ++now_.databases_done;
  operation_.events.emit(now_);
}

}  // namespace dbb::logical
