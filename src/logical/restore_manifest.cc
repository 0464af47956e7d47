#include "logical/restore_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/shell_word.h"
#include "logical/stored_json.h"
#include "system/file.h"

namespace dbb::logical {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "dbbackup restore manifest";
constexpr int kVersion = 1;
constexpr uint64_t kLongestFile = uint64_t{256} << 20;

// Choices by the words of the command line.
template <typename Value>
struct Word {
  Value value;
  std::string_view word;
};
constexpr std::array kOldWords{Word{OldDatabase::kDefault, "default"}, Word{OldDatabase::kDrop, "drop"},
                               Word{OldDatabase::kKeep, "keep"}};
constexpr std::array kSystemWords{Word{SystemDatabases::kSkipFilled, "skip"},
                                  Word{SystemDatabases::kMerge, "merge"}};
constexpr std::array kGlobalsWords{Word{Globals::kMissing, "missing"}, Word{Globals::kAlign, "align"},
                                   Word{Globals::kNone, "none"}};
constexpr std::array kFailedWords{Word{FailedDatabase::kDrop, "drop"}, Word{FailedDatabase::kKeep, "keep"},
                                  Word{FailedDatabase::kRename, "rename"}};
constexpr std::array kSwapWords{Word{SwapTime::kEach, "each"}, Word{SwapTime::kTogether, "together"}};

template <typename Words, typename Value>
std::string word_of(const Words& words, Value value) {
  return std::string(std::ranges::find(words, value, &Words::value_type::value)->word);
}

template <typename Words>
auto read_word(const Words& words, const json& in) {
  const auto word = in.get<std::string>();
  const auto found = std::ranges::find(words, word, &Words::value_type::word);
  if (found == words.end()) throw json::other_error::create(501, "unknown word " + word, &in);
  return found->value;
}

// A manifest may have been edited: what the command line refuses is refused here, too.
int read_number(const json& in, const char* field, int lowest, int highest) {
  const json& number = in.at(field);
  const auto value = number.is_number_integer() ? number.get<int64_t>() : int64_t{-1};
  if (value < lowest || value > highest) {
    throw json::other_error::create(
        501,
        fmt::format("{} is {}, and must be a number from {} to {}", field, number.dump(), lowest, highest),
        &in);
  }
  return static_cast<int>(value);
}

json optional_text(const std::optional<std::string>& text) { return text ? text_json(*text) : json(); }

std::optional<std::string> read_optional_text(const json& in) {
  return in.is_null() ? std::nullopt : std::optional(read_text(in));
}

// Fields that the first manifests did not have.
std::string text_if_there(const json& in, const char* field) {
  return in.contains(field) ? read_text(in.at(field)) : std::string();
}

json rules_json(const EntryRules& rules) {
  json roles = json::array();
  for (const auto& [from, to] : rules.roles) roles.push_back({text_json(from), text_json(to)});
  return {{"owners", rules.owners},
          {"privileges", rules.privileges},
          {"comments", rules.comments},
          {"publications", rules.publications},
          {"subscriptions", rules.subscriptions},
          {"security_labels", rules.security_labels},
          {"tablespaces", rules.tablespaces},
          {"refreshes", rules.refreshes},
          {"roles", std::move(roles)}};
}

EntryRules read_rules(const json& in) {
  EntryRules rules{.owners = in.at("owners"),
                   .privileges = in.at("privileges"),
                   .comments = in.at("comments"),
                   .publications = in.at("publications"),
                   .subscriptions = in.at("subscriptions"),
                   .security_labels = in.at("security_labels"),
                   .tablespaces = in.at("tablespaces"),
                   .refreshes = in.at("refreshes")};
  for (const json& pair : in.at("roles")) rules.roles[read_text(pair.at(0))] = read_text(pair.at(1));
  return rules;
}

json failures_policy_json(const FailurePolicy& policy) {
  return {{"continue", policy.go_on},
          {"retries", policy.retries},
          {"failed_database", word_of(kFailedWords, policy.failed)},
          {"require_all", policy.require_all},
          {"min_success", policy.min_success_percent}};
}

FailurePolicy read_failures_policy(const json& in) {
  return {.go_on = in.at("continue"),
          .retries = read_number(in, "retries", 0, kMostRetries),
          .failed = read_word(kFailedWords, in.at("failed_database")),
          .require_all = in.at("require_all"),
          .min_success_percent = read_number(in, "min_success", 0, 100)};
}

json options_json(const RestoreOptions& options) {
  return {{"backup", options.backup.text()},
          {"database", optional_text(options.database)},
          {"as", optional_text(options.as)},
          {"replace", options.replace},
          {"old", word_of(kOldWords, options.old)},
          {"proof", options.proof},
          {"system_databases", word_of(kSystemWords, options.system_databases)},
          {"globals", word_of(kGlobalsWords, options.globals)},
          {"rules", rules_json(options.rules)},
          {"selection", selection_json(options.selection)},
          {"replace_with_part", options.replace_with_part},
          {"statistics", options.statistics},
          {"drop_slots", options.drop_slots},
          {"validate_fully", options.validate_fully},
          {"profile", name_of(options.profile)},
          {"jobs", options.jobs},
          {"parallel_databases", options.parallel_databases},
          {"lock_timeout_seconds", options.lock_timeout.count()},
          {"failures", failures_policy_json(options.failures)},
          {"swap", word_of(kSwapWords, options.swap)},
          {"in_place", options.in_place}};
}

RestoreOptions read_options(const json& in) {
  RestoreOptions options{.backup = BackupId::parse(in.at("backup").get<std::string>())};
  options.database = read_optional_text(in.at("database"));
  options.as = read_optional_text(in.at("as"));
  options.replace = in.at("replace");
  options.old = read_word(kOldWords, in.at("old"));
  options.proof = in.at("proof");
  options.system_databases = read_word(kSystemWords, in.at("system_databases"));
  options.globals = read_word(kGlobalsWords, in.at("globals"));
  options.rules = read_rules(in.at("rules"));
  options.selection = read_selection(in.at("selection"));
  options.replace_with_part = in.at("replace_with_part");
  options.statistics = in.at("statistics");
  options.drop_slots = in.at("drop_slots");
  options.validate_fully = in.at("validate_fully");
  options.profile = parse_profile(in.at("profile").get<std::string>()).value_or(Profile::kBalanced);
  options.jobs = read_number(in, "jobs", 0, kMostJobs);
  options.parallel_databases = read_number(in, "parallel_databases", 0, kMostParallelDatabases);
  options.lock_timeout = std::chrono::seconds(
      read_number(in, "lock_timeout_seconds", 1, static_cast<int>(kLongestLockTimeout.count())));
  options.failures = read_failures_policy(in.at("failures"));
  options.swap = read_word(kSwapWords, in.at("swap"));
  options.in_place = in.at("in_place");
  return options;
}

json failure_json(const DatabaseFailure& failure) {
  return {{"code", failure.code},
          {"phase", failure.phase},
          {"object", text_json(failure.object)},
          {"statement", text_json(failure.statement)},
          {"sqlstate", failure.sqlstate},
          {"message", text_json(failure.message)},
          {"cause", text_json(failure.cause)},
          {"hint", text_list_json(failure.solution)},
          {"attempts", failure.attempts},
          {"tables_loaded", failure.tables_loaded},
          {"left_as", text_json(failure.left_as)}};
}

DatabaseFailure read_failure(const json& in) {
  return {.code = in.at("code"),
          .phase = in.at("phase"),
          .message = read_text(in.at("message")),
          .cause = read_text(in.at("cause")),
          .solution = read_text_list(in.at("hint")),
          .sqlstate = in.at("sqlstate"),
          .object = read_text(in.at("object")),
          .statement = read_text(in.at("statement")),
          .attempts = in.at("attempts"),
          .tables_loaded = in.at("tables_loaded"),
          .left_as = read_text(in.at("left_as"))};
}

std::string state_of(const ManifestDatabase& database) {
  if (!database.left_alone.empty()) return "left alone";
  if (database.outcome.restored) return "restored";
  if (database.outcome.failure) return "failed";
  return database.oid.value != 0 || database.outcome.interrupted ? "begun" : "waiting";
}

json database_json(const ManifestDatabase& database) {
  const DatabaseOutcome& outcome = database.outcome;
  return {{"name", text_json(outcome.name)},
          {"source", text_json(database.source)},
          {"state", state_of(database)},
          {"left_alone", text_json(database.left_alone)},
          {"staging_database", database.staging_name},
          {"oid", database.oid.value},
          {"old_oid", database.old ? json(database.old->value) : json()},
          {"kept_name", text_json(database.kept_name)},
          {"drop_old", database.drop_old},
          {"kept_as", text_json(outcome.kept_as)},
          {"proven", outcome.proven},
          {"interrupted", outcome.interrupted},
          {"tables", outcome.tables},
          {"rows", outcome.rows},
          {"row_bytes", outcome.row_bytes},
          {"large_objects", outcome.large_objects},
          {"seconds", outcome.seconds},
          {"swap_window_seconds", outcome.swap_window_seconds},
          {"missing", text_list_json(outcome.missing)},
          {"failure", outcome.failure ? failure_json(*outcome.failure) : json()}};
}

ManifestDatabase read_database(const json& in) {
  ManifestDatabase database{.source = read_text(in.at("source")),
                            .staging_name = in.at("staging_database"),
                            .oid = {in.at("oid").get<uint32_t>()},
                            .kept_name = read_text(in.at("kept_name")),
                            .drop_old = in.at("drop_old"),
                            .left_alone = read_text(in.at("left_alone"))};
  const auto old = in.find("old_oid");
  if (old != in.end() && !old->is_null()) database.old = postgres::Oid{old->get<uint32_t>()};
  DatabaseOutcome& outcome = database.outcome;
  outcome.name = read_text(in.at("name"));
  outcome.restored = in.at("state") == "restored";
  outcome.kept_as = read_text(in.at("kept_as"));
  outcome.proven = in.at("proven");
  outcome.interrupted = in.at("interrupted");
  outcome.tables = in.at("tables");
  outcome.rows = in.at("rows");
  outcome.row_bytes = in.at("row_bytes");
  outcome.large_objects = in.at("large_objects");
  outcome.seconds = in.at("seconds");
  outcome.swap_window_seconds = in.at("swap_window_seconds");
  outcome.missing = read_text_list(in.at("missing"));
  if (!in.at("failure").is_null()) outcome.failure = read_failure(in.at("failure"));
  return database;
}

Error unreadable(const std::filesystem::path& file, std::string cause) {
  return Error(
      ErrorCode::kUsage,
      {.message = fmt::format("{} is not the manifest of a restore.", file.string()),
       .cause = std::move(cause),
       .solution = {
           "Name the file that the restore wrote: restore-manifest-<date>.json. Its last lines of output "
           "show the command that continues."}});
}

size_t count_of_restored(const RestoreManifest& manifest) {
  return static_cast<size_t>(std::ranges::count_if(
      manifest.databases, [](const ManifestDatabase& one) { return one.outcome.restored; }));
}

}  // namespace

