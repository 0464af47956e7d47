#include "cli/backup_run.h"
#include "cli/commands.h"

namespace dbb::cli {
namespace {

class BackupDatabaseCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"backup", "database"},
        .operation = "Backup",
        .summary = "back up one database",
        .description =
            "Backs up one database with its properties, and the roles its objects and rights refer to. It "
            "can be "
            "restored on its own.",
        .examples = {{"The database app", "dbbackup backup database app"},
                     {"A name with spaces", "dbbackup backup database 'Sales 2026'"},
                     {"By URI", "dbbackup backup database app -d postgresql://backup@db1:5433/postgres"}}};
  }
  OptionList options() override {
    return {.arguments = {{.name = "NAME",
                           .description = "the database, as the server spells it",
                           .target = &name_}},
            .options = options_.specs()};
  }
  Outcome run(Context& context) override { return run_backup(context, options_, name_); }

 private:
  std::optional<std::string> name_;
  BackupRunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_backup_database_command() { return std::make_unique<BackupDatabaseCommand>(); }

}  // namespace dbb::cli
