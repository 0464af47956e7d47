#include "repository/state_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "repository/damage.h"
#include "repository/json_object.h"
#include "repository/put_object.h"
#include "repository/unique_name.h"

namespace dbb::repository {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "dbbackup-state";
constexpr size_t kIdDigits = 16;

template <typename State>
struct Kind;

template <typename Id>
json hex_list(const std::vector<Id>& ids) {
  json list = json::array();
  for (const Id& id : ids) list.push_back(id.hex());
  return list;
}

template <typename Id>
std::vector<Id> ids_of(const json& list) {
  std::vector<Id> ids;
  for (const json& hex : list) {
    const Bytes bytes = from_hex(hex.get<std::string>());
    if (bytes.size() != sizeof(Id)) throw_damaged("state", "An id has the wrong length.");
    ids.push_back(Id::from(bytes));
  }
  return ids;
}

UtcTime time_of(const json& document, const char* field) {
  return UtcTime(whole_number_up_to_most<int64_t>(document, field));
}

uint32_t sequence_of(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  if (bytes.size() != sizeof(uint32_t)) throw_damaged("state", "Its name has no sequence number.");
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

// What follows the last dash, and what is before it.
std::pair<std::string_view, std::string_view> split_at_last_dash(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) throw_damaged("state", "Its name has no sequence number.");
  return {name.substr(0, dash), name.substr(dash + 1)};
}

template <>
struct Kind<SessionRecord> {
  static constexpr std::string_view kName = "sessions";
  static constexpr bool kNameIsEnough = true;
  static std::string name(const SessionRecord& state) {
    return fmt::format("{}-{:08x}", state.id, state.sequence);
  }
  static SessionRecord from_name(std::string_view name) {
    const auto [id, sequence] = split_at_last_dash(name);
    SessionRecord state;
    state.id = id;
    state.sequence = sequence_of(sequence);
    return state;
  }
  static json encode(const SessionRecord& state) {
    return {{"host", state.host},
            {"process", state.process},
            {"operation", state.operation},
            {"backup", state.backup},
            {"started_us", state.started.microseconds()},
            {"beat_us", state.beat.microseconds()}};
  }
  static void decode(const json& document, SessionRecord& state) {
    state.host = document.at("host").get<std::string>();
    state.process = document.at("process").get<std::string>();
    state.operation = document.at("operation").get<std::string>();
    state.backup = document.at("backup").get<std::string>();
    state.started = time_of(document, "started_us");
    state.beat = time_of(document, "beat_us");
  }
};

template <>
struct Kind<Checkpoint> {
  static constexpr std::string_view kName = "checkpoints";
  static constexpr bool kNameIsEnough = false;
  static std::string name(const Checkpoint& state) {
    return fmt::format("{}-{:08x}", state.backup.text(), state.sequence);
  }
  static Checkpoint from_name(std::string_view name) {
    const auto [backup, sequence] = split_at_last_dash(name);
    Checkpoint state;
    state.backup = BackupId::parse(backup);
    state.sequence = sequence_of(sequence);
    return state;
  }
  static json encode(const Checkpoint& state) {
    json parts = json::array();
    for (const Checkpoint::Part& part : state.parts) {
      parts.push_back(
          {{"key", part.key.item_key}, {"part", part.key.part}, {"frames", hex_list(part.frames)}});
    }
    return {{"source", state.source}, {"backup_kind", state.backup_kind}, {"parts", std::move(parts)}};
  }
  static void decode(const json& document, Checkpoint& state) {
    state.source = document.at("source").get<std::string>();
    state.backup_kind = document.at("backup_kind").get<std::string>();
    for (const json& part : document.at("parts")) {
      state.parts.push_back({.key = {.item_key = part.at("key").get<std::string>(),
                                     .part = whole_number_up_to_most<uint32_t>(part, "part")},
                             .frames = ids_of<FrameId>(part.at("frames"))});
    }
  }
};

template <>
struct Kind<Condemned> {
  static constexpr std::string_view kName = "condemned";
  static constexpr bool kNameIsEnough = false;
  static std::string name(const Condemned& state) { return state.id; }
  static Condemned from_name(std::string_view name) { return {.id = std::string(name), .packs = {}}; }
  static json encode(const Condemned& state) { return {{"packs", hex_list(state.packs)}}; }
  static void decode(const json& document, Condemned& state) {
    state.packs = ids_of<PackId>(document.at("packs"));
  }
};

template <>
struct Kind<Waits> {
  static constexpr std::string_view kName = "waits";
  static constexpr bool kNameIsEnough = false;
  static std::string name(const Waits& state) { return state.id; }
  static Waits from_name(std::string_view name) {
    Waits state;
    state.id = name;
    return state;
  }
  static json encode(const Waits& state) {
    json sessions = json::array();
    for (const Waits::Seen& seen : state.sessions) {
      sessions.push_back({{"id", seen.session}, {"seq", seen.sequence}});
    }
    return {{"condemned", state.condemned_id},
            {"host", state.host},
            {"written_us", state.written.microseconds()},
            {"sessions", std::move(sessions)}};
  }
  static void decode(const json& document, Waits& state) {
    state.condemned_id = document.at("condemned").get<std::string>();
    state.host = document.at("host").get<std::string>();
    state.written = time_of(document, "written_us");
    for (const json& seen : document.at("sessions")) {
      state.sessions.push_back({.session = seen.at("id").get<std::string>(),
                                .sequence = whole_number_up_to_most<uint32_t>(seen, "seq")});
    }
  }
};

template <>
struct Kind<Deleting> {
  static constexpr std::string_view kName = "deleting";
  static constexpr bool kNameIsEnough = false;
  static std::string name(const Deleting& state) { return state.id; }
  static Deleting from_name(std::string_view name) {
    return {.id = std::string(name), .session = {}, .packs = {}};
  }
  static json encode(const Deleting& state) {
    return {{"session", state.session}, {"packs", hex_list(state.packs)}};
  }
  static void decode(const json& document, Deleting& state) {
    state.session = document.at("session").get<std::string>();
    state.packs = ids_of<PackId>(document.at("packs"));
  }
};

template <>
struct Kind<Hold> {
  static constexpr std::string_view kName = "holds";
  static constexpr bool kNameIsEnough = true;
  static std::string name(const Hold& state) { return state.backup.text(); }
  static Hold from_name(std::string_view name) {
    Hold state;
    state.backup = BackupId::parse(name);
    return state;
  }
  static json encode(const Hold& state) {
    return {{"reason", state.reason}, {"by", state.by}, {"created_us", state.created.microseconds()}};
  }
  static void decode(const json& document, Hold& state) {
    state.reason = document.at("reason").get<std::string>();
    state.by = document.at("by").get<std::string>();
    state.created = time_of(document, "created_us");
  }
};

template <>
struct Kind<Tombstone> {
  static constexpr std::string_view kName = "forgotten";
  static constexpr bool kNameIsEnough = false;
  static std::string name(const Tombstone& state) { return state.backup.text(); }
  static Tombstone from_name(std::string_view name) {
    Tombstone state;
    state.backup = BackupId::parse(name);
    return state;
  }
  static json encode(const Tombstone& state) {
    return {{"by", state.by}, {"created_us", state.created.microseconds()}};
  }
  static void decode(const json& document, Tombstone& state) {
    state.by = document.at("by").get<std::string>();
    state.created = time_of(document, "created_us");
  }
};

template <typename State>
std::string prefix() {
  return fmt::format("state/{}/", Kind<State>::kName);
}

// Empty when nothing of that name is there any more, and the name alone tells too little. A session that is
// gone when it is read is, more often than not, one that has just shown a sign of life under its next name.
template <typename State>
std::optional<State> read_state(RepositoryCore& core, const std::string& object) {
  State state = Kind<State>::from_name(std::string_view(object).substr(prefix<State>().size()));
  const std::optional<Bytes> box = core.store().get(object, max_box_bytes(BoxKind::kState));
  if (!box) return Kind<State>::kNameIsEnough ? std::optional(state) : std::nullopt;
  try {
    BoxOpener opener(core.keys());
    const ByteView content = opener.open(BoxKind::kState, box_name_of_object(object), *box, object);
    const json document = json::parse(content.begin(), content.end(), nullptr, false);
    if (!document.is_object() || document.value("format", "") != kFormat ||
        document.value("kind", "") != Kind<State>::kName) {
      throw_damaged(object, "It is another object than its name says.");
    }
    Kind<State>::decode(document, state);
  } catch (const json::exception& error) {
    if (!Kind<State>::kNameIsEnough) throw_damaged(object, error.what());
  } catch (const Error& error) {
    if (!Kind<State>::kNameIsEnough || !is_damage(error)) throw;
  }
  return state;
}

}  // namespace

