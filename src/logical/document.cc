#include "logical/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "logical/stored_json.h"

namespace dbb::logical {
namespace {

using nlohmann::json;

// Converting a fraction to a whole number is undefined where that cannot hold it. The only fractions there
// are, are seconds.
bool is_sound(int, json::parse_event_t event, json& value) {
  constexpr double kTooMany = 2147483648.0;
  if (event != json::parse_event_t::value || !value.is_number_float()) return true;
  const auto number = value.get<double>();
  if (number >= 0 && number < kTooMany) return true;
  throw json::type_error::create(302, "a number is larger than any can be", &value);
}

// Every reader of stored JSON goes through this: whatever is missing or of another type is damage.
template <typename Read>
auto read_json(std::string_view text, std::string_view what, Read&& read) {
  try {
    return read(json::parse(text, is_sound));
  } catch (const json::exception& problem) {
    throw Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("The {} of a backup cannot be read.", what),
                 .cause = problem.what(),
                 .solution = {"Run `dbbackup check` to learn which backups are affected."}});
  }
}

json acl_json(const std::vector<postgres::AclEntry>& acl) {
  json out = json::array();
  for (const postgres::AclEntry& entry : acl) {
    out.push_back({{"grantor", text_json(entry.grantor)},
                   {"grantee", text_json(entry.grantee)},
                   {"privilege", entry.privilege},
                   {"grantable", entry.grantable}});
  }
  return out;
}

std::vector<postgres::AclEntry> read_acl(const json& list) {
  std::vector<postgres::AclEntry> acl;
  for (const json& entry : list) {
    acl.push_back({.grantor = read_text(entry.at("grantor")),
                   .grantee = read_text(entry.at("grantee")),
                   .privilege = entry.at("privilege"),
                   .grantable = entry.at("grantable")});
  }
  return acl;
}

json properties_json(const postgres::DatabaseProperties& p) {
  json settings = json::array();
  for (const postgres::RoleSetting& setting : p.settings) {
    settings.push_back({{"role", text_json(setting.role)},
                        {"name", text_json(setting.name)},
                        {"value", text_json(setting.value)}});
  }
  json labels = json::array();
  for (const postgres::SecurityLabel& label : p.labels) {
    labels.push_back({{"provider", label.provider}, {"label", text_json(label.label)}});
  }
  return {{"oid", p.oid.value},
          {"name", text_json(p.name)},
          {"owner", text_json(p.owner)},
          {"encoding", p.encoding},
          {"locale_provider", p.locale_provider},
          {"collate", p.collate},
          {"ctype", p.ctype},
          {"locale", p.locale},
          {"icu_rules", p.icu_rules},
          {"collation_version", p.collation_version},
          {"tablespace", text_json(p.tablespace)},
          {"connection_limit", p.connection_limit},
          {"allow_connections", p.allow_connections},
          {"is_template", p.is_template},
          {"acl", p.has_acl ? acl_json(p.acl) : json()},
          {"settings", std::move(settings)},
          {"comment", p.comment ? text_json(*p.comment) : json()},
          {"labels", std::move(labels)},
          {"size_bytes", p.size_bytes}};
}

postgres::DatabaseProperties read_properties(const json& in) {
  postgres::DatabaseProperties p;
  p.oid = {in.at("oid")};
  p.name = read_text(in.at("name"));
  p.owner = read_text(in.at("owner"));
  p.encoding = in.at("encoding");
  p.locale_provider = in.at("locale_provider");
  p.collate = in.at("collate");
  p.ctype = in.at("ctype");
  p.locale = in.at("locale");
  p.icu_rules = in.at("icu_rules");
  p.collation_version = in.at("collation_version");
  p.tablespace = read_text(in.at("tablespace"));
  p.connection_limit = in.at("connection_limit");
  p.allow_connections = in.at("allow_connections");
  p.is_template = in.at("is_template");
  p.has_acl = !in.at("acl").is_null();
  if (p.has_acl) p.acl = read_acl(in.at("acl"));
  for (const json& setting : in.at("settings")) {
    p.settings.push_back({.role = read_text(setting.at("role")),
                          .name = read_text(setting.at("name")),
                          .value = read_text(setting.at("value"))});
  }
  if (!in.at("comment").is_null()) p.comment = read_text(in.at("comment"));
  for (const json& label : in.at("labels")) {
    p.labels.push_back({.provider = label.at("provider"), .label = read_text(label.at("label"))});
  }
  p.size_bytes = in.at("size_bytes");
  return p;
}

