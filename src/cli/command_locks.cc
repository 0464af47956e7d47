#include <limits>

#include "base/error.h"
#include "cli/backup_choice.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/lock_text.h"
#include "cli/restore_effort.h"
#include "system/machine.h"

namespace dbb::cli {
namespace {

constexpr int kAny = std::numeric_limits<int>::max();

class LocksCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"locks"},
        .operation = "Locks",
        .summary = "say whether the server's lock table is large enough for a restore",
        .description =
            "Computes what \"restore\" computes before it begins: which statements of the backup take most "
            "entries of the server's lock table, how many of them may run at once, and what the table holds: "
            "max_locks_per_transaction x (max_connections + max_prepared_transactions), and the shares of "
            "the "
            "server's own processes. Nothing is restored or changed.\n\n"
            "With --max-locks and its companions a server is described instead of asked, for which no "
            "connection is needed; what is not given is PostgreSQL's default. With --locks-per-worker no "
            "backup is needed either.",
        .examples = {
            {"The newest backup, on this server", "dbbackup locks latest"},
            {"Eight databases at once, four workers each", "dbbackup locks latest --parallel-dbs 8 -j 4"},
            {"On a server that is still to be set up",
             "dbbackup locks latest --max-locks 128 --max-connections 200"},
            {"Plain arithmetic",
             "dbbackup locks -j 4 --parallel-dbs 2 --locks-per-worker 8000 --max-locks 4096"}}};
  }
  OptionList options() override {
    const std::string what_if = "A server that is described, not asked";
    OptionList list{
        .arguments = {{.name = "BACKUP",
                       .description = "id, unique beginning of one, \"latest\", or a time",
                       .target = &backup_,
                       .required = false}},
        .options = {{.names = "-j,--jobs",
                     .value = "N",
                     .description = "workers per database (as the profile says)",
                     .target = &jobs_},
                    {.names = "--parallel-dbs",
                     .value = "N",
                     .description = "databases restored at once (as the profile says)",
                     .target = &parallel_},
                    profile_option(profile_),
                    {.names = "--max-locks",
                     .value = "N",
                     .description = "max_locks_per_transaction (64)",
                     .target = &max_locks_,
                     .group = what_if,
                     .range = {1, kAny}},
                    {.names = "--max-connections",
                     .value = "N",
                     .description = "max_connections (100)",
                     .target = &max_connections_,
                     .group = what_if,
                     .range = {1, kAny}},
                    {.names = "--max-prepared",
                     .value = "N",
                     .description = "max_prepared_transactions (0)",
                     .target = &max_prepared_,
                     .group = what_if,
                     .range = {0, kAny}},
                    {.names = "--locks-per-worker",
                     .value = "N",
                     .description = "what each worker needs, instead of what the backup's statements do",
                     .target = &per_worker_,
                     .group = what_if,
                     .range = {1, kAny}}}};
    return list;
  }
  Outcome run(Context& context) override {
    if (!backup_ && !per_worker_) {
      throw Error(ErrorCode::kUsage, {.message = "Locks of what?",
                                      .solution = {"Name a backup: dbbackup locks latest",
                                                   "Or say what a worker needs: --locks-per-worker N"}});
    }
    const logical::LockCalculation calculation = calculate(context);
    return {.text = render_locks(calculation, context.world().out_width, context.style()),
            .json = locks_document(calculation),
            .exit_code = calculation.budget.fits ? ExitCode::kDone : ExitCode::kRefused};
  }

 private:
  bool describes_server() const { return max_locks_ || max_connections_ || max_prepared_; }

  logical::LockCalculation calculate(Context& context) {
    const logical::Parallelism asked = what_is_asked(context);
    const postgres::ServerFacts described = logical::described_server(
        max_locks_.value_or(64), max_connections_.value_or(100), max_prepared_.value_or(0));
    if (per_worker_) return logical::calculate_locks(*per_worker_, asked, server_of(context, described));
    repository::Repository& repository = context.repository();
    if (describes_server())
      return logical::calculate_locks(repository, repository.resolve(*backup_), asked, described);
    const BackupId id = *backup_ == "latest"
                            ? choose_cluster_backup(repository, *backup_, newest_for(context))
                            : repository.resolve(*backup_);
    return logical::calculate_locks(repository, id, asked, context.operation());
  }

  // Plain arithmetic is done for a described server, unless one was named to connect to.
  postgres::ServerFacts server_of(Context& context, const postgres::ServerFacts& described) const {
    const GlobalOptions& options = context.options();
    if (describes_server() || !(options.host || options.port || options.database)) return described;
    const logical::Operation& operation = context.operation();
    postgres::Connection session = operation.connect(logical::maintenance_database(operation), "locks");
    return postgres::read_server_facts(session);
  }

  logical::Parallelism what_is_asked(Context& context) const {
    const Configuration& configured = context.configuration();
    const logical::RestoreOptions chosen = with_profile({}, profile_, jobs_, parallel_, configured);
    logical::Parallelism asked =
        logical::numbers_of(chosen.profile, {.processors = system::processor_count()}).work;
    if (chosen.jobs > 0) asked.workers = chosen.jobs;
    if (chosen.parallel_databases > 0) asked.parallel = chosen.parallel_databases;
    return asked;
  }

  std::optional<std::string> backup_;
  std::optional<int> jobs_;
  std::optional<int> parallel_;
  std::optional<std::string> profile_;
  std::optional<int> max_locks_;
  std::optional<int> max_connections_;
  std::optional<int> max_prepared_;
  std::optional<int> per_worker_;
};

}  // namespace

std::unique_ptr<Command> make_locks_command() { return std::make_unique<LocksCommand>(); }

}  // namespace dbb::cli
