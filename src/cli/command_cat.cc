#include <fmt/format.h>

#include <charconv>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"

namespace dbb::cli {
namespace {

// The parts of the item that are wanted: all, or the one that was named.
std::vector<repository::StreamRef> choose_parts(const repository::Item& item,
                                                const std::optional<std::string>& typed) {
  if (!typed) return item.parts;
  size_t part = 0;
  const char* const end = typed->data() + typed->size();
  const auto [rest, problem] = std::from_chars(typed->data(), end, part);
  if (problem == std::errc() && rest == end && part < item.parts.size()) return {item.parts[part]};
  throw Error(
      ErrorCode::kUsage,
      {.message = fmt::format("\"{}\" has no part \"{}\".", printable_line(item.key), printable_line(*typed)),
       .cause = fmt::format("It has {}, and the first is 0.", counted(item.parts.size(), "part")),
       .solution = {"Name one of these, or leave out --part."}});
}

class CatCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"cat"},
            .operation = "Cat",
            .summary = "write one item of a backup to standard output",
            .description =
                "Writes the bytes of one item as they were saved: the rows of a table as COPY text in the "
                "encoding "
                "of its database, a schema as an archive for pg_restore, the globals as SQL. No server is "
                "needed. "
                "Every byte is checked before it is written.\n\n"
                "show BACKUP --items lists the items and their keys.",
            .examples = {{"The rows of one table", "dbbackup cat latest database/app/table/public/orders"},
                         {"Roles and tablespaces as SQL", "dbbackup cat latest globals"},
                         {"The schema of a database as SQL",
                          "dbbackup cat latest database/app/schema | pg_restore -f -"}},
            .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "BACKUP",
                           .description = "id, unique beginning of one, \"latest\", or a time",
                           .target = &backup_},
                          {.name = "KEY",
                           .description = "of the item, as show --items prints it",
                           .target = &key_}},
            .options = {{.names = "--part",
                         .value = "NUMBER",
                         .description = "only this part of it; the first is 0 (all)",
                         .target = &part_}}};
  }

  Outcome run(Context& context) override {
    repository::Repository& repository = context.repository();
    const BackupId id = repository.resolve(*backup_, context.world().clock.now());
    const std::unique_ptr<repository::BackupReader> reader = repository.open_backup(id);
    std::optional<repository::Item> found;
    reader->for_each_item([&](const repository::Item& item) {
      if (item.key == *key_) found = item;
    });
    if (!found) {
      throw Error(
          ErrorCode::kUsage,
          {.message = fmt::format("Backup {} has no item \"{}\".", id.text(), printable_line(*key_)),
           .solution = {fmt::format("See the items and their keys: dbbackup show {} --items", id.text())}});
    }
    const World& world = context.world();
    for (const repository::StreamRef& part : choose_parts(*found, part_)) {
      const std::unique_ptr<repository::StreamReader> stream = reader->open_stream(part);
      // A reader that has seen enough, such as `head`, is not kept waiting for the rest.
      for (ByteView piece; !world.out_failed() && stream->next(piece);) world.out(as_text(piece));
    }
    return {};
  }

 private:
  std::optional<std::string> backup_;
  std::optional<std::string> key_;
  std::optional<std::string> part_;
};

}  // namespace

std::unique_ptr<Command> make_cat_command() { return std::make_unique<CatCommand>(); }

}  // namespace dbb::cli
