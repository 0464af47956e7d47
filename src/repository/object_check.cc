#include "repository/object_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "repository/damage.h"
#include "repository/json_object.h"
#include "repository/key_manager.h"
#include "repository/key_slot.h"
#include "repository/object_names.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxForeignNames = 20;

void look_at_config(RepositoryCore& core) {
  const std::optional<Bytes> text = core.store().get(kConfigObject, kMaxJsonBytes);
  if (!text) throw_damaged(kConfigObject, "It is missing.");
  if (decode_config(*text, core.config().master_key, core.store().describe()).repository_id !=
      core.config().repository_id) {
    throw_damaged(kConfigObject, "It became that of another repository while this check ran.");
  }
}

void look_at_epoch(RepositoryCore& core, const std::string& object) {
  const std::optional<Bytes> text = core.store().get(object, kMaxJsonBytes);
  if (text) decode_epoch(core.keys(), epoch_of_object(object), *text);
}

// State is short-lived: what is gone again is no finding.
void look_at_state(RepositoryCore& core, const std::string& object) {
  const std::optional<Bytes> box = core.store().get(object, max_box_bytes(BoxKind::kState));
  if (!box) return;
  BoxOpener opener(core.keys());
  const nlohmann::json document =
      parse_json(opener.open(BoxKind::kState, box_name_of_object(object), *box, object));
  if (!document.is_object() || document.value("format", nlohmann::json()) != "dbbackup-state") {
    throw_damaged(object, "It is not a state object.");
  }
}

// Epochs are numbered from 1 on; one that is missing took the data sealed under it along.
void look_for_missing_epochs(const std::set<uint32_t>& epochs, FindingList& findings) {
  const uint32_t newest = epochs.empty() ? 1 : *epochs.rbegin();
  // A record with a number far ahead is odd enough; its neighbours need no line each.
  for (uint32_t epoch = 1; epoch < std::min<uint32_t>(newest, 100); ++epoch) {
    if (!epochs.contains(epoch)) findings.add(epoch_object(epoch), "It is missing.");
  }
  if (epochs.empty()) findings.add(epoch_object(1), "It is missing.");
}

}  // namespace

std::unordered_map<std::string, uint64_t> check_objects(RepositoryCore& core, FindingList& findings,
                                                        CheckReport& report) {
  std::unordered_map<std::string, uint64_t> packs;
  std::vector<std::string> state;
  std::set<uint32_t> epochs;
  const auto foreign = [&](const std::string& object) {
    ++report.foreign_objects;
    if (report.foreign_names.size() < kMaxForeignNames) report.foreign_names.push_back(object);
  };
  core.store().list("", [&](const storage::ListedObject& object) {
    const std::string& name = object.name;
    if (is_pack_name(name)) {
      packs[name] = object.size_bytes;
    } else if (const uint32_t epoch = epoch_of_object(name); epoch != 0) {
      epochs.insert(epoch);
    } else if (name.starts_with("state/") && std::ranges::count(name, '/') == 2) {
      state.push_back(name);
    } else {
      const bool reserved = name.starts_with("runs/") || name.starts_with("wal/");
      const bool known = name == kConfigObject || !id_of_key_slot(name).empty() || reserved ||
                         is_index_name(name) || is_manifest_name(name);
      if (!known) foreign(name);
    }
    return true;
  });
  const auto look = [&](const std::string& object, const auto& step) {
    try {
      step();
    } catch (const Error& error) {
      add_damage(findings, object, error);
    }
  };
  look(std::string(kConfigObject), [&] { look_at_config(core); });
  for (const uint32_t epoch : epochs) {
    look(epoch_object(epoch), [&] { look_at_epoch(core, epoch_object(epoch)); });
  }
  look_for_missing_epochs(epochs, findings);
  for (const auto& [object, problem] : key_problems(core)) findings.add(object, problem);
  for (const std::string& object : state) look(object, [&] { look_at_state(core, object); });
  report.state_objects = state.size();
  std::ranges::sort(report.foreign_names);
  return packs;
}

FindingList::Number add_damage(FindingList& findings, const std::string& object, const Error& error) {
  const bool damage = is_damage(error) || error.code() == ErrorCode::kRepositoryTooNew ||
                      error.code() == ErrorCode::kNotARepository;
  if (!damage) throw error;
  const std::string& problem = error.cause().empty() ? error.message() : error.cause();
  for (const auto& [label, named] : error.context()) {
    if (label != "Object") continue;
    if (named.find('/') != std::string::npos || named == kConfigObject) return findings.add(named, problem);
    return findings.add(object, fmt::format("{}: {}", named, problem));  // "item list", "recipe"
  }
  // A ByteReader's error names what it read, which may be a part, too.
  const bool of_a_part = is_damage(error) && !error.message().starts_with(object);
  return findings.add(object, of_a_part ? error.what() : problem);
}

}  // namespace dbb::repository
