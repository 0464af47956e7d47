#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/doctor.h"
#include "cli/host_memory.h"
#include "cli/json_documents.h"
#include "logical/restore.h"
#include "logical/standby.h"
#include "postgres/catalog.h"
#include "postgres/server.h"
#include "repository/clock_ahead.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

constexpr std::string_view kNoServer = "not tried: the server was not reached";
constexpr std::string_view kNoRepository = "not tried: there is no repository yet";

Diagnosis skipped(std::string_view why) {
  return {.verdict = DoctorVerdict::kSkipped, .finding = std::string(why)};
}

// The first directory on the way up that exists: where the disk of a repository to come is.
std::filesystem::path existing_part(std::filesystem::path path) {
  std::error_code ignored;
  while (!std::filesystem::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

// The checks, in the order in which one explains the next. What an earlier one learned is kept for the later
// ones.
class Examination {
 public:
  explicit Examination(Context& context) : context_(context) {}

  std::vector<Diagnosis> run() {
    add("configuration", [&] { return configuration(); });
    add("repository", [&] { return repository(); });
    add("encryption", [&] { return encryption(); });
    add("repository writable", [&] { return writable(); });
    add("server", [&] { return server(); });
    add("connection pooler", [&] { return pooler(); });
    add("topology", [&] { return topology(); });
    add("role and rights", [&] { return rights(); });
    add("client programs", [&] { return client_programs(); });
    add("lock budget", [&] { return locks(); });
    add("connection slots", [&] { return slots(); });
    add("free disk", [&] { return disk(); });
    add("leftovers", [&] { return leftovers(); });
    return std::move(diagnoses_);
  }

 private:
  void add(const std::string& check, const std::function<Diagnosis()>& look) {
    diagnoses_.push_back(diagnose(check, look));
  }

  Diagnosis configuration() const {
    const auto& named = context_.options().config;
    if (named) return {.finding = *named};
    std::error_code ignored;
    const bool there = std::filesystem::exists(kDefaultConfigurationFile, ignored);
    return {.finding = there ? std::string(kDefaultConfigurationFile)
                             : fmt::format("no {}: the defaults hold", kDefaultConfigurationFile)};
  }

  Diagnosis repository() {
    const auto& place = context_.place();
    auto& repository = context_.repository();
    const repository::BackupList list = repository.list_backups();
    has_repository_ = true;
    Diagnosis out{.finding = fmt::format("{} ({}), {}", place.path.string(), place.origin,
                                         counted(list.backups.size(), "backup"))};
    if (!list.damaged.empty()) {
      out.verdict = DoctorVerdict::kFailed;
      out.exit_code = ExitCode::kVerificationFailed;
      out.finding += fmt::format(", {} damaged: {}", list.damaged.size(), list.damaged.front().object);
      out.remedy = "See what is hurt: dbbackup check --read-data";
    } else if (list.backups.empty()) {
      out.verdict = DoctorVerdict::kWarning;
      out.remedy = "Make the first backup: dbbackup backup cluster";
    } else {
      std::vector<BackupId> ids;
      for (const auto& manifest : list.backups) ids.push_back(manifest.id);
      const auto ahead = repository::backups_ahead(ids, context_.world().clock.now());
      if (!ahead.empty()) {
        out.verdict = DoctorVerdict::kWarning;
        out.finding +=
            fmt::format(", {} made while a clock was ahead: {}", ahead.size(), ahead.front().text());
        out.remedy =
            fmt::format("It counts for nothing until then. Look at the clocks, then: dbbackup forget {}",
                        ahead.front().text());
      }
    }
    return out;
  }

  Diagnosis encryption() const {
    if (!has_repository_) return skipped(kNoRepository);
    repository::Repository& repository = context_.repository();
    if (repository.encryption() == repository::EncryptionKind::kNone) {
      return {.finding = "none: who can read the repository's files can read every row"};
    }
    size_t genuine = 0;
    std::string others;
    for (const repository::ListedKey& key : repository.key_manager().list()) {
      if (key.trust == repository::KeyTrust::kGenuine && key.problem.empty()) {
        ++genuine;
      } else {
        others += (others.empty() ? "" : ", ") + key.object;
      }
    }
    Diagnosis out{.finding = fmt::format("{}, epoch {}", counted(genuine, "key"), repository.newest_epoch())};
    if (genuine < 2) {
      out.verdict = DoctorVerdict::kWarning;
      out.remedy = "Who loses the only key loses all backups. Add a second: dbbackup key add";
    }
    if (!others.empty()) {
      out.verdict = DoctorVerdict::kWarning;
      out.finding += "; damaged, or not made by anybody with a key: " + others;
      out.remedy = "See them, and find out who can write there: dbbackup key list";
    }
    return out;
  }

  // Really writes: rights, quotas and read-only mounts cannot be read off the mode bits.
  Diagnosis writable() const {
    if (!has_repository_) return skipped(kNoRepository);
    const auto probe =
        context_.place().path / fmt::format(".tmp-doctor-{}", context_.world().clock.now().microseconds());
    try {
      const std::string_view text = "dbbackup doctor\n";
      const std::array<ByteView, 1> pieces = {as_bytes(text)};
      system::publish_new(probe, pieces);
      system::remove_file(probe);
      return {.finding = "a file could be written, synced and removed"};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kPermissionDenied) throw;
      throw Error(ErrorCode::kRepositoryReadOnly,
                  {.message = fmt::format("{} cannot be written.", context_.place().path.string()),
                   .cause = error.cause(),
                   .solution = {"Backups fail; restores work. Look at the owner and the mount options."}});
    }
  }

  Diagnosis server() {
    try {
      const logical::Operation& operation = context_.operation();
      connection_.emplace(operation.connect(logical::maintenance_database(operation), "doctor"));
    } catch (const Error& error) {
      met_pooler_ = error.code() == ErrorCode::kPoolerInBetween;
      throw;
    }
    facts_ = postgres::read_server_facts(*connection_);
    Diagnosis out{.finding = fmt::format("{}, PostgreSQL {}", context_.target().host_and_port(),
                                         facts_.version.text())};
    if (facts_.in_recovery) {
      out.verdict = DoctorVerdict::kWarning;
      out.finding += ", a standby";
      out.remedy = "Backups work; a restore needs the primary.";
      const auto paused = logical::find_paused_replay(*connection_, context_.operation(),
                                                      state_directory(context_.world().environment));
      if (paused && !paused->in_use) {
        out.finding +=
            paused->run ? ", its replay paused by a backup that was killed" : ", its replay paused";
        out.remedy += paused->run ? " Set replay going again: dbbackup cleanup --confirm"
                                  : " If nobody wants that: SELECT pg_wal_replay_resume();";
      }
    }
    return out;
  }

  Diagnosis pooler() const {
    if (met_pooler_) {
      return {.verdict = DoctorVerdict::kFailed,
              .finding = "a pooler answers instead of the server",
              .remedy = "Give the server's own address with -h and -p.",
              .exit_code = ExitCode::kConnectionOrPermission};
    }
    if (!connection_) return skipped(kNoServer);
    return {.finding = "none in between"};
  }

  Diagnosis topology() const {
    if (!connection_) return skipped(kNoServer);
    constexpr int kProbes = 5;
    postgres::probe_topology(context_.target().with_database(connection_->database()), kProbes,
                             context_.world().stop);
    return {.finding = fmt::format("one server answered {} times", kProbes)};
  }

  Diagnosis rights() {
    if (!connection_) return skipped(kNoServer);
    // pg_read_all_data came with 14; before it, only a superuser reads everything.
    const bool reads_all =
        facts_.is_superuser ||
        (facts_.version.major() >= 14 &&
         connection_->execute("SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_data', 'USAGE')")
             .boolean(0, 0));
    return diagnose_rights(facts_, reads_all);
  }

  Diagnosis client_programs() {
    const auto& all = context_.client_programs();
    if (!connection_) {
      std::string found;
      for (const auto& programs : all) {
        found += fmt::format("{}{} in {}", found.empty() ? "" : ", ", programs.version.text(),
                             programs.directory.string());
      }
      return {.verdict = all.empty() ? DoctorVerdict::kFailed : DoctorVerdict::kSkipped,
              .finding = all.empty() ? "no pg_dump on this host"
                                     : "found " + found + "; none chosen without a server",
              .remedy = all.empty() ? "Install postgresql-client of the server's version." : "",
              .exit_code = all.empty() ? ExitCode::kRefused : ExitCode::kDone};
    }
    const auto& chosen = postgres::choose_for_dump(all, facts_.version);
    Diagnosis out{.finding =
                      fmt::format("pg_dump {} in {} for PostgreSQL {}; {} found", chosen.version.text(),
                                  chosen.directory.string(), facts_.version.text(), all.size())};
    if (chosen.version.major() != facts_.version.major()) {
      out.verdict = DoctorVerdict::kWarning;
      out.remedy = fmt::format(
          "Install postgresql-client-{}: what a newer pg_dump wrote cannot be restored into version {} "
          "again.",
          facts_.version.major(), facts_.version.major());
    }
    return out;
  }

  Diagnosis locks() {
    if (!connection_) return skipped(kNoServer);
    // Tables are known only from inside each database. Every one is looked at, so that the largest is not
    // missed.
    databases_ = postgres::read_databases(*connection_);
    int64_t most = 0;
    std::string where = connection_->database();
    std::string closed;
    for (const auto& database : databases_) {
      if (!database.allow_connections) continue;
      try {
        auto session = context_.operation().connect(database.name, "doctor");
        const int64_t tables =
            session
                .execute(
                    "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'm', 'S', 'f', "
                    "'v') "
                    "AND relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN "
                    "('pg_catalog', 'information_schema', 'pg_toast'))")
                .integer(0, 0);
        if (tables <= most) continue;
        most = tables;
        where = database.name;
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled) throw;
        closed += (closed.empty() ? "" : ", ") + database.name;
      }
    }
    Diagnosis out = diagnose_locks(postgres::lock_capacity(facts_), facts_, most, where);
    if (!closed.empty()) {
      out.verdict = std::max(out.verdict, DoctorVerdict::kWarning);
      out.finding += "; not looked into: " + closed;
    }
    return out;
  }

  Diagnosis slots() const {
    if (!connection_) return skipped(kNoServer);
    const int jobs = context_.configuration().jobs.value_or(
        static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
    constexpr int kLeaders = 3;  // of two databases, and one for the cluster
    return diagnose_slots(facts_, jobs + kLeaders);
  }

  Diagnosis disk() const {
    const auto path = existing_part(context_.place().path);
    const auto space = system::disk_space(path);
    if (!space)
      return {.verdict = DoctorVerdict::kWarning, .finding = path.string() + " cannot be looked at"};
    uint64_t cluster = 0;
    for (const auto& database : databases_) cluster += database.size_bytes;
    Diagnosis out{.finding = fmt::format("{} of {} free in {}", format_bytes(space->available_bytes),
                                         format_bytes(space->total_bytes), path.string())};
    if (cluster > 0) out.finding += fmt::format("; the cluster is {}", format_bytes(cluster));
    if (space->available_bytes < cluster) {
      // Compression usually makes it fit, and a second backup stores only changes: a warning.
      out.verdict = DoctorVerdict::kWarning;
      out.remedy = "A first backup may not fit. Free space, or put the repository on a larger disk.";
    }
    constexpr uint64_t kTooLittle = 200'000'000;
    if (space->available_bytes < kTooLittle) {
      out.verdict = DoctorVerdict::kFailed;
      out.exit_code = ExitCode::kDiskSpace;
      out.remedy = "Free space, or put the repository on a larger disk.";
    }
    return out;
  }

  Diagnosis leftovers() {
    if (!connection_) return skipped(kNoServer);
    uint64_t staging = 0;
    uint64_t kept = 0;
    uint64_t bytes = 0;
    for (const auto& leftover : logical::find_leftovers(context_.operation())) {
      if (leftover.in_use) continue;
      ++(leftover.kind == "staging" ? staging : kept);
      bytes += leftover.size_bytes;
    }
    if (staging + kept == 0) return {.finding = "none"};
    return {.verdict = DoctorVerdict::kWarning,
            .finding = fmt::format("{} of dead runs, {}, {}", counted(staging, "staging database"),
                                   counted(kept, "kept old database"), format_bytes(bytes)),
            .remedy = kept > 0 ? "dbbackup cleanup --kept --confirm drops them."
                               : "dbbackup cleanup --confirm drops them."};
  }

  Context& context_;
  std::vector<Diagnosis> diagnoses_;
  bool has_repository_ = false;
  bool met_pooler_ = false;
  std::optional<postgres::Connection> connection_;
  postgres::ServerFacts facts_;
  std::vector<postgres::DatabaseProperties> databases_;
};

class DoctorCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"doctor"},
        .operation = "Doctor",
        .summary = "say whether this host could back up and restore now",
        .description =
            "Looks at everything a backup and a restore depend on and prints one line for each. Every line "
            "is "
            "tried, also when others fail; the exit code is that of the worst. Nothing is changed.",
        .examples = {{"The local server", "dbbackup doctor"},
                     {"Another server and repository", "dbbackup doctor -h db1 -U backup -r /srv/backups"}}};
  }
  OptionList options() override { return {}; }
  Outcome run(Context& context) override {
    const std::vector<Diagnosis> diagnoses = Examination(context).run();
    const ExitCode exit_code = exit_code_of(diagnoses);
    std::string text = render_diagnoses(diagnoses, context.world().out_width, context.style());
    text += exit_code == ExitCode::kDone ? "\nThis host could back up and restore now.\n"
                                         : "\nNot everything is in place: see the failed lines.\n";
    return {.text = std::move(text), .json = doctor_document(diagnoses), .exit_code = exit_code};
  }
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace dbb::cli
