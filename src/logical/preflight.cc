#include "logical/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.h"
#include "logical/preflight_parts.h"
#include "logical/source.h"

namespace dbb::logical {
namespace {

PreflightLine topology_line(const PreflightInput& in) {
  const postgres::ServerFacts& server = in.facts.server;
  if (server.in_recovery) {
    return {Verdict::kRefused, "topology",
            fmt::format("{} is a standby and takes no changes", in.facts.address),
            "Name the primary with -h and -p."};
  }
  return {Verdict::kOk, "topology",
          fmt::format("one primary answers at {}{}", in.facts.address,
                      server.system_identifier.empty() ? "" : ", system " + server.system_identifier)};
}

PreflightLine rights_line(const PreflightInput& in) {
  const postgres::ServerFacts& server = in.facts.server;
  if (server.is_superuser) return {Verdict::kOk, "rights", fmt::format("{} is a superuser", server.role)};
  if (!server.can_create_databases) {
    return {Verdict::kRefused, "rights", fmt::format("{} may not create databases", server.role),
            fmt::format("As a superuser: ALTER ROLE {} CREATEDB; or restore as a superuser with -U.",
                        server.role)};
  }
  if (!in.facts.globals.roles.empty() && !server.can_create_roles) {
    return {Verdict::kRefused, "rights",
            fmt::format("{} may not create the roles that are missing: {}", server.role,
                        join_names(in.facts.globals.roles)),
            "Create them, or restore as a superuser with -U."};
  }
  return {
      Verdict::kWarning, "rights",
      "Current user is not a superuser - database ownership may not be fully restored",
      fmt::format("Everything restored will belong to {}, without the recorded privileges.", server.role)};
}

// What a role without superuser's rights leaves out, database by database.
void cannot_give_lines(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  const std::string& role = in.facts.server.role;
  for (const DatabasePlan& plan : in.databases) {
    const auto found = in.facts.cannot_give.find(plan.source);
    if (plan.action == DatabaseAction::kSkip || found == in.facts.cannot_give.end()) continue;
    const CannotGive& cannot = found->second;
    std::vector<std::string> owners;
    for (const auto& [owner, objects] : cannot.owners) {
      owners.push_back(fmt::format("{} of {}", format_count(objects), owner));
    }
    if (!owners.empty()) {
      lines.push_back({Verdict::kWarning, fmt::format("owners: {}", plan.source),
                       fmt::format("objects that will belong to {} instead: {}", role, join_names(owners)),
                       "Restore as a superuser with -U; --no-owner says that it is meant."});
    }
    if (cannot.grants > 0) {
      lines.push_back(
          {Verdict::kWarning, fmt::format("grants: {}", plan.source),
           fmt::format("{} statements that grant or revoke are left out", format_count(cannot.grants)),
           "Restore as a superuser with -U; --no-acl says that it is meant."});
    }
    if (!cannot.objects.empty()) {
      lines.push_back(
          {Verdict::kWarning, fmt::format("superuser's: {}", plan.source),
           fmt::format("left out, because only a superuser may create them: {}", join_names(cannot.objects)),
           "Restore as a superuser with -U, or create them later."});
    }
  }
}

PreflightLine version_line(const PreflightInput& in) {
  const postgres::ServerVersion source = in.document.server_version;
  const postgres::ServerVersion target = in.facts.server.version;
  const std::string finding = fmt::format("backup of PostgreSQL {}, target {}", source.text(), target.text());
  if (target.major() < source.major()) {
    return {Verdict::kRefused, "version", finding + ": a downgrade",
            fmt::format("Restore into PostgreSQL {} or newer.", source.major())};
  }
  if (target.major() > source.major()) {
    return {Verdict::kWarning, "version", finding + ": an upgrade",
            "Read the release notes between the two; statements the newer server refuses end the restore "
            "before the "
            "swap."};
  }
  return {Verdict::kOk, "version", finding};
}

PreflightLine client_line(const PreflightInput& in) {
  if (!in.facts.client) return {Verdict::kRefused, "client programs", in.facts.client_problem};
  return {Verdict::kOk, "client programs",
          fmt::format("pg_dumpall {}, backup written by pg_dump {}", in.facts.client->text(),
                      in.document.client_version.text())};
}

// A backup of another server would take the place of what is here.
void source_line(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  const bool replaces = std::ranges::any_of(
      in.databases, [](const DatabasePlan& plan) { return plan.action == DatabaseAction::kSwap; });
  if (!replaces || !is_of_another_system(in.document, in.facts.server)) return;
  lines.push_back(
      {Verdict::kWarning, "source",
       fmt::format("the backup is of another server: {}, system {}; this is system {}",
                   in.document.server_address, in.document.system_identifier,
                   in.facts.server.system_identifier),
       in.options.old == OldDatabase::kDrop
           ? "What it replaces is dropped: --old drop says so."
           : "What it replaces is kept, unless --old drop says otherwise. Another backup: --from."});
}

void backup_lines(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  bool whole = true;
  for (const DatabasePlan& plan : in.databases) {
    const DatabaseRecord* record = in.document.find(plan.source);
    if (record == nullptr || record->state == DatabaseState::kComplete) continue;
    whole = false;
    const std::string check = fmt::format("backup: {}", plan.source);
    if (record->state == DatabaseState::kFailed) {
      lines.push_back({in.options.database ? Verdict::kRefused : Verdict::kWarning, check,
                       fmt::format("failed in this backup: {}", record->error),
                       in.options.database ? "Choose another backup: dbbackup list" : "It is skipped."});
    } else {
      lines.push_back({Verdict::kWarning, check, fmt::format("incomplete: {}", join_names(record->left_out)),
                       plan.action == DatabaseAction::kSwap && !plan.drop_old
                           ? "It is restored without these, and the old one is kept, unless --old drop says "
                             "otherwise. Another backup: --from."
                           : "It is restored without these."});
    }
  }
  if (whole) lines.push_back({Verdict::kOk, "backup", "complete"});
}

// What was asked to be left out when the backup was made is not there after a swap.
void part_lines(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  for (const DatabasePlan& plan : in.databases) {
    const DatabaseRecord* record = in.document.find(plan.source);
    if (record == nullptr || !(record->is_part() || plan.part) || plan.action == DatabaseAction::kSkip)
      continue;
    PreflightLine line{Verdict::kWarning, fmt::format("part: {}", plan.source), "",
                       "Everything else is not in what is restored."};
    if (plan.part) {
      line.finding = fmt::format("only a part is restored, {} tables with rows: {}",
                                 format_count(plan.tables), in.options.selection.text());
    }
    if (record->is_part()) {
      line.finding += fmt::format("{}the backup holds a part of the database only: {}",
                                  plan.part ? "; and " : "", record->selection.text());
    }
    if (plan.action == DatabaseAction::kSwap && !in.options.replace_with_part) {
      line.verdict = Verdict::kRefused;
      line.only = {plan.source};
      line.finding += fmt::format("; \"{}\" would lose all the rest", plan.name);
      line.remedy = fmt::format(
          "Restore it beside, with --as; or {}. If a part is what you want in its place: "
          "--replace-with-part.",
          record->is_part() ? "a backup of everything: dbbackup list" : "all of it");
    }
    lines.push_back(std::move(line));
  }
}

void statistics_lines(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  if (!in.options.statistics) return;
  for (const DatabasePlan& plan : in.databases) {
    const auto without = in.facts.without_statistics.find(plan.source);
    if (plan.carry_statistics) {
      lines.push_back({Verdict::kOk, fmt::format("statistics: {}", plan.source),
                       "carried over; those of CREATE STATISTICS are computed anew (ANALYZE)"});
    } else if (without != in.facts.without_statistics.end()) {
      lines.push_back({Verdict::kWarning, fmt::format("statistics: {}", plan.source),
                       fmt::format("not carried over: {}", without->second),
                       "They are computed anew, as without --statistics."});
    }
  }
}

PreflightLine frames_line(const PreflightInput& in) {
  const std::vector<std::string>& missing = in.facts.missing_frames;
  if (!missing.empty()) {
    return {Verdict::kRefused, "backup data", fmt::format("damaged: {}", join_names(missing)),
            "See what is hurt with: dbbackup check --read-data. Restore from another backup."};
  }
  return {Verdict::kOk, "backup data",
          in.options.validate_fully
              ? fmt::format("every byte was read and is right ({})", format_bytes(in.facts.bytes_validated))
              : "every frame is there; every byte is checked when it is read"};
}

PreflightLine lock_line(const PreflightInput& in) {
  const LockBudget& locks = in.locks;
  const std::string finding = describe(locks, in.facts.server);
  const std::string setting =
      fmt::format("max_locks_per_transaction = {} (it is {})", locks.setting_for_one, locks.setting);
  if (!locks.fits) {
    return {Verdict::kRefused, "locks", finding, fmt::format("Set {} and restart the target.", setting)};
  }
  if (locks.given == locks.asked) return {Verdict::kOk, "locks", finding};
  const std::string better = fmt::format("{} would need max_locks_per_transaction = {} (it is {})",
                                         describe(locks.asked), locks.setting_for_all, locks.setting);
  if (locks.is_single_threaded())
    return {Verdict::kWarning, "locks", finding, fmt::format("{}; {}", kSingleThreaded, better)};
  return {Verdict::kWarning, "locks", finding,
          fmt::format("Restoring with {}; {}", describe(locks.given), better)};
}

int slots_for(Parallelism work) {
  return work.parallel * (work.workers + kSessionsBesideWorkers) + kControlSessions;
}

PreflightLine connections_line(const PreflightInput& in) {
  const postgres::ServerFacts& server = in.facts.server;
  const int reserved = server.is_superuser ? 0 : server.reserved_connections;
  const Parallelism work = in.by_connections.value_or(Parallelism());
  std::string finding =
      fmt::format("{} needed ({} x ({} + {}) + {}), {} free ({} - {} reserved - {} in use)", slots_for(work),
                  work.parallel, work.workers, kSessionsBesideWorkers, kControlSessions,
                  free_connections(server), server.max_connections, reserved, server.used_connections);
  const bool is_limited = !server.is_superuser && server.role_connection_limit >= 0;
  if (is_limited) {
    finding += fmt::format("; role {} may have {}, and has {}", server.role, server.role_connection_limit,
                           server.role_connections);
  }
  if (!in.by_connections) {
    return {
        Verdict::kRefused, "connections", finding,
        is_limited
            ? fmt::format("As a superuser: ALTER ROLE {} CONNECTION LIMIT -1; or end sessions that are not "
                          "needed.",
                          server.role)
            : "End sessions that are not needed, or raise max_connections."};
  }
  if (work != in.asked) {
    return {Verdict::kWarning, "connections", finding,
            fmt::format("Restoring with {} instead of {}.", describe(work), describe(in.asked))};
  }
  return {Verdict::kOk, "connections", finding};
}

void globals_lines(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  const GlobalsPlan& globals = in.facts.globals;
  std::vector<std::string> missing;
  std::set<std::string> only;
  for (const DatabasePlan& plan : in.databases) {
    const DatabaseRecord* record = in.document.find(plan.source);
    if (plan.action == DatabaseAction::kSkip || record == nullptr) continue;
    for (std::string& role : missing_roles(in.facts, *record)) {
      only.insert(plan.source);
      if (std::ranges::find(missing, role) == missing.end()) missing.push_back(std::move(role));
    }
  }
  if (!missing.empty() && !in.facts.server.is_superuser) {  // owners and privileges are left out then
    lines.push_back({Verdict::kWarning, "roles", fmt::format("missing: {}", join_names(missing))});
  } else if (!missing.empty()) {
    lines.push_back({Verdict::kRefused, "roles",
                     in.options.globals == Globals::kNone
                         ? fmt::format("missing, and --globals none creates none: {}", join_names(missing))
                         : fmt::format("missing, and not in the backup: {}", join_names(missing)),
                     "Create them on the target: CREATE ROLE ...", only});
  } else {
    lines.push_back({Verdict::kOk, "roles",
                     globals.roles.empty() ? "all are there"
                                           : fmt::format("will be created: {}", join_names(globals.roles))});
  }
  if (!globals.differ.empty()) {
    lines.push_back(
        {Verdict::kWarning, "globals",
         fmt::format("{} difference{} between the target's roles and tablespaces and the backup's",
                     globals.differ.size(), globals.differ.size() == 1 ? "" : "s"),
         in.options.globals == Globals::kAlign
             ? fmt::format("{} statements align them after the last swap.", globals.align.size())
             : "The target's stay as they are; --globals align would change them."});
  }
}

}  // namespace

int free_connections(const postgres::ServerFacts& server) {
  if (server.is_superuser) return server.max_connections - server.used_connections;
  const int free = server.max_connections - server.reserved_connections - server.used_connections;
  if (server.role_connection_limit < 0) return free;
  return std::min(free, server.role_connection_limit - server.role_connections);
}

std::optional<Parallelism> fit_connections(const postgres::ServerFacts& server, Parallelism asked) {
  const int free = free_connections(server);
  while (asked.total() > 1 && slots_for(asked) > free) asked = one_less(asked);
  if (slots_for(asked) > free) return std::nullopt;
  return asked;
}

std::vector<std::string> missing_roles(const RestoreFacts& facts, const DatabaseRecord& record) {
  std::set<std::string> named{record.properties.owner};
  for (const postgres::AclEntry& entry : record.properties.acl) {
    named.insert(entry.grantor);
    named.insert(entry.grantee);
  }
  for (const postgres::RoleSetting& setting : record.properties.settings) named.insert(setting.role);
  const auto schema = facts.schemas.find(record.name());
  if (schema != facts.schemas.end()) named.insert(schema->second.roles.begin(), schema->second.roles.end());
  named.erase("");
  std::vector<std::string> missing;
  for (const std::string& role : named) {
    if (facts.roles.contains(role)) continue;
    if (std::ranges::find(facts.globals.roles, role) == facts.globals.roles.end()) missing.push_back(role);
  }
  return missing;
}

void give_up_refused(std::vector<PreflightLine>& lines, std::vector<DatabasePlan>& databases) {
  std::map<std::string, std::string> refusals;  // by database
  for (const PreflightLine& line : lines) {
    if (line.verdict != Verdict::kRefused) continue;
    if (line.only.empty()) return;  // it is about all of them
    for (const std::string& name : line.only)
      refusals.emplace(name, fmt::format("{}: {}", line.check, line.finding));
  }
  const bool is_anything_left = std::ranges::any_of(databases, [&](const DatabasePlan& plan) {
    return plan.action != DatabaseAction::kSkip && !refusals.contains(plan.source);
  });
  if (!is_anything_left) return;
  for (DatabasePlan& plan : databases) {
    if (refusals.contains(plan.source)) plan.refusal = refusals[plan.source];
  }
  for (PreflightLine& line : lines) {
    if (line.verdict != Verdict::kRefused) continue;
    line.verdict = Verdict::kWarning;
    line.remedy =
        fmt::format("Not restored, and counted as failed: {}. {}",
                    join_names(std::vector<std::string>(line.only.begin(), line.only.end())), line.remedy);
  }
}

std::vector<PreflightLine> judge(const PreflightInput& input) {
  std::vector<PreflightLine> lines;
  lines.push_back(
      {Verdict::kOk, "connection", fmt::format("{} as {}", input.facts.address, input.facts.server.role)});
  lines.push_back(topology_line(input));
  lines.push_back(rights_line(input));
  cannot_give_lines(input, lines);
  lines.push_back(version_line(input));
  lines.push_back(client_line(input));
  source_line(input, lines);
  backup_lines(input, lines);
  part_lines(input, lines);
  statistics_lines(input, lines);
  lines.push_back(frames_line(input));
  lines.push_back(lock_line(input));
  lines.push_back(connections_line(input));
  judge_disk(input, lines);
  judge_wal(input, lines);
  judge_names(input, lines);
  judge_extensions(input, lines);
  judge_security_labels(input, lines);
  judge_indexes(input, lines);
  judge_locales(input, lines);
  judge_tablespaces(input, lines);
  globals_lines(input, lines);
  judge_subscriptions(input, lines);
  judge_replaced_databases(input, lines);
  return lines;
}

}  // namespace dbb::logical
