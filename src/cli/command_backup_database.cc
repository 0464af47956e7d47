#include "cli/backup_run.h"
#include "cli/commands.h"
#include "cli/selection_text.h"

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
            "can be restored on its own.\n\n"
            "A part of it is chosen with pg_dump's options and patterns. Such a backup says what it was "
            "asked "
            "to leave out, is never taken for the newest of the whole database, and does not replace one "
            "unless told to. The definitions are always in it; there is no --data-only.",
        .examples = {{"The database app", "dbbackup backup database app"},
                     {"A name with spaces", "dbbackup backup database 'Sales 2026'"},
                     {"Without the rows of log tables",
                      "dbbackup backup database app --exclude-table-data 'audit.log_*'"},
                     {"Two tables", "dbbackup backup database app --table app.orders --table 'app.\"Odd\"'"},
                     {"By URI", "dbbackup backup database app -d postgresql://backup@db1:5433/postgres"}}};
  }
  OptionList options() override {
    return {.arguments = {{.name = "NAME",
                           .description = "the database, as the server spells it",
                           .target = &name_}},
            .options = all_options()};
  }
  Outcome run(Context& context) override { return run_backup(context, options_, name_); }

 private:
  std::vector<OptionSpec> all_options() {
    std::vector<OptionSpec> specs = options_.specs();
    for (OptionSpec& spec : selection_options(options_.selection)) specs.push_back(std::move(spec));
    return specs;
  }

  std::optional<std::string> name_;
  BackupRunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_backup_database_command() { return std::make_unique<BackupDatabaseCommand>(); }

}  // namespace dbb::cli
