#include "base/error_code.h"

#include <array>
#include <cstddef>

#include "base/check.h"

namespace dbb {
namespace {

using enum ErrorCode;
using enum ExitCode;

constexpr std::array kTable = {
    ErrorCodeInfo{kUsage, "USAGE", "usage", "Command Line Error", ExitCode::kUsage},
    ErrorCodeInfo{kConfigInvalid, "CONFIG_INVALID", "config-invalid", "Configuration Error",
                  ExitCode::kUsage},
    ErrorCodeInfo{kAuthFailed, "AUTH_FAILED", "auth-failed", "PostgreSQL Authentication Error",
                  kConnectionOrPermission},
    ErrorCodeInfo{kConnectionRefused, "CONNECTION_REFUSED", "connection-refused", "PostgreSQL Not Reachable",
                  kConnectionOrPermission},
    ErrorCodeInfo{kConnectionLost, "CONNECTION_LOST", "connection-lost", "PostgreSQL Connection Lost",
                  kConnectionOrPermission},
    ErrorCodeInfo{kPermissionDenied, "PERMISSION_DENIED", "permission-denied", "Permission Denied",
                  kConnectionOrPermission},
    ErrorCodeInfo{kPoolerInBetween, "POOLER_IN_BETWEEN", "pooler-in-between", "Connection Pooler In Between",
                  kConnectionOrPermission},
    ErrorCodeInfo{kTopologySplit, "TOPOLOGY_SPLIT", "topology-split", "Several Servers Behind One Address",
                  kConnectionOrPermission},
    ErrorCodeInfo{kDatabaseNotFound, "DATABASE_NOT_FOUND", "database-not-found", "Database Not Found",
                  kConnectionOrPermission},
    ErrorCodeInfo{kServerUnsupported, "SERVER_UNSUPPORTED", "server-unsupported",
                  "PostgreSQL Version Not Supported", kRefused},
    ErrorCodeInfo{kServerError, "SERVER_ERROR", "server-error", "PostgreSQL Statement Failed", kFailed},
    ErrorCodeInfo{kClientProgramMissing, "CLIENT_PROGRAM_MISSING", "client-program-missing",
                  "PostgreSQL Client Program Missing", kRefused},
    ErrorCodeInfo{kClientProgramOlder, "CLIENT_PROGRAM_OLDER", "client-program-older",
                  "PostgreSQL Client Program Too Old", kRefused},
    ErrorCodeInfo{kClientProgramFailed, "CLIENT_PROGRAM_FAILED", "client-program-failed",
                  "PostgreSQL Client Program Failed", kFailed},
    ErrorCodeInfo{kLockTimeout, "LOCK_TIMEOUT", "lock-timeout", "Lock Not Granted In Time", kFailed},
    ErrorCodeInfo{kLockExhaustion, "LOCK_EXHAUSTION", "lock-exhaustion", "PostgreSQL Lock Table Full",
                  kFailed},
    ErrorCodeInfo{kTableChanged, "TABLE_CHANGED", "table-changed", "Tables Rewritten During The Backup",
                  kFailed},
    ErrorCodeInfo{kDiskFull, "DISK_FULL", "disk-full", "Disk Full", kDiskSpace},
    ErrorCodeInfo{kStorageFailed, "STORAGE_FAILED", "storage-failed", "Storage Failed", kFailed},
    ErrorCodeInfo{kRepositoryNotFound, "REPOSITORY_NOT_FOUND", "repository-not-found", "Repository Not Found",
                  kRepositoryUnusable},
    ErrorCodeInfo{kRepositoryExists, "REPOSITORY_EXISTS", "repository-exists", "Repository Exists Already",
                  kRepositoryUnusable},
    ErrorCodeInfo{kNotARepository, "NOT_A_REPOSITORY", "not-a-repository", "Not A Repository",
                  kRepositoryUnusable},
    ErrorCodeInfo{kRepositoryTooNew, "REPOSITORY_TOO_NEW", "repository-too-new",
                  "Repository Of A Newer Version", kRepositoryUnusable},
    ErrorCodeInfo{kRepositoryReadOnly, "REPOSITORY_READ_ONLY", "repository-read-only",
                  "Repository Not Writable", kRepositoryUnusable},
    ErrorCodeInfo{kCorruptedBackup, "CORRUPTED_BACKUP", "corrupted-backup", "Backup Damaged",
                  kVerificationFailed},
    ErrorCodeInfo{kBackupNotFound, "BACKUP_NOT_FOUND", "backup-not-found", "Backup Not Found", kRefused},
    ErrorCodeInfo{kBackupAmbiguous, "BACKUP_AMBIGUOUS", "backup-ambiguous", "Backup Name Ambiguous",
                  kRefused},
    ErrorCodeInfo{kBackupIncomplete, "BACKUP_INCOMPLETE", "backup-incomplete", "Backup Incomplete", kPartial},
    ErrorCodeInfo{kTargetExists, "TARGET_EXISTS", "target-exists", "Target Exists Already", kRefused},
    ErrorCodeInfo{kNameIllegal, "NAME_ILLEGAL", "name-illegal", "Name Not Possible", kRefused},
    ErrorCodeInfo{kVersionDowngrade, "VERSION_DOWNGRADE", "version-downgrade", "Target Server Is Older",
                  kRefused},
    ErrorCodeInfo{kPreflightRefused, "PREFLIGHT_REFUSED", "preflight-refused",
                  "Restore Refused Before It Began", kRefused},
    ErrorCodeInfo{kProofFailed, "PROOF_FAILED", "proof-failed", "Restored Rows Differ From The Backup",
                  kVerificationFailed},
    ErrorCodeInfo{kSwapFailed, "SWAP_FAILED", "swap-failed", "Databases Could Not Be Swapped", kFailed},
    ErrorCodeInfo{kRestoreFailed, "RESTORE_FAILED", "restore-failed", "Restore Failed", kFailed},
    ErrorCodeInfo{kConfirmationNeeded, "CONFIRMATION_NEEDED", "confirmation-needed", "Confirmation Needed",
                  kRefused},
    ErrorCodeInfo{ErrorCode::kCancelled, "CANCELLED", "cancelled", "Cancelled", ExitCode::kCancelled},
    ErrorCodeInfo{ErrorCode::kInternal, "INTERNAL", "internal", "Internal Error", ExitCode::kInternal},
};

}  // namespace

const ErrorCodeInfo& info(ErrorCode code) {
  const auto& entry = kTable.at(static_cast<std::size_t>(code));
  DBB_CHECK(entry.code == code, "the table stands in the order of the enum");
  return entry;
}

std::span<const ErrorCodeInfo> all_error_codes() { return kTable; }

}  // namespace dbb