const ManifestDatabase* RestoreManifest::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(databases, [&](const ManifestDatabase& one) { return one.outcome.name == name; });
  return found == databases.end() ? nullptr : &*found;
}

std::vector<std::string> RestoreManifest::failed() const {
  std::vector<std::string> names;
  for (const ManifestDatabase& database : databases) {
    if (database.outcome.failure) names.push_back(database.outcome.name);
  }
  return names;
}

std::vector<std::string> RestoreManifest::skipped() const {
  std::vector<std::string> names;
  for (const ManifestDatabase& database : databases) {
    const bool is_ended = database.outcome.restored || database.outcome.failure;
    if (!is_ended && database.left_alone.empty()) names.push_back(database.outcome.name);
  }
  return names;
}

RestoreManifest manifest_of(const RestorePlan& plan, const BackupId& run, UtcTime now) {
  RestoreManifest manifest{.run = run,
                           .server = plan.server,
                           .system_identifier = plan.system_identifier,
                           .done_as = plan.done_as,
                           .started = now,
                           .updated = now,
                           .options = plan.options};
  for (const DatabasePlan& database : plan.databases) {
    manifest.databases.push_back(
        {.source = database.source,
         .staging_name = database.staging_name,
         .old = database.old,
         .kept_name = database.kept_name.value_or(""),
         .drop_old = database.drop_old,
         .left_alone = database.action == DatabaseAction::kSkip ? database.reason : "",
         .outcome = {.name = database.name}});
  }
  return manifest;
}

