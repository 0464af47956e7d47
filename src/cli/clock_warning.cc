#include "cli/clock_warning.h"

#include <fmt/format.h>

#include "cli/context.h"
#include "repository/clock_ahead.h"

namespace dbb::cli {

void warn_of_clock_ahead(Context& context, const std::vector<BackupId>& ids) {
  const UtcTime now = context.world().clock.now();
  for (const BackupId& id : repository::backups_ahead(ids, now)) {
    context.events().emit(
        Notice{.severity = Severity::kWarning,
               .kind = "clock-ahead",
               .text = fmt::format("Backup {} was made while a clock was ahead: here it is {} now. It is not "
                                   "taken for the newest, and --keep-last neither counts nor forgets it. "
                                   "When it is not needed: dbbackup forget {}",
                                   id.text(), now.iso(), id.text()),
               .fields = {{"backup", id.text()}}});
  }
}

void warn_of_clock_ahead(Context& context) {
  std::vector<BackupId> ids;
  for (const auto& manifest : context.repository().list_backups().backups) ids.push_back(manifest.id);
  warn_of_clock_ahead(context, ids);
}

}  // namespace dbb::cli