json record_selection_json(const DatabaseRecord& record) {
  if (record.selection.is_everything()) return {};
  json out = selection_json(record.selection);
  out["omitted"] = text_list_json(record.omitted);
  out["tables_omitted"] = record.tables_omitted;
  out["tables_without_rows"] = record.tables_without_rows;
  return out;
}

void read_record_selection(const json& in, DatabaseRecord& record) {
  record.selection = read_selection(in);
  record.omitted = read_text_list(in.at("omitted"));
  record.tables_omitted = in.at("tables_omitted");
  record.tables_without_rows = in.at("tables_without_rows");
}

json database_json(const DatabaseRecord& record) {
  json extensions = json::array();
  for (const postgres::ExtensionNeed& need : record.extensions) {
    extensions.push_back(
        {{"name", need.name}, {"version", need.version}, {"schema", text_json(need.schema)}});
  }
  return {{"properties", properties_json(record.properties)},
          {"state", name_of(record.state)},
          {"error", text_json(record.error)},
          {"left_out", text_list_json(record.left_out)},
          {"grants", text_list_json(record.grants)},
          {"invalid_indexes", text_list_json(record.invalid_indexes)},
          {"selection", record_selection_json(record)},
          {"extensions", std::move(extensions)},
          {"tables", record.tables},
          {"rows", record.rows},
          {"row_bytes", record.row_bytes},
          {"large_objects", record.large_objects},
          {"seconds", record.seconds}};
}

DatabaseState read_state(const std::string& name) {
  for (const DatabaseState state :
       {DatabaseState::kComplete, DatabaseState::kIncomplete, DatabaseState::kFailed}) {
    if (name == name_of(state)) return state;
  }
  throw Error(ErrorCode::kCorruptedBackup,
              {.message = fmt::format("A backup calls the state of a database \"{}\".", name)});
}

DatabaseRecord read_database(const json& in) {
  DatabaseRecord record;
  record.properties = read_properties(in.at("properties"));
  record.state = read_state(in.at("state"));
  record.error = read_text(in.at("error"));
  record.left_out = read_text_list(in.at("left_out"));
  if (in.contains("grants")) record.grants = read_text_list(in.at("grants"));
  if (in.contains("invalid_indexes")) record.invalid_indexes = read_text_list(in.at("invalid_indexes"));
  const auto selection = in.find("selection");  // there since some backups have one
  if (selection != in.end() && !selection->is_null()) read_record_selection(*selection, record);
  for (const json& need : in.at("extensions")) {
    record.extensions.push_back(
        {.name = need.at("name"), .version = need.at("version"), .schema = read_text(need.at("schema"))});
  }
  record.tables = in.at("tables");
  record.rows = in.at("rows");
  record.row_bytes = in.at("row_bytes");
  record.large_objects = in.at("large_objects");
  record.seconds = in.at("seconds");
  return record;
}

// '/' separates the pieces of a key, so it may not stand inside one.
std::string encoded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '/' || c == '%') {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

RowFormat read_format(std::string_view name) {
  if (name == "text") return RowFormat::kText;
  if (name == "binary") return RowFormat::kBinary;
  throw Error(ErrorCode::kCorruptedBackup,
              {.message = fmt::format("Rows in the format \"{}\" are not known.", name),
               .solution = {"Install a newer dbbackup."}});
}

}  // namespace

std::string_view name_of(DatabaseState state) {
  switch (state) {
    case DatabaseState::kComplete:
      return "complete";
    case DatabaseState::kIncomplete:
      return "incomplete";
    case DatabaseState::kFailed:
      break;
  }
  return "failed";
}

const DatabaseRecord* Document::find(std::string_view database) const {
  for (const DatabaseRecord& record : databases) {
    if (record.name() == database) return &record;
  }
  return nullptr;
}

bool Document::is_part() const {
  return !excluded_databases.empty() || std::ranges::any_of(databases, &DatabaseRecord::is_part);
}

std::string to_json(const Document& document) {
  json databases = json::array();
  for (const DatabaseRecord& record : document.databases) databases.push_back(database_json(record));
  return json({{"server_version", document.server_version.number},
               {"system_identifier", document.system_identifier},
               {"server_address", document.server_address},
               {"client_version", document.client_version.number},
               {"has_globals", document.has_globals},
               {"money_locale", document.money_locale},
               {"databases", std::move(databases)},
               {"debris", text_list_json(document.debris)},
               {"from_standby", document.from_standby},
               {"globals_left_out", text_list_json(document.globals_left_out)},
               {"exclude_databases", text_list_json(document.exclude_databases)},
               {"excluded_databases", text_list_json(document.excluded_databases)}})
      .dump();
}