std::string command_to_continue(const RestoreManifest& manifest, const std::filesystem::path& file) {
  return fmt::format("dbbackup{}{} restore {} --resume-from-manifest {} --confirm",
                     manifest.reached_by.empty() ? "" : " ", manifest.reached_by,
                     manifest.options.database ? "database" : "cluster", shell_word(file.string()));
}

std::string to_json(const RestoreManifest& manifest, const std::filesystem::path& file) {
  const std::vector<std::string> failed = manifest.failed();
  const std::vector<std::string> skipped = manifest.skipped();
  const auto left_alone = static_cast<size_t>(std::ranges::count_if(
      manifest.databases, [](const ManifestDatabase& one) { return !one.left_alone.empty(); }));
  const std::string next = !skipped.empty() ? skipped.front() : !failed.empty() ? failed.front() : "";
  json databases = json::array();
  for (const ManifestDatabase& database : manifest.databases) databases.push_back(database_json(database));
  const json out{{"format", kFormat},
                 {"version", kVersion},
                 {"run", manifest.run.text()},
                 {"backup", manifest.options.backup.text()},
                 {"server", manifest.server},
                 {"system_identifier", manifest.system_identifier},
                 {"role", text_json(manifest.role)},
                 {"done_as", text_json(manifest.done_as)},
                 {"reached_by", text_json(manifest.reached_by)},
                 {"started", manifest.started.iso()},
                 {"updated", manifest.updated.iso()},
                 {"over", manifest.is_over},
                 {"total", manifest.databases.size() - left_alone},
                 {"succeeded", count_of_restored(manifest)},
                 {"failed", text_list_json(failed)},
                 {"skipped", text_list_json(skipped)},
                 {"continue_from", next.empty() ? json() : text_json(next)},
                 {"continue_with", next.empty() ? json() : text_json(command_to_continue(manifest, file))},
                 {"options", options_json(manifest.options)},
                 {"databases", std::move(databases)}};
  return out.dump(2) + "\n";
}

