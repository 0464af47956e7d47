#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/environment.h"
#include "repository/repository.h"

// What this host remembers of a repository, so that nobody who can only write to the store can give it an
// older one, or one without encryption, unnoticed (docs/security.md).
namespace dbb::cli {

struct RememberedRepository {
  std::string repository_id;  // 32 hexadecimal digits
  bool encrypted = false;
  uint32_t newest_epoch = 0;
  std::string newest_backup = {};  // id; empty: none was seen

  bool operator==(const RememberedRepository&) const = default;
};

// Where this program keeps what it remembers: below XDG_STATE_HOME or HOME; "" without either.
std::filesystem::path state_directory(const Environment& environment);

// A file a place, below XDG_STATE_HOME or ~/.local/state, for every user his own. Confined to one thread.
class HostMemory {
 public:
  // `place`: what names the repository on this host, such as its path.
  HostMemory(const Environment& environment, const std::string& place);

  // Empty when nothing is known, and when the file cannot be read or understood: a memory only ever helps.
  std::optional<RememberedRepository> recall() const;
  // Error when it cannot be written.
  void remember(const RememberedRepository& repository) const;
  // Empty when no directory is known.
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::string place_;
};

// Before a key is asked for: kEncryptionDowngraded when the repository was encrypted and is not any more.
void refuse_downgrade(const std::optional<RememberedRepository>& remembered, repository::EncryptionKind found,
                      const std::string& place);
// kRepositoryRolledBack when it is another repository, the newest epoch is gone, or the newest backup is and
// nobody with a key removed it.
void refuse_rollback(const std::optional<RememberedRepository>& remembered,
                     repository::Repository& repository);
// What is to be remembered now.
RememberedRepository look_at(repository::Repository& repository);

}  // namespace dbb::cli