Document parse_document(std::string_view text) {
  return read_json(text, "description", [](const json& in) {
    Document document;
    document.server_version = {in.at("server_version")};
    document.system_identifier = in.at("system_identifier");
    document.server_address = in.at("server_address");
    document.client_version = {in.at("client_version")};
    document.has_globals = in.at("has_globals");
    document.money_locale = in.value("money_locale", "");
    for (const json& database : in.at("databases")) document.databases.push_back(read_database(database));
    document.debris = read_text_list(in.at("debris"));
    document.from_standby = in.value("from_standby", false);
    if (in.contains("globals_left_out"))
      document.globals_left_out = read_text_list(in.at("globals_left_out"));
    if (in.contains("exclude_databases")) {
      document.exclude_databases = read_text_list(in.at("exclude_databases"));
      document.excluded_databases = read_text_list(in.at("excluded_databases"));
    }
    return document;
  });
}

std::string globals_key() { return std::string(kGlobalsKind); }

std::string database_key(std::string_view database, std::string_view kind) {
  return fmt::format("database/{}/{}", encoded(database), kind);
}

std::string table_key(std::string_view database, std::string_view schema, std::string_view table) {
  return fmt::format("database/{}/{}/{}/{}", encoded(database), kTableKind, encoded(schema), encoded(table));
}

std::string to_json(const TableAttributes& a) {
  return json({{"database", text_json(a.database)},
               {"schema", text_json(a.schema)},
               {"name", text_json(a.name)},
               {"columns", text_list_json(a.columns)},
               {"rows", a.fingerprint.rows},
               {"fingerprint", a.fingerprint.hex()},
               {"row_bytes", a.row_bytes},
               {"heap_bytes", a.heap_bytes},
               {"index_bytes", a.index_bytes},
               {"part_blocks", a.part_blocks},
               {"load_through", text_json(a.load_through)},
               {"format", a.format == RowFormat::kBinary ? "binary" : "text"},
               {"is_extension_config", a.is_extension_config},
               {"extension", a.extension},
               {"extension_condition", text_json(a.extension_condition)}})
      .dump();
}

TableAttributes parse_table_attributes(std::string_view text) {
  return read_json(text, "description of a table", [](const json& in) {
    TableAttributes a;
    a.database = read_text(in.at("database"));
    a.schema = read_text(in.at("schema"));
    a.name = read_text(in.at("name"));
    a.columns = read_text_list(in.at("columns"));
    a.fingerprint = Fingerprint::parse(in.at("rows"), in.at("fingerprint").get<std::string>());
    a.row_bytes = in.at("row_bytes");
    a.heap_bytes = in.at("heap_bytes");
    a.index_bytes = in.at("index_bytes");
    a.part_blocks = in.at("part_blocks");
    a.load_through = read_text(in.at("load_through"));
    a.format = read_format(in.value("format", "text"));
    a.is_extension_config = in.at("is_extension_config");
    a.extension = in.at("extension");
    a.extension_condition = read_text(in.at("extension_condition"));
    return a;
  });
}

std::string to_json(const PartAttributes& a) {
  json out{{"database", text_json(a.database)},
           {"count", a.count},
           {"rows", a.fingerprint.rows},
           {"fingerprint", a.fingerprint.hex()}};
  if (!a.owners.empty()) {
    json& owners = out["owners"] = json::array();
    for (const auto& [role, objects] : a.owners)
      owners.push_back({{"role", text_json(role)}, {"objects", objects}});
    out["in_privileges"] = text_list_json({a.in_privileges.begin(), a.in_privileges.end()});
  }
  return out.dump();
}

PartAttributes parse_part_attributes(std::string_view text) {
  return read_json(text, "description of an item", [](const json& in) {
    PartAttributes a;
    a.database = read_text(in.at("database"));
    a.count = in.at("count");
    a.fingerprint = Fingerprint::parse(in.at("rows"), in.at("fingerprint").get<std::string>());
    if (!in.contains("owners")) return a;
    for (const json& owner : in.at("owners")) a.owners[read_text(owner.at("role"))] = owner.at("objects");
    for (std::string& role : read_text_list(in.at("in_privileges"))) a.in_privileges.insert(std::move(role));
    return a;
  });
}

}  // namespace dbb::logical
