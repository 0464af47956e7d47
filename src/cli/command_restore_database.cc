#include "base/error.h"
#include "cli/backup_choice.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/restore_run.h"
#include "cli/selection_text.h"

namespace dbb::cli {
namespace {

class RestoreDatabaseCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"restore", "database"},
        .operation = "Restore",
        .summary = "restore one database, in its place or under another name",
        .description =
            "Restores one database out of a backup of it or of its cluster, in the way \"restore "
            "cluster\" does. "
            "Without --from, the newest backup that contains it is taken: of this server, where several "
            "back up into the repository. Where a backup of another server replaces a database, the old "
            "one is kept unless --old drop is given. With --as it gets another name, and the database it "
            "came from is not touched.\n\n"
            "A part of it is chosen with the options and patterns that \"backup database\" has; a table "
            "named without its schema is meant in every schema. It becomes a database of its own, beside "
            "what is there: it takes the place of a whole one only with --replace-with-part. Where it "
            "refers to what was not chosen, the foreign key, view or trigger is left out and named. One "
            "table into a living database: \"restore table\".",
        .examples = {
            {"Print the plan", "dbbackup restore database app"},
            {"Swap it in", "dbbackup restore database app --confirm"},
            {"Look at yesterday's rows beside today's",
             "dbbackup restore database app --from 2026-11-19T23:00:00Z --as app_yesterday --confirm"},
            {"Two tables of it, to look at",
             "dbbackup restore database app --table 'app.orders' --table 'app.item*' --as some --confirm"},
            {"An empty copy", "dbbackup restore database app --schema-only --as app_test --confirm"}}};
  }
  OptionList options() override {
    OptionList list{.arguments = {{.name = "NAME",
                                   .description = "the database's name in the backup",
                                   .target = &name_,
                                   .unless = &options_.resume_from_manifest}},
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
    for (OptionSpec& spec : selection_options(selection_)) list.options.push_back(std::move(spec));
    list.options.push_back({.names = "--data-only",
                            .value = "",
                            .description = "not possible here: says what to do instead",
                            .target = &data_only_,
                            .group = list.options.back().group});
    return list;
  }
  Outcome run(Context& context) override {
    if (replace_ && !as_) {
      throw Error(ErrorCode::kUsage,
                  {.message = "--replace has a meaning only together with --as.",
                   .solution = {"Leave it out: without --as the database is swapped in its place.",
                                "See: dbbackup restore database --help"}});
    }
    if (data_only_) throw no_data_only();
    if (options_.resume_from_manifest) return resume_restore(context, options_, false, content_given());
    return run_restore(
        context, options_,
        {.backup = choose_database_backup(context.repository(), from_, *name_, newest_for(context)),
         .database = name_,
         .as = as_,
         .replace = replace_,
         .selection = selection_});
  }

 private:
  std::vector<std::string> content_given() const {
    std::vector<std::string> given;
    if (name_) given.emplace_back("NAME");
    if (from_) given.emplace_back("--from");
    if (as_) given.emplace_back("--as");
    if (!selection_.is_everything()) given.push_back(selection_.text());
    return given;
  }

  static Error no_data_only() {
    return Error(
        ErrorCode::kUsage,
        {.message = "Rows alone cannot be restored into a database: there is no --data-only.",
         .cause =
             "A restore builds a new database beside what is there and proves it, and never mixes rows of a "
             "backup into tables that are in use.",
         .solution = {
             "One table, beside the one that is there: dbbackup restore table DATABASE SCHEMA.TABLE "
             "--as OTHER --confirm; then INSERT ... SELECT what you need.",
             "One table in its place, the old one kept: dbbackup restore table DATABASE SCHEMA.TABLE "
             "--replace --confirm",
             "Several tables in a database of their own: dbbackup restore database NAME --table PATTERN "
             "--as OTHER --confirm"}});
  }

  std::optional<std::string> name_;
  std::optional<std::string> from_;
  std::optional<std::string> as_;
  bool replace_ = false;
  bool data_only_ = false;
  logical::Selection selection_;
  RestoreRunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_restore_database_command() {
  return std::make_unique<RestoreDatabaseCommand>();
}

}  // namespace dbb::cli
