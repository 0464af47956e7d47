#include "cli/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.h"

namespace dbb::cli {
namespace {

Tone tone_of(DoctorVerdict verdict) {
  switch (verdict) {
    case DoctorVerdict::kOk:
      return Tone::kGood;
    case DoctorVerdict::kWarning:
      return Tone::kWarning;
    case DoctorVerdict::kFailed:
      return Tone::kBad;
    case DoctorVerdict::kSkipped:
      return Tone::kFaint;
  }
  return Tone::kPlain;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string_view name_of(DoctorVerdict verdict) {
  switch (verdict) {
    case DoctorVerdict::kOk:
      return "ok";
    case DoctorVerdict::kWarning:
      return "warning";
    case DoctorVerdict::kFailed:
      return "failed";
    case DoctorVerdict::kSkipped:
      return "skipped";
  }
  return "";
}

Diagnosis diagnose(const std::string& check, const std::function<Diagnosis()>& look) {
  try {
    Diagnosis found = look();
    found.check = check;
    return found;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    std::string remedy;
    for (const std::string& step : error.solution()) {
      remedy += (remedy.empty() ? "" : remedy.ends_with('.') ? " " : ". ") + first_line(step);
    }
    return {.check = check,
            .verdict = DoctorVerdict::kFailed,
            .finding = fmt::format("{}: {}{}", error.info().name, error.message(),
                                   error.cause().empty() ? "" : " (" + first_line(error.cause()) + ")"),
            .remedy = std::move(remedy),
            .exit_code = error.info().exit_code};
  }
}

Diagnosis diagnose_locks(const postgres::LockCapacity& capacity, const postgres::ServerFacts& facts,
                         int64_t tables, const std::string& database) {
  // A backup holds one lock on each table of a database while its rows are read, and pg_dump takes as many
  // before.
  const int64_t left = capacity.available() - tables;
  Diagnosis out{.finding = fmt::format("max_locks_per_transaction {} x (max_connections {} + "
                                       "max_prepared_transactions {}) = {}; {} in any case, "
                                       "{} in use; {} tables in \"{}\": {} left",
                                       facts.max_locks_per_transaction, facts.max_connections,
                                       facts.max_prepared_transactions,
                                       format_count(static_cast<uint64_t>(capacity.documented)),
                                       capacity.floor, capacity.in_use, tables, database, left)};
  if (left < 0) {
    const int64_t slots = std::max<int64_t>(1, capacity.floor / std::max(1, facts.max_locks_per_transaction));
    out.verdict = DoctorVerdict::kWarning;
    out.remedy = fmt::format(
        "Set max_locks_per_transaction = {} and restart the server. A backup tries all the same; nothing is "
        "harmed if "
        "the table is full.",
        std::max<int64_t>(64, (tables + capacity.in_use) * 5 / 4 / slots + 1));
  }
  return out;
}

Diagnosis diagnose_slots(const postgres::ServerFacts& facts, int wanted) {
  const int usable = facts.max_connections - (facts.is_superuser ? 0 : facts.reserved_connections);
  const int free = usable - facts.used_connections;
  Diagnosis out{.finding =
                    fmt::format("{} of {} in use, {} free for this role; a backup or restore takes about {}",
                                facts.used_connections, facts.max_connections, free, wanted)};
  if (free < 3) {
    out.verdict = DoctorVerdict::kFailed;
    out.exit_code = ExitCode::kConnectionOrPermission;
    out.remedy = "End idle sessions, or raise max_connections.";
  } else if (free < wanted) {
    out.verdict = DoctorVerdict::kWarning;
    out.remedy = "Fewer workers will run; --jobs says how many.";
  }
  return out;
}

Diagnosis diagnose_rights(const postgres::ServerFacts& facts, bool reads_all_data) {
  if (facts.is_superuser) return {.finding = fmt::format("\"{}\" is a superuser", facts.role)};
  Diagnosis out{.verdict = DoctorVerdict::kWarning};
  out.finding =
      fmt::format("\"{}\" is no superuser; reads all data: {}; creates databases: {}; creates roles: {}",
                  facts.role, reads_all_data ? "yes" : "no", facts.can_create_databases ? "yes" : "no",
                  facts.can_create_roles ? "yes" : "no");
  out.remedy = fmt::format(
      "Connect as a superuser, or GRANT pg_read_all_data TO \"{}\": large objects of others are then still "
      "left out, "
      "and a restore cannot give objects to other owners.",
      facts.role);
  return out;
}

ExitCode exit_code_of(const std::vector<Diagnosis>& diagnoses) {
  // By what has to be mended first; a number not in this list comes last.
  constexpr std::array kOrder = {ExitCode::kConnectionOrPermission, ExitCode::kRepositoryUnusable,
                                 ExitCode::kDiskSpace, ExitCode::kVerificationFailed, ExitCode::kRefused};
  for (const ExitCode code : kOrder) {
    if (std::ranges::any_of(diagnoses, [&](const Diagnosis& line) { return line.exit_code == code; }))
      return code;
  }
  for (const Diagnosis& line : diagnoses) {
    if (line.exit_code != ExitCode::kDone) return line.exit_code;
  }
  return ExitCode::kDone;
}

std::string render_diagnoses(const std::vector<Diagnosis>& diagnoses, size_t width, const Style& style) {
  Table table({{"CHECK"}, {"VERDICT"}, {"FINDING", Align::kLeft, true}, {"REMEDY", Align::kLeft, true}});
  for (const Diagnosis& line : diagnoses) {
    table.add({Cell(line.check), Cell(std::string(name_of(line.verdict)), tone_of(line.verdict)),
               Cell(line.finding), Cell(line.remedy)});
  }
  return table.render(style, width);
}

}  // namespace dbb::cli
