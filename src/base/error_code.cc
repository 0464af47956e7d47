#include "base/error_code.h"

#include <array>
#include <cstddef>

#include "base/check.h"

namespace dbb {
namespace {

using enum ErrorCode;
using Exit = ExitCode;

constexpr std::array kTable = {
    ErrorCodeInfo{kUsage, "USAGE", "usage", "Command Line Error", Exit::kUsage},
    ErrorCodeInfo{kConfigInvalid, "CONFIG_INVALID", "config-invalid", "Configuration Error", Exit::kUsage},
    ErrorCodeInfo{kAuthFailed, "AUTH_FAILED", "auth-failed", "PostgreSQL Authentication Error",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kConnectionRefused, "CONNECTION_REFUSED", "connection-refused", "PostgreSQL Not Reachable",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kConnectionLost, "CONNECTION_LOST", "connection-lost", "PostgreSQL Connection Lost",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kPermissionDenied, "PERMISSION_DENIED", "permission-denied", "Permission Denied",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kPoolerInBetween, "POOLER_IN_BETWEEN", "pooler-in-between", "Connection Pooler In Between",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kTopologySplit, "TOPOLOGY_SPLIT", "topology-split", "Several Servers Behind One Address",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kDatabaseNotFound, "DATABASE_NOT_FOUND", "database-not-found", "Database Not Found",
                  Exit::kConnectionOrPermission},
    ErrorCodeInfo{kServerUnsupported, "SERVER_UNSUPPORTED", "server-unsupported",
                  "PostgreSQL Version Not Supported", Exit::kRefused},
    ErrorCodeInfo{kServerError, "SERVER_ERROR", "server-error", "PostgreSQL Statement Failed", Exit::kFailed},
    ErrorCodeInfo{kClientProgramMissing, "CLIENT_PROGRAM_MISSING", "client-program-missing",
                  "PostgreSQL Client Program Missing", Exit::kRefused},
    ErrorCodeInfo{kClientProgramOlder, "CLIENT_PROGRAM_OLDER", "client-program-older",
                  "PostgreSQL Client Program Too Old", Exit::kRefused},
    ErrorCodeInfo{kClientProgramFailed, "CLIENT_PROGRAM_FAILED", "client-program-failed",
                  "PostgreSQL Client Program Failed", Exit::kFailed},
    ErrorCodeInfo{kLockTimeout, "LOCK_TIMEOUT", "lock-timeout", "Lock Not Granted In Time", Exit::kFailed},
    ErrorCodeInfo{kLockExhaustion, "LOCK_EXHAUSTION", "lock-exhaustion", "PostgreSQL Lock Table Full",
                  Exit::kFailed},
    ErrorCodeInfo{kTableChanged, "TABLE_CHANGED", "table-changed", "Tables Rewritten During The Backup",
                  Exit::kFailed},
    ErrorCodeInfo{kDiskFull, "DISK_FULL", "disk-full", "Disk Full", Exit::kDiskSpace},
    ErrorCodeInfo{kStorageFailed, "STORAGE_FAILED", "storage-failed", "Storage Failed", Exit::kFailed},
    ErrorCodeInfo{kRepositoryNotFound, "REPOSITORY_NOT_FOUND", "repository-not-found", "Repository Not Found",
                  Exit::kRepositoryUnusable},
    ErrorCodeInfo{kRepositoryExists, "REPOSITORY_EXISTS", "repository-exists", "Repository Exists Already",
                  Exit::kRepositoryUnusable},
    ErrorCodeInfo{kNotARepository, "NOT_A_REPOSITORY", "not-a-repository", "Not A Repository",
                  Exit::kRepositoryUnusable},
    ErrorCodeInfo{kRepositoryTooNew, "REPOSITORY_TOO_NEW", "repository-too-new",
                  "Repository Of A Newer Version", Exit::kRepositoryUnusable},
    ErrorCodeInfo{kRepositoryReadOnly, "REPOSITORY_READ_ONLY", "repository-read-only",
                  "Repository Not Writable", Exit::kRepositoryUnusable},
    ErrorCodeInfo{kCorruptedBackup, "CORRUPTED_BACKUP", "corrupted-backup", "Backup Damaged",
                  Exit::kVerificationFailed},
    ErrorCodeInfo{kBackupNotFound, "BACKUP_NOT_FOUND", "backup-not-found", "Backup Not Found",
                  Exit::kRefused},
    ErrorCodeInfo{kBackupAmbiguous, "BACKUP_AMBIGUOUS", "backup-ambiguous", "Backup Name Ambiguous",
                  Exit::kRefused},
    ErrorCodeInfo{kBackupIncomplete, "BACKUP_INCOMPLETE", "backup-incomplete", "Backup Incomplete",
                  Exit::kPartial},
    ErrorCodeInfo{kTargetExists, "TARGET_EXISTS", "target-exists", "Target Exists Already", Exit::kRefused},
    ErrorCodeInfo{kNameIllegal, "NAME_ILLEGAL", "name-illegal", "Name Not Possible", Exit::kRefused},
    ErrorCodeInfo{kVersionDowngrade, "VERSION_DOWNGRADE", "version-downgrade", "Target Server Is Older",
                  Exit::kRefused},
    ErrorCodeInfo{kArchiveTooNew, "ARCHIVE_TOO_NEW", "archive-too-new", "Archive Of A Newer pg_dump",
                  Exit::kRefused},
    ErrorCodeInfo{kPreflightRefused, "PREFLIGHT_REFUSED", "preflight-refused",
                  "Restore Refused Before It Began", Exit::kRefused},
    ErrorCodeInfo{kProofFailed, "PROOF_FAILED", "proof-failed", "Restored Rows Differ From The Backup",
                  Exit::kVerificationFailed},
    ErrorCodeInfo{kSwapFailed, "SWAP_FAILED", "swap-failed", "Databases Could Not Be Swapped", Exit::kFailed},
    ErrorCodeInfo{kRestoreFailed, "RESTORE_FAILED", "restore-failed", "Restore Failed", Exit::kFailed},
    ErrorCodeInfo{kKeyNeeded, "KEY_NEEDED", "key-needed", "Key Of The Repository Needed",
                  Exit::kRepositoryUnusable},
    ErrorCodeInfo{kKeyRefused, "KEY_REFUSED", "key-refused", "Key Not Accepted", Exit::kRepositoryUnusable},
    ErrorCodeInfo{kKeyIsLast, "KEY_IS_LAST", "key-is-last", "Last Key Of The Repository", Exit::kRefused},
    ErrorCodeInfo{kEncryptionDowngraded, "ENCRYPTION_DOWNGRADED", "encryption-downgraded",
                  "Encrypted Repository Became Plain", Exit::kVerificationFailed},
    ErrorCodeInfo{kObjectSwapped, "OBJECT_SWAPPED", "object-swapped", "Stored Object In A Wrong Place",
                  Exit::kVerificationFailed},
    ErrorCodeInfo{kRepositoryRolledBack, "REPOSITORY_ROLLED_BACK", "repository-rolled-back",
                  "Repository Is Older Than It Was", Exit::kVerificationFailed},
    ErrorCodeInfo{kSessionSilent, "SESSION_SILENT", "session-silent", "Backup Was Stopped For Too Long",
                  Exit::kFailed},
    ErrorCodeInfo{kPackDeleted, "PACK_DELETED", "pack-deleted", "Data Was Deleted During The Backup",
                  Exit::kFailed},
    ErrorCodeInfo{kBackupHeld, "BACKUP_HELD", "backup-held", "Backup Is Held", Exit::kRefused},
    ErrorCodeInfo{kBackupIsLast, "BACKUP_IS_LAST", "backup-is-last", "Last Good Backup", Exit::kRefused},
    ErrorCodeInfo{kRestoreIncomplete, "RESTORE_INCOMPLETE", "restore-incomplete", "Restore Incomplete",
                  Exit::kPartial},
    ErrorCodeInfo{kConfirmationNeeded, "CONFIRMATION_NEEDED", "confirmation-needed", "Confirmation Needed",
                  Exit::kRefused},
    ErrorCodeInfo{kCancelled, "CANCELLED", "cancelled", "Cancelled", Exit::kCancelled},
    ErrorCodeInfo{kInternal, "INTERNAL", "internal", "Internal Error", Exit::kInternal},
};

}  // namespace

const ErrorCodeInfo& info(ErrorCode code) {
  const auto& entry = kTable.at(static_cast<std::size_t>(code));
  DBB_CHECK(entry.code == code, "the table stands in the order of the enum");
  return entry;
}

std::span<const ErrorCodeInfo> all_error_codes() { return kTable; }

}  // namespace dbb
