#include "repository/condemned_packs.h"

#include <fmt/format.h>

#include <chrono>

#include "system/machine.h"

namespace dbb::repository {
namespace {

// What one note about whom to wait for says today.
struct Verdict {
  bool satisfied = true;
  bool useful = true;  // the same host can go on measuring silence by it
  std::set<std::string> blocking;
  std::vector<SessionRecord> silent;
};

Verdict verdict(const Waits& waits, const OtherSessions& sessions, const PruneIdentity& who,
                std::chrono::microseconds grace) {
  const bool comparable = waits.host == who.host;
  const std::chrono::microseconds age(who.clock.now().microseconds() - waits.written.microseconds());
  Verdict verdict = {.useful = comparable};
  for (const Waits::Seen& seen : waits.sessions) {
    const auto session = sessions.alive.find(seen.session);
    if (session == sessions.alive.end()) continue;
    const bool silent = session->second.sequence == seen.sequence;
    if (silent && comparable && age >= grace) {
      verdict.silent.push_back(session->second);
      continue;
    }
    verdict.satisfied = false;
    verdict.useful = verdict.useful && silent;
    verdict.blocking.insert(described(session->second));
  }
  return verdict;
}

}  // namespace

OtherSessions::OtherSessions(RepositoryCore& core, const std::string& own) {
  for (SessionRecord& record : list_state<SessionRecord>(core)) {
    if (record.id == own) continue;
    if (system::has_surely_ended(record.process)) {
      ended.push_back(std::move(record));
    } else if (SessionRecord& known = alive[record.id];
               known.id.empty() || known.sequence < record.sequence) {
      known = std::move(record);
    }
  }
}

std::string described(const SessionRecord& session) {
  return fmt::format("{} on host {}, since {}", session.operation.empty() ? "a process" : session.operation,
                     session.host.empty() ? "unknown" : session.host, session.started.iso());
}

std::set<PackId> DuePacks::packs() const {
  std::set<PackId> all;
  for (const Condemned& state : condemned) all.insert(state.packs.begin(), state.packs.end());
  for (const Deleting& state : abandoned) all.insert(state.packs.begin(), state.packs.end());
  return all;
}

DuePacks due_packs(RepositoryCore& core, const PruneIdentity& who) {
  // Sessions last: who began after a note was written, and is in it, must not be taken for ended.
  const std::vector<Waits> all_waits = list_state<Waits>(core);
  std::vector<Condemned> all_condemned = list_state<Condemned>(core);
  std::vector<Deleting> all_deleting = list_state<Deleting>(core);
  const OtherSessions sessions(core, who.session);
  const auto grace = std::chrono::duration_cast<std::chrono::microseconds>(core.config().writing.grace);
  DuePacks due;
  std::set<std::string> waits_for;
  for (Condemned& condemned : all_condemned) {
    std::vector<std::string> objects = {object_of(condemned)};
    std::set<std::string> blocking;
    bool satisfied = false;
    bool noted = false;
    for (const Waits& waits : all_waits) {
      if (waits.condemned_id != condemned.id) continue;
      Verdict today = verdict(waits, sessions, who, grace);
      objects.push_back(object_of(waits));
      satisfied = satisfied || today.satisfied;
      noted = noted || today.useful;
      blocking.merge(today.blocking);
      for (SessionRecord& session : today.silent) due.silent.emplace(session.id, std::move(session));
    }
    if (satisfied) {
      due.state_objects.insert(due.state_objects.end(), objects.begin(), objects.end());
      due.condemned.push_back(std::move(condemned));
      continue;
    }
    if (!noted && !who.session.empty()) note_whom_to_wait_for(core, who, condemned.id);
    waits_for.merge(blocking);
    due.not_yet.push_back(std::move(condemned));
  }
  for (Deleting& deleting : all_deleting) {
    if (deleting.session == who.session || sessions.alive.contains(deleting.session)) continue;
    due.abandoned.push_back(std::move(deleting));
  }
  due.waits_for.assign(waits_for.begin(), waits_for.end());
  return due;
}

void note_whom_to_wait_for(RepositoryCore& core, const PruneIdentity& who, const std::string& condemned_id) {
  Waits waits = {.id = new_state_id(core.keys()),
                 .condemned_id = condemned_id,
                 .host = who.host,
                 .written = who.clock.now(),
                 .sessions = {}};
  // Also who writes this, for others: what it condemned is its own to delete as long as it is at work.
  waits.sessions.push_back({.session = who.session, .sequence = 0});
  for (const auto& [id, session] : OtherSessions(core, who.session).alive) {
    waits.sessions.push_back({.session = id, .sequence = session.sequence});
  }
  put_state(core, waits);
}

}  // namespace dbb::repository
