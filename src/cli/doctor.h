#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/table.h"
#include "postgres/server.h"

namespace dbb::cli {

enum class DoctorVerdict { kOk, kWarning, kFailed, kSkipped };
std::string_view name_of(DoctorVerdict verdict);  // "ok", "warning", "failed", "skipped"

// One line of `dbbackup doctor`.
struct Diagnosis {
  std::string check;  // "server"
  DoctorVerdict verdict = DoctorVerdict::kOk;
  std::string finding;  // one line, with the numbers
  std::string remedy = {};
  ExitCode exit_code = ExitCode::kDone;  // what this line alone would end the program with
};

// Runs `look`; an Error it throws becomes a failed line, so that the next line is tried all the same.
// Cancellation is passed on.
Diagnosis diagnose(const std::string& check, const std::function<Diagnosis()>& look);

// Could one worker of a restore that touches the tables of a database one by one live with what the lock
// table has left? `tables` is the number in the largest database.
Diagnosis diagnose_locks(const postgres::LockCapacity& capacity, const postgres::ServerFacts& facts,
                         int64_t tables, const std::string& database);
Diagnosis diagnose_slots(const postgres::ServerFacts& facts, int wanted);
Diagnosis diagnose_rights(const postgres::ServerFacts& facts, bool reads_all_data);

// The worst line's: the one whose failure the others follow from comes first.
ExitCode exit_code_of(const std::vector<Diagnosis>& diagnoses);
std::string render_diagnoses(const std::vector<Diagnosis>& diagnoses, size_t width, const Style& style);

}  // namespace dbb::cli
