#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/units.h"
#include "cli/backup_choice.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/restore_run.h"
#include "cli/table.h"
#include "logical/restore_table.h"
#include "repository/session.h"

namespace dbb::cli {
namespace {

std::string shown(const logical::QualifiedName& name) {
  return printable_line(fmt::format("{}.{}", name.first, name.second));
}

std::string bullets(const std::string& heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = heading + "\n";
  for (const std::string& line : lines) out += "  " + printable_line(line) + "\n";
  return out;
}

std::string text_of(const logical::TablePlan& plan) {
  const logical::RestoreTableOptions& options = plan.options;
  std::string out = fmt::format("{} of {} in backup {}: {} rows, {} as text.\n", shown(options.table),
                                printable_line(options.database), options.backup.text(),
                                format_count(plan.rows), format_bytes(plan.row_bytes));
  out += fmt::format("Becomes {} in database {}.\n", shown(options.as), printable_line(options.into));
  if (!plan.kept_name.empty()) {
    out += fmt::format("The table of that name is kept as {}, with its indexes.\n",
                       printable_line(plan.kept_name));
    out += bullets("Goes on referring to the old one:", plan.still_refer);
  }
  out += bullets("Comes with it:", plan.entries);
  out += bullets("Does not come with it:", plan.left_behind);
  out += bullets(
      "Published when it is there, but without the rows restored (give them to subscribers yourself):",
      plan.publications);
  return out;
}

std::string text_of(const logical::TablePlan& plan, const logical::TableResult& result) {
  const auto took = std::chrono::nanoseconds(static_cast<int64_t>(result.seconds * 1e9));
  std::string out = fmt::format("Restored {} in database {}: {} rows, {}, in {}.\n", shown(plan.options.as),
                                printable_line(plan.options.into), format_count(result.rows),
                                result.proven ? "proven" : "not proven", format_duration(took));
  if (!result.kept_as.empty()) {
    out += fmt::format("The old one is {}. When it is not needed any more, drop it.\n",
                       shown({plan.options.as.first, result.kept_as}));
    out += bullets("Goes on referring to it:", plan.still_refer);
  }
  out += bullets("Not restored:", result.warnings);
  return out;
}

class RestoreTableCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"restore", "table"},
        .operation = "Restore",
        .summary = "restore one table into a database that is in use",
        .description =
            "Brings back one table out of any backup of its database, with rows, indexes, constraints, "
            "triggers, "
            "owned sequences, comments, owner and privileges; a partitioned table with its partitions, and "
            "one that "
            "others inherit from with these. It is built in a schema of its own, its rows "
            "are read "
            "again and compared with the backup, and then it is moved to its place in one transaction. A "
            "table that "
            "is there is never overwritten: give another name with --as, or let the old one be renamed and "
            "kept "
            "with --replace.\n\n"
            "Foreign keys, triggers and grants that refer to what the database does not have are listed and "
            "left "
            "out. Foreign keys of other tables are not brought. A partition or a child that is named itself "
            "comes back as "
            "a table of its own; with --replace, a child takes the old one's place below its parents. Nobody "
            "gets privileges by the database's default privileges, and rows are not sent to subscribers.",
        .examples = {
            {"Print what would be done", "dbbackup restore table app public.orders --as orders_yesterday"},
            {"Carry it out", "dbbackup restore table app public.orders --as orders_yesterday --confirm"},
            {"In place of what is there, which is kept",
             "dbbackup restore table app public.orders --from 20261120T20 --replace --confirm"},
            {"Into another database", "dbbackup restore table app public.orders --into test --confirm"}}};
  }

  OptionList options() override {
    OptionList list{
        .arguments = {{.name = "DATABASE", .description = "its name in the backup", .target = &database_},
                      {.name = "TABLE",
                       .description = "schema.table, as the server spells them; the schema may be left "
                                      "out where it is clear",
                       .target = &table_}}};
    list.options = {
        {.names = "--confirm",
         .value = "",
         .description = "carry it out; without it, it is only said what would be done",
         .target = &confirm_},
        {.names = "--from",
         .value = "BACKUP",
         .description =
             "id, unique beginning of one, \"latest\", or a time (the newest with all of DATABASE)",
         .target = &from_},
        {.names = "--as",
         .value = "NAME",
         .description = "the name it gets: NAME or SCHEMA.NAME (the one it had)",
         .target = &as_},
        {.names = "--into",
         .value = "DATABASE",
         .description = "the database it is restored into (DATABASE)",
         .target = &into_},
        {.names = "--replace",
         .value = "",
         .description = "where a table of that name exists: rename it to NAME_before_TIME and keep it",
         .target = &replace_},
        {.names = "--no-proof",
         .value = "",
         .description = "do not read the rows again and compare",
         .target = &no_proof_},
        {.names = "-j,--jobs", .value = "N", .description = "workers (one per processor)", .target = &jobs_},
        {.names = "--lock-timeout",
         .value = "SECONDS",
         .description = "how long a statement waits for somebody else's lock before the restore fails (60)",
         .target = &lock_timeout_},
        {.names = "--debug-locks",
         .value = "",
         .description = "write twice a second who waits for whom, and what every session of the restore does",
         .target = &debug_locks_},
    };
    for (OptionSpec& spec : rules_.rule_specs()) {
      // What the others choose does not hang on a table.
      static const std::vector<std::string> kKept = {
          "--no-owner",    "--no-privileges",      "--role",          "--map-role",
          "--no-comments", "--no-security-labels", "--no-tablespaces"};
      if (std::ranges::find(kKept, spec.long_name()) != kKept.end()) list.options.push_back(std::move(spec));
    }
    return list;
  }

  Outcome run(Context& context) override {
    const Configuration& configured = context.configuration();
    logical::RestoreTableOptions options{.database = *database_,
                                         .table = logical::parse_table_name(*table_),
                                         .into = into_.value_or(*database_),
                                         .replace = replace_,
                                         .proof = !no_proof_,
                                         .rules = rules_.rules()};
    if (as_) options.as = logical::parse_table_name(*as_);
    options.jobs = first_of(jobs_, configured.jobs, options.jobs);
    options.lock_timeout = first_of(lock_timeout_, configured.lock_timeout, options.lock_timeout);
    options.debug_locks = debug_locks_;
    repository::Repository& repository = context.repository();
    options.backup = choose_database_backup(repository, from_, *database_, newest_for(context));

    const logical::Operation operation = rules_.as_role(context.operation());
    const auto presence =
        repository.announce({.operation = "restore", .host = context.host(), .backup = options.backup.text()},
                            context.world().clock);
    const logical::TablePlan plan = logical::plan_restore_table(repository, options, operation);
    if (!confirm_) {
      return {.text = text_of(plan) +
                      "\nNothing was changed. To carry this out, run the same command with --confirm.\n",
              .json = table_plan_document(plan)};
    }
    const logical::TableResult result = logical::execute_restore_table(repository, plan, operation);
    return {.text = text_of(plan, result), .json = table_document(plan, result)};
  }

 private:
  std::optional<std::string> database_;
  std::optional<std::string> table_;
  std::optional<std::string> from_;
  std::optional<std::string> as_;
  std::optional<std::string> into_;
  std::optional<int> jobs_;
  std::optional<std::chrono::seconds> lock_timeout_;
  bool debug_locks_ = false;
  bool confirm_ = false;
  bool replace_ = false;
  bool no_proof_ = false;
  RestoreRunOptions rules_;
};

}  // namespace

std::unique_ptr<Command> make_restore_table_command() { return std::make_unique<RestoreTableCommand>(); }

}  // namespace dbb::cli
