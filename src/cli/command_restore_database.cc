#include "base/error.h"
#include "cli/backup_choice.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/restore_run.h"

namespace dbb::cli {
namespace {

class RestoreDatabaseCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"restore", "database"},
            .operation = "Restore",
            .summary = "restore one database, in its place or under another name",
            .description =
                "Restores one database out of a backup of it or of its cluster, in the way \"restore "
                "cluster\" does. "
                "Without --from, the newest backup that contains it is taken. With --as it gets another "
                "name, and "
                "the database it came from is not touched.",
            .examples = {
                {"Print the plan", "dbbackup restore database app"},
                {"Swap it in", "dbbackup restore database app --confirm"},
                {"Look at yesterday's rows beside today's",
                 "dbbackup restore database app --from 2026-11-19T23:00:00Z --as app_yesterday --confirm"}}};
  }
  OptionList options() override {
    OptionList list{
        .arguments = {{.name = "NAME", .description = "the database's name in the backup", .target = &name_}},
        .options = options_.specs()};
    list.options.push_back(
        {.names = "--from",
         .value = "BACKUP",
         .description = "id, unique beginning of one, \"latest\", or a time (the newest with NAME)",
         .target = &from_});
    list.options.push_back(
        {.names = "--as", .value = "OTHER", .description = "the name it gets", .target = &as_});
    list.options.push_back({.names = "--replace",
                            .value = "",
                            .description = "with --as: swap it in where a database of that name exists",
                            .target = &replace_});
    return list;
  }
  Outcome run(Context& context) override {
    if (replace_ && !as_) {
      throw Error(ErrorCode::kUsage,
                  {.message = "--replace has a meaning only together with --as.",
                   .solution = {"Leave it out: without --as the database is swapped in its place.",
                                "See: dbbackup restore database --help"}});
    }
    return run_restore(context, options_,
                       {.backup = choose_database_backup(context.repository(), from_, *name_),
                        .database = name_,
                        .as = as_,
                        .replace = replace_});
  }

 private:
  std::optional<std::string> name_;
  std::optional<std::string> from_;
  std::optional<std::string> as_;
  bool replace_ = false;
  RestoreRunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_restore_database_command() {
  return std::make_unique<RestoreDatabaseCommand>();
}

}  // namespace dbb::cli
