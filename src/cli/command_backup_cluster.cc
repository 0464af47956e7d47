#include "cli/backup_run.h"
#include "cli/commands.h"

namespace dbb::cli {
namespace {

class BackupClusterCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"backup", "cluster"},
        .operation = "Backup",
        .summary = "back up every database, roles and settings",
        .description =
            "Backs up all databases of a server: rows, schema, large objects, sequences, properties of each "
            "database, and the roles, memberships and tablespaces of the cluster. Later backups store only "
            "what "
            "changed.\n\n"
            "Each database is consistent in itself; PostgreSQL has no snapshot across databases. What cannot "
            "be "
            "read is listed, and the command ends with exit code 4.",
        .examples = {{"The local server", "dbbackup backup cluster"},
                     {"Another host, as a role of your own", "dbbackup backup cluster -h db1 -U backup"},
                     {"Without databases that nobody would miss",
                      "dbbackup backup cluster --exclude-database 'test*' --exclude-database scratch"},
                     {"A standby, without being cancelled by what it replays",
                      "dbbackup backup cluster -h standby1 --pause-replay"},
                     {"From a script", "dbbackup backup cluster --json > result.json"}}};
  }
  OptionList options() override {
    OptionList list{.options = options_.specs()};
    list.options.push_back(
        {.names = "--exclude-database",
         .value = "PATTERN",
         .description = "leave out databases that match, as in pg_dumpall; may be repeated",
         .target = &options_.exclude_databases});
    return list;
  }
  Outcome run(Context& context) override { return run_backup(context, options_, std::nullopt); }

 private:
  BackupRunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_backup_cluster_command() { return std::make_unique<BackupClusterCommand>(); }

}  // namespace dbb::cli