template <typename State>
void put_state(RepositoryCore& core, const State& state) {
  json document = Kind<State>::encode(state);
  document["format"] = kFormat;
  document["kind"] = Kind<State>::kName;
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  const std::string object = object_of(state);
  put_object(core.store(), object,
             BoxSealer(core.keys()).seal(BoxKind::kState, box_name_of_object(object), as_bytes(text)));
}

template <typename State>
void for_each_state(RepositoryCore& core, const VisitState<State>& visit, std::vector<std::string>* damaged) {
  std::vector<std::string> objects;
  core.store().list(prefix<State>(), [&](const storage::ListedObject& object) {
    objects.push_back(object.name);
    return true;
  });
  std::ranges::sort(objects);
  for (const std::string& object : objects) {
    std::optional<State> state;
    try {
      state = read_state<State>(core, object);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      if (damaged != nullptr) damaged->push_back(object);
    }
    if (state) visit(*state);
  }
}

template <typename State>
std::vector<State> list_state(RepositoryCore& core, std::vector<std::string>* damaged) {
  std::vector<State> states;
  for_each_state<State>(core, [&](State& state) { states.push_back(std::move(state)); }, damaged);
  return states;
}

#define DBB_STATE(State)                                                                                     \
  std::string object_of(const State& state) { return prefix<State>() + Kind<State>::name(state); }           \
  template void put_state<State>(RepositoryCore&, const State&);                                             \
  template void for_each_state<State>(RepositoryCore&, const VisitState<State>&, std::vector<std::string>*); \
  template std::vector<State> list_state<State>(RepositoryCore&, std::vector<std::string>*)
DBB_STATE(SessionRecord);
DBB_STATE(Checkpoint);
DBB_STATE(Condemned);
DBB_STATE(Waits);
DBB_STATE(Deleting);
DBB_STATE(Hold);
DBB_STATE(Tombstone);
#undef DBB_STATE

std::string new_state_id(const KeyRing& keys) {
  return unique_name(keys, as_bytes("state")).hex().substr(0, kIdDigits);
}

}  // namespace dbb::repository
