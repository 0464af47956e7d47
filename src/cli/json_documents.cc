#include "cli/json_documents.h"

#include <algorithm>

#include "cli/error_text.h"
#include "cli/json_text.h"

namespace dbb::cli {
namespace {

Json error_json(const Error& error) {
  Json context = Json::object();
  for (const auto& [label, value] : error.context()) context[label] = value;
  return {{"code", error.info().name},
          {"title", error.info().title},
          {"message", error.message()},
          {"cause", error.cause()},
          {"solution", error.solution()},
          {"context", std::move(context)},
          {"sqlstate", error.sqlstate()},
          {"documentation", documentation_of(error)},
          {"exit_code", static_cast<int>(error.info().exit_code)}};
}

std::string_view name_of(repository::StreamClass stream_class) {
  switch (stream_class) {
    case repository::StreamClass::kRows:
      return "rows";
    case repository::StreamClass::kPages:
      return "pages";
    case repository::StreamClass::kRecords:
      return "records";
    case repository::StreamClass::kBytes:
      return "bytes";
    case repository::StreamClass::kMetadata:
      break;
  }
  return "metadata";
}

double seconds_between(UtcTime from, UtcTime to) {
  return static_cast<double>(to.microseconds() - from.microseconds()) / 1e6;
}

Json summary_of(const repository::Manifest& manifest) {
  return {{"id", manifest.id.text()},
          {"kind", manifest.kind},
          {"complete", manifest.complete},
          {"source", manifest.source},
          {"started", manifest.started.iso()},
          {"finished", manifest.finished.iso()},
          {"seconds", seconds_between(manifest.started, manifest.finished)},
          {"host", manifest.host},
          {"program_version", manifest.program_version},
          {"logical_bytes", manifest.totals.logical_bytes},
          {"new_bytes", manifest.totals.new_bytes_raw},
          {"stored_bytes", manifest.totals.stored_bytes}};
}

Json finding_json(const repository::CheckFinding& finding) {
  Json hurts = Json::array();
  for (const BackupId& id : finding.hurts) hurts.push_back(id.text());
  return {{"object", finding.object},
          {"problem", finding.problem},
          {"hurts", std::move(hurts)},
          {"hurt_items", finding.hurt_items},
          {"hurt_item_count", finding.hurt_item_count}};
}

Json stats_json(const repository::BackupStats& backup) {
  const auto ratio = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  return {{"id", backup.manifest.id.text()},
          {"kind", backup.manifest.kind},
          {"complete", backup.manifest.complete},
          {"started", backup.manifest.started.iso()},
          {"logical_bytes", backup.manifest.totals.logical_bytes},
          {"new_bytes", backup.manifest.totals.new_bytes_raw},
          {"stored_bytes", backup.manifest.totals.stored_bytes},
          {"stored_so_far_bytes", backup.stored_so_far_bytes},
          {"dedup_ratio", ratio(backup.dedup_ratio())},
          {"compression_ratio", ratio(backup.compression_ratio())},
          {"streams", backup.manifest.totals.streams},
          {"items", backup.manifest.totals.items}};
}

Json selection_json(const logical::DatabaseRecord& record) {
  const logical::Selection& selection = record.selection;
  if (selection.is_everything()) return nullptr;
  return {{"schemas", selection.schemas},
          {"exclude_schemas", selection.exclude_schemas},
          {"tables", selection.tables},
          {"exclude_tables", selection.exclude_tables},
          {"exclude_table_data", selection.exclude_table_data},
          {"schema_only", selection.schema_only},
          {"omitted", record.omitted},
          {"tables_omitted", record.tables_omitted},
          {"tables_without_rows", record.tables_without_rows}};
}

Json database_json(const logical::DatabaseRecord& record) {
  return {{"name", record.name()},
          {"state", logical::name_of(record.state)},
          {"error", or_null(record.error)},
          {"left_out", record.left_out},
          {"grants", record.grants},
          {"invalid_indexes", record.invalid_indexes},
          {"selection", selection_json(record)},
          {"owner", record.properties.owner},
          {"encoding", record.properties.encoding},
          {"tables", record.tables},
          {"rows", record.rows},
          {"row_bytes", record.row_bytes},
          {"large_objects", record.large_objects},
          {"size_bytes", record.properties.size_bytes},
          {"seconds", record.seconds}};
}

Json backup_json(const repository::Manifest& manifest, const logical::Document& document) {
  Json out = summary_of(manifest);
  out["server_version"] = document.server_version.text();
  out["server_address"] = document.server_address;
  out["system_identifier"] = document.system_identifier;
  out["client_version"] = document.client_version.text();
  out["globals"] = document.has_globals;
  out["databases"] = Json::array();
  for (const auto& record : document.databases) out["databases"].push_back(database_json(record));
  out["debris"] = document.debris;
  out["globals_left_out"] = document.globals_left_out;
  out["from_standby"] = document.from_standby;
  out["part"] = document.is_part();
  out["exclude_databases"] = document.exclude_databases;
  out["excluded_databases"] = document.excluded_databases;
  return out;
}

}  // namespace

std::string finished_document(const std::string& document, const std::vector<Notice>& warnings,
                              const std::optional<Error>& error) {
  Json out = document.empty() ? Json::object() : Json::parse(document);
  out["warnings"] = Json::array();
  for (const Notice& warning : warnings) {
    Json fields = Json::object();
    for (const auto& [name, value] : warning.fields) fields[name] = value;
    out["warnings"].push_back(
        {{"kind", warning.kind}, {"text", warning.text}, {"fields", std::move(fields)}});
  }
  if (error) out["error"] = error_json(*error);
  return text_of(out);
}

std::string version_document() { return text_of({{"version", DBB_VERSION}}); }

std::string init_document(const std::filesystem::path& repository, const std::string& id,
                          const std::string& encryption,
                          const std::optional<std::filesystem::path>& key_file) {
  return text_of({{"repository", repository.string()},
                  {"id", id},
                  {"encryption", encryption},
                  {"key_file_made", key_file ? Json(key_file->string()) : Json(nullptr)}});
}

std::string list_document(const std::filesystem::path& repository, const repository::BackupList& list,
                          const std::vector<repository::Hold>& holds) {
  Json out{{"repository", repository.string()}, {"backups", Json::array()}, {"damaged", Json::array()}};
  for (const auto& manifest : list.backups) {
    Json entry = summary_of(manifest);
    // A manifest may be of a kind this version does not know; then its document is not ours to read.
    try {
      const logical::Document document = logical::parse_document(manifest.document);
      Json names = Json::array();
      for (const auto& record : document.databases) names.push_back(record.name());
      entry["databases"] = std::move(names);
      entry["server_version"] = document.server_version.text();
      entry["part"] = document.is_part();
    } catch (const Error&) {
      entry["databases"] = nullptr;
      entry["server_version"] = nullptr;
      entry["part"] = nullptr;
    }
    const auto hold = std::ranges::find(holds, manifest.id, &repository::Hold::backup);
    entry["held"] = hold == holds.end()
                        ? Json()
                        : Json{{"by", hold->by}, {"reason", hold->reason}, {"since", hold->created.iso()}};
    out["backups"].push_back(std::move(entry));
  }
  for (const auto& damaged : list.damaged) {
    out["damaged"].push_back({{"object", damaged.object}, {"problem", damaged.problem}});
  }
  return text_of(out);
}

std::string show_document(const repository::Manifest& manifest) {
  return text_of(backup_json(manifest, logical::parse_document(manifest.document)));
}

std::string items_document(const repository::Manifest& manifest, const std::vector<repository::Item>& items) {
  Json out{{"id", manifest.id.text()}, {"items", Json::array()}};
  for (const repository::Item& item : items) {
    Json parts = Json::array();
    for (const repository::StreamRef& part : item.parts) {
      parts.push_back({{"class", name_of(part.stream_class)}, {"bytes", part.bytes}});
    }
    out["items"].push_back({{"kind", item.kind},
                            {"key", item.key},
                            {"attributes", Json::parse(item.attributes)},
                            {"parts", std::move(parts)}});
  }
  return text_of(out);
}

std::string backup_document(const logical::BackupResult& result) {
  return text_of(backup_json(result.manifest, result.document));
}

std::string prune_plan_document(const repository::PrunePlan& plan) {
  return text_of({{"executed", false},
                  {"backups", plan.backups},
                  {"packs", plan.all.packs},
                  {"packs_bytes", plan.all.bytes},
                  {"needed_bytes", plan.needed_bytes},
                  {"dead_packs", plan.dead.packs},
                  {"dead_bytes", plan.dead.bytes},
                  {"orphaned_packs", plan.orphans.packs},
                  {"orphaned_bytes", plan.orphans.bytes},
                  {"rewrite_packs", plan.rewrite.packs},
                  {"rewrite_bytes", plan.rewrite.bytes},
                  {"rewrite_needed_bytes", plan.rewrite_needed_bytes},
                  {"condemned_packs", plan.condemned.packs},
                  {"condemned_bytes", plan.condemned.bytes},
                  {"bytes_to_free", plan.bytes_to_free()},
                  {"waits_for", plan.waits_for}});
}

std::string prune_document(const repository::PruneResult& result) {
  return text_of({{"executed", true},
                  {"deleted_packs", result.deleted.packs},
                  {"deleted_bytes", result.deleted.bytes},
                  {"compacted_packs", result.compacted.packs},
                  {"compacted_bytes", result.compacted.bytes},
                  {"written_packs", result.written.packs},
                  {"written_bytes", result.written.bytes},
                  {"condemned_packs", result.condemned.packs},
                  {"condemned_bytes", result.condemned.bytes},
                  {"damaged_packs", result.damaged.packs},
                  {"damaged_bytes", result.damaged.bytes},
                  {"leftovers_removed", result.leftovers_removed},
                  {"freed_bytes", result.freed_bytes()},
                  {"waits_for", result.waits_for}});
}

std::string forget_document(const repository::ForgetPlan& plan, bool executed) {
  Json out{{"executed", executed}, {"backups", Json::array()}};
  for (const auto& entry : plan.entries) {
    out["backups"].push_back({{"id", entry.id.text()},
                              {"group", entry.group},
                              {"forget", entry.forget},
                              {"reason", entry.reason}});
  }
  return text_of(out);
}

std::string repair_index_document(const repository::IndexRepairPlan& plan,
                                  const std::optional<repository::IndexRepairResult>& result) {
  Json out{{"executed", result.has_value()},
           {"needed", plan.needed},
           {"reasons", plan.reasons},
           {"packs", plan.sound_packs + (result ? result->new_packs : 0)},
           {"frames", plan.frames},
           {"packs_left_out", plan.packs_left_out},
           {"at_work", plan.at_work},
           {"old_indexes", plan.old_indexes.size()},
           {"new_indexes", result ? Json(result->new_indexes) : Json(nullptr)},
           {"new_packs", result ? Json(result->new_packs) : Json(nullptr)},
           {"broken_packs", Json::array()},
           {"losses", Json::array()}};
  for (const auto& pack : plan.broken_packs) {
    out["broken_packs"].push_back({{"object", pack.object},
                                   {"problem", pack.problem},
                                   {"whole_frames", pack.whole_frames},
                                   {"copied_frames", pack.wanted_offsets.size()},
                                   {"copied_bytes", pack.wanted_bytes}});
  }
  for (const auto& loss : plan.losses) out["losses"].push_back(finding_json(loss));
  return text_of(out);
}

std::string stats_document(const repository::RepositoryStats& stats) {
  Json out{{"repository",
            {{"bytes", stats.bytes()},
             {"logical_bytes", stats.logical_bytes},
             {"packs", stats.packs.count},
             {"pack_bytes", stats.packs.bytes},
             {"unreferenced_packs", stats.unreferenced_packs.count},
             {"unreferenced_bytes", stats.unreferenced_packs.bytes},
             {"indexes", stats.indexes.count},
             {"index_bytes", stats.indexes.bytes},
             {"manifests", stats.manifests.count},
             {"manifest_bytes", stats.manifests.bytes},
             {"others", stats.others.count},
             {"other_bytes", stats.others.bytes},
             {"frames", stats.frames},
             {"damaged_manifests", stats.damaged_manifests}}},
           {"backups", Json::array()}};
  for (const auto& backup : stats.backups) out["backups"].push_back(stats_json(backup));
  return text_of(out);
}

std::string stats_document(const repository::BackupStats& backup, const repository::ContentStats& contents) {
  Json out = stats_json(backup);
  out["kinds"] = Json::array();
  for (const auto& [kind, sum] : contents.kinds) {
    out["kinds"].push_back({{"kind", kind}, {"items", sum.items}, {"logical_bytes", sum.bytes}});
  }
  return text_of(out);
}

std::string hold_document(const BackupId& backup, bool held, bool changed) {
  return text_of({{"backup", backup.text()}, {"held", held}, {"changed", changed}});
}

std::string check_document(const repository::CheckReport& report, const repository::CheckOptions& options) {
  Json out{{"sound", report.findings.empty()},
           {"read_data", options.read_data},
           {"sample", options.sample ? Json(*options.sample) : Json(nullptr)},
           {"sample_seed", options.sample ? Json(options.sample_seed) : Json(nullptr)},
           {"backups", report.backups},
           {"packs", report.packs},
           {"frames", report.frames},
           {"frames_read", report.frames_read},
           {"read_bytes", report.bytes_read},
           {"unreferenced_packs", report.unreferenced_packs},
           {"unreferenced_bytes", report.unreferenced_bytes},
           {"state_objects", report.state_objects},
           {"foreign_objects", report.foreign_objects},
           {"foreign_names", report.foreign_names},
           {"findings", Json::array()}};
  for (const auto& finding : report.findings) out["findings"].push_back(finding_json(finding));
  return text_of(out);
}

std::string cleanup_document(const std::vector<CleanupItem>& items, bool executed) {
  Json out{{"executed", executed}, {"leftovers", Json::array()}};
  for (const auto& item : items) {
    out["leftovers"].push_back({{"database", item.leftover.database},
                                {"kind", item.leftover.kind},
                                {"run", item.leftover.run},
                                {"original", item.leftover.original},
                                {"size_bytes", item.leftover.size_bytes},
                                {"in_use", item.leftover.in_use},
                                {"renamed", item.leftover.is_renamed},
                                {"removed", item.removed},
                                {"reason", item.kept_because}});
  }
  return text_of(out);
}

std::string doctor_document(const std::vector<Diagnosis>& diagnoses) {
  Json out{{"ready", exit_code_of(diagnoses) == ExitCode::kDone}, {"checks", Json::array()}};
  for (const auto& diagnosis : diagnoses) {
    out["checks"].push_back({{"check", diagnosis.check},
                             {"verdict", name_of(diagnosis.verdict)},
                             {"finding", diagnosis.finding},
                             {"remedy", diagnosis.remedy}});
  }
  return text_of(out);
}

}  // namespace dbb::cli