RestoreManifest parse_restore_manifest(std::string_view text, const std::filesystem::path& file) {
  try {
    const json in = json::parse(text);
    if (in.at("format") != kFormat) throw unreadable(file, "It is a document of another kind.");
    if (in.at("version").get<int>() > kVersion) throw unreadable(file, "It was written by a newer dbbackup.");
    RestoreManifest manifest{.run = BackupId::parse(in.at("run").get<std::string>()),
                             .server = in.at("server"),
                             .system_identifier = in.at("system_identifier"),
                             .role = read_text(in.at("role")),
                             .done_as = text_if_there(in, "done_as"),
                             .reached_by = text_if_there(in, "reached_by"),
                             .started = UtcTime::parse(in.at("started").get<std::string>()),
                             .updated = UtcTime::parse(in.at("updated").get<std::string>()),
                             .is_over = in.at("over"),
                             .options = read_options(in.at("options"))};
    for (const json& database : in.at("databases")) manifest.databases.push_back(read_database(database));
    return manifest;
  } catch (const json::exception& problem) {
    throw unreadable(file, problem.what());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorruptedBackup) throw;
    throw unreadable(file, error.what());
  }
}

RestoreManifest read_restore_manifest(const std::filesystem::path& file) {
  const std::optional<Bytes> text = system::read_file(file, kLongestFile);
  if (!text) throw unreadable(file, "There is no such file.");
  return parse_restore_manifest(as_text(*text), file);
}

std::string failures_json(const RestoreManifest& manifest) {
  json failures = json::array();
  for (const ManifestDatabase& database : manifest.databases) {
    if (!database.outcome.failure) continue;
    json entry{{"database", text_json(database.outcome.name)}, {"tables", database.outcome.tables}};
    entry.update(failure_json(*database.outcome.failure));
    failures.push_back(std::move(entry));
  }
  const json out{{"run", manifest.run.text()},
                 {"backup", manifest.options.backup.text()},
                 {"server", manifest.server},
                 {"started", manifest.started.iso()},
                 {"updated", manifest.updated.iso()},
                 {"succeeded", count_of_restored(manifest)},
                 {"skipped", text_list_json(manifest.skipped())},
                 {"failures", std::move(failures)}};
  return out.dump(2) + "\n";
}

