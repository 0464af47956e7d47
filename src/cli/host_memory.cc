#include "cli/host_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "codec/hmac.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

constexpr uint64_t kLargestFile = 64 << 10;
constexpr std::string_view kFormat = "dbbackup-host-memory";

Error rolled_back(const repository::Repository& repository, std::string cause) {
  return Error(
      ErrorCode::kRepositoryRolledBack,
      {.message =
           fmt::format("The repository in {} is not what this host saw there before.", repository.describe()),
       .cause = std::move(cause),
       .solution = {"If you put an older copy or another repository there yourself, say so once: run the "
                    "command with --accept-rollback",
                    "Else find out who can write to the store, and look at what is left: dbbackup list "
                    "--accept-rollback"}});
}

}  // namespace

std::filesystem::path state_directory(const Environment& environment) {
  if (const auto state = environment.get("XDG_STATE_HOME"); state && state->starts_with('/')) {
    return std::filesystem::path(*state) / "dbbackup";
  }
  if (const auto home = environment.get("HOME"); home && home->starts_with('/')) {
    return std::filesystem::path(*home) / ".local/state/dbbackup";
  }
  return {};
}

HostMemory::HostMemory(const Environment& environment, const std::string& place) : place_(place) {
  const std::filesystem::path directory = state_directory(environment);
  if (directory.empty()) return;
  const codec::Digest digest = codec::sha256(as_bytes(place));
  file_ = directory / "repositories" / (to_hex(ByteView(digest).first(16)) + ".json");
}

std::optional<RememberedRepository> HostMemory::recall() const {
  if (file_.empty()) return std::nullopt;
  try {
    const std::optional<Bytes> text = system::read_file(file_, kLargestFile);
    if (!text) return std::nullopt;
    const auto document = nlohmann::json::parse(text->begin(), text->end());
    if (document.at("format") != kFormat) return std::nullopt;
    const std::string newest = document.at("newest_backup").get<std::string>();
    if (!newest.empty()) BackupId::parse(newest);
    return RememberedRepository{.repository_id = document.at("repository_id").get<std::string>(),
                                .encrypted = document.at("encrypted").get<bool>(),
                                .newest_epoch = document.at("newest_epoch").get<uint32_t>(),
                                .newest_backup = newest};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void HostMemory::remember(const RememberedRepository& repository) const {
  if (file_.empty()) {
    throw Error(
        ErrorCode::kStorageFailed,
        {.message = "It is not known where this user's state lies: neither XDG_STATE_HOME nor HOME is "
                    "set."});
  }
  const nlohmann::json document = {{"format", kFormat},
                                   {"place", place_},
                                   {"repository_id", repository.repository_id},
                                   {"encrypted", repository.encrypted},
                                   {"newest_epoch", repository.newest_epoch},
                                   {"newest_backup", repository.newest_backup}};
  const std::string text = document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  system::create_directories(file_.parent_path());
  system::publish_replacing(file_, as_bytes(text));
}

void refuse_downgrade(const std::optional<RememberedRepository>& remembered, repository::EncryptionKind found,
                      const std::string& place) {
  if (!remembered || !remembered->encrypted || found != repository::EncryptionKind::kNone) return;
  throw Error(
      ErrorCode::kEncryptionDowngraded,
      {.message = fmt::format("The repository in {} was encrypted, and is not any more.", place),
       .cause =
           fmt::format("This host saw the encrypted repository {} there. Somebody may have put another one "
                       "in its place, to be given what you back up.",
                       remembered->repository_id),
       .solution = {"If you made a new repository there without encryption yourself, say so once: run the "
                    "command with --accept-rollback",
                    "Else find out who can write to the store, before you back up anything into it."}});
}

void refuse_rollback(const std::optional<RememberedRepository>& remembered,
                     repository::Repository& repository) {
  if (!remembered) return;
  if (remembered->repository_id != repository.id()) {
    throw rolled_back(repository, fmt::format("It was the repository {}, and is {}.",
                                              remembered->repository_id, repository.id()));
  }
  if (remembered->newest_epoch > repository.newest_epoch()) {
    throw rolled_back(repository, fmt::format("Its newest encryption epoch was {}, and is {}.",
                                              remembered->newest_epoch, repository.newest_epoch()));
  }
  if (remembered->newest_backup.empty()) return;
  const BackupId newest = BackupId::parse(remembered->newest_backup);
  if (repository.has_backup(newest) || repository.is_forgotten(newest)) return;
  throw rolled_back(repository, fmt::format("The backup {} was there, is gone, and nobody with a key of the "
                                            "repository removed it.",
                                            newest.text()));
}

RememberedRepository look_at(repository::Repository& repository) {
  RememberedRepository now{.repository_id = repository.id(),
                           .encrypted = repository.encryption() != repository::EncryptionKind::kNone,
                           .newest_epoch = repository.newest_epoch()};
  if (const auto newest = repository.newest_readable_backup()) now.newest_backup = newest->text();
  return now;
}

}  // namespace dbb::cli
