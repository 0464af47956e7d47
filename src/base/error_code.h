#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dbb {

// Why something failed, as scripts see it. Names are part of the interface: never renamed, only added.
// Each has a page docs/errors/<page>.md, which a test checks.
enum class ErrorCode : uint8_t {
  kUsage,
  kConfigInvalid,
  kAuthFailed,
  kConnectionRefused,
  kConnectionLost,
  kPermissionDenied,
  kPoolerInBetween,
  kTopologySplit,
  kDatabaseNotFound,
  kServerUnsupported,
  kServerError,
  kClientProgramMissing,
  kClientProgramOlder,
  kClientProgramFailed,
  kLockTimeout,
  kLockExhaustion,
  kTableChanged,
  kDiskFull,
  kStorageFailed,
  kRepositoryNotFound,
  kRepositoryExists,
  kNotARepository,
  kRepositoryTooNew,
  kRepositoryReadOnly,
  kCorruptedBackup,
  kBackupNotFound,
  kBackupAmbiguous,
  kBackupIncomplete,
  kTargetExists,
  kNameIllegal,
  kVersionDowngrade,
  kArchiveTooNew,
  kPreflightRefused,
  kProofFailed,
  kSwapFailed,
  kRestoreFailed,
  kKeyNeeded,
  kKeyRefused,
  kKeyIsLast,
  kEncryptionDowngraded,
  kObjectSwapped,
  kRepositoryRolledBack,
  kSessionSilent,
  kPackDeleted,
  kBackupHeld,
  kBackupIsLast,
  kRestoreIncomplete,
  kConfirmationNeeded,
  kCancelled,
  kInternal,
};

// Exit codes of the program; docs/exit-codes.md is the reference for people.
enum class ExitCode : uint8_t {
  kDone = 0,
  kConnectionOrPermission = 1,
  kDiskSpace = 2,
  kVerificationFailed = 3,
  kPartial = 4,  // some databases or tables are missing from the result
  kRefused = 5,  // nothing was changed, and the message says what to do
  kFailed = 6,   // begun and not finished
  kRepositoryUnusable = 7,
  kUsage = 64,
  kInternal = 70,
  kCancelled = 130,
};

struct ErrorCodeInfo {
  ErrorCode code;
  std::string_view name;   // "AUTH_FAILED"
  std::string_view page;   // file below docs/errors/, without ".md"
  std::string_view title;  // heading for people: "PostgreSQL Authentication Error"
  ExitCode exit_code;
};

const ErrorCodeInfo& info(ErrorCode code);
std::span<const ErrorCodeInfo> all_error_codes();

}  // namespace dbb