RestoreJournal::RestoreJournal(std::filesystem::path file, RestoreManifest manifest)
    : file_(std::move(file)), manifest_(std::move(manifest)) {}

RestoreJournal::RestoreJournal(RestoreJournal&& other) noexcept
    : file_(std::move(other.file_)),
      failures_file_(std::move(other.failures_file_)),
      manifest_(std::move(other.manifest_)),
      problem_(std::move(other.problem_)) {}

RestoreJournal RestoreJournal::of_new_run(const std::filesystem::path& directory, RestoreManifest manifest) {
  RestoreJournal journal;
  try {
    system::create_directories(directory);
    for (int number = 1;; ++number) {
      std::filesystem::path file =
          directory / fmt::format("restore-manifest-{}{}.json", manifest.started.day(),
                                  number > 1 ? fmt::format("-{}", number) : "");
      const std::string text = to_json(manifest, file);
      const ByteView piece = as_bytes(text);
      if (system::publish_new(file, std::span(&piece, 1))) return {std::move(file), std::move(manifest)};
    }
  } catch (const Error& error) {
    journal.problem_ = error.what();
  }
  return journal;
}

RestoreJournal RestoreJournal::of_run_that_goes_on(const std::filesystem::path& file,
                                                   RestoreManifest manifest) {
  return {file, std::move(manifest)};
}

void RestoreJournal::update(const std::string& name, UtcTime now,
                            const std::function<void(ManifestDatabase&)>& change) {
  update_all(now, [&](RestoreManifest& manifest) {
    for (ManifestDatabase& database : manifest.databases) {
      if (database.outcome.name == name) change(database);
    }
  });
}

void RestoreJournal::update_all(UtcTime now, const std::function<void(RestoreManifest&)>& change) {
  const std::scoped_lock lock(mutex_);
  if (file_.empty()) return;
  change(manifest_);
  manifest_.updated = now;
  write();
}

std::vector<DatabaseOutcome> RestoreJournal::outcomes(const RestorePlan& plan) const {
  const std::scoped_lock lock(mutex_);
  std::vector<DatabaseOutcome> outcomes;
  for (const DatabasePlan& database : plan.databases) {
    DatabaseOutcome outcome{.name = database.name, .skipped = database.action == DatabaseAction::kSkip};
    const ManifestDatabase* before = manifest_.find(database.name);
    if (before != nullptr) outcome = before->outcome;
    outcome.skipped = database.action == DatabaseAction::kSkip && !database.restored_before;
    outcome.restored = outcome.restored_before = database.restored_before;
    outcome.interrupted = false;
    outcome.failure.reset();
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

void RestoreJournal::finish(UtcTime now) {
  update_all(now, [](RestoreManifest& manifest) { manifest.is_over = true; });
  const std::scoped_lock lock(mutex_);
  if (file_.empty() || manifest_.failed().empty()) return;
  // "restore-manifest-20261120-2.json" -> "cluster-restore-failures-20261120-2.json"
  static constexpr std::string_view kBegin = "restore-manifest";
  const std::string name = file_.filename().string();
  const std::string rest = name.starts_with(kBegin) ? name.substr(kBegin.size()) : "-" + name;
  const std::filesystem::path file = file_.parent_path() / ("cluster-restore-failures" + rest);
  try {
    system::publish_replacing(file, as_bytes(failures_json(manifest_)));
    failures_file_ = file;
  } catch (const Error& error) {
    remember(error);
  }
}

std::string RestoreJournal::problem() const {
  const std::scoped_lock lock(mutex_);
  return problem_;
}

std::string RestoreJournal::command() const {
  const std::scoped_lock lock(mutex_);
  return file_.empty() ? "" : command_to_continue(manifest_, file_);
}

void RestoreJournal::on_problem(std::function<void(const std::string&)> tell) {
  const std::scoped_lock lock(mutex_);
  tell_ = std::move(tell);
}

void RestoreJournal::remember(const Error& error) {
  if (!problem_.empty()) return;
  problem_ = error.what();
  if (tell_) tell_(problem_);
}

void RestoreJournal::write() {
  try {
    system::publish_replacing(file_, as_bytes(to_json(manifest_, file_)));
  } catch (const Error& error) {
    remember(error);
  }
}

}  // namespace dbb::logical
