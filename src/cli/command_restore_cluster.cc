#include "cli/backup_choice.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/restore_run.h"

namespace dbb::cli {
namespace {

class RestoreClusterCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"restore", "cluster"},
        .operation = "Restore",
        .summary = "restore every database of a backup",
        .description =
            "Checks everything that can be known before the first change and prints the plan. With --confirm "
            "it "
            "is carried out: missing roles and tablespaces are created, each database is built beside the "
            "old "
            "one, its rows are read again and compared with the backup, and then the two are swapped in one "
            "step. A restore that fails or is stopped leaves the old databases as they were.\n\n"
            "Roles that exist keep their passwords and rights, unless --globals align is given. Databases "
            "that "
            "are not in the backup are not touched.",
        .examples = {
            {"Print the plan", "dbbackup restore cluster latest"},
            {"Carry it out", "dbbackup restore cluster latest --confirm"},
            {"With the passwords and rights of the backup",
             "dbbackup restore cluster latest --globals align --confirm"},
            {"Fifty databases overnight: what fails is tried again, then left out and reported",
             "dbbackup restore cluster latest --on-error retry:2 --confirm"},
            {"Go on after a stop, a crash or a kill",
             "dbbackup restore cluster --resume-from-manifest restore-manifest-20261120.json --confirm"},
            {"Into another server, keeping what is there",
             "dbbackup restore cluster 20261120T20 -h db2 --old keep --confirm"}}};
  }
  OptionList options() override {
    return {.arguments =
                {{.name = "BACKUP",
                  .description =
                      "id, unique beginning of one, \"latest\" (newest of this server's cluster), or a time",
                  .target = &backup_,
                  .unless = &options_.resume_from_manifest}},
            .options = options_.specs()};
  }
  Outcome run(Context& context) override {
    if (options_.resume_from_manifest) {
      return resume_restore(context, options_, true,
                            backup_ ? std::vector<std::string>{"BACKUP"} : std::vector<std::string>{});
    }
    const BackupId backup = choose_cluster_backup(context.repository(), *backup_, newest_for(context));
    return run_restore(context, options_, {.backup = backup});
  }

 private:
  std::optional<std::string> backup_;
  RestoreRunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_restore_cluster_command() { return std::make_unique<RestoreClusterCommand>(); }

}  // namespace dbb::cli
