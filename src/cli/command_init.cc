#include <fmt/format.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/key_text.h"
#include "cli/secrets.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

using repository::KeyKind;
using repository::KeySource;

constexpr std::string_view kLiesOpen =
    "\nIt is not encrypted. Who can read its files can read every row, the password hashes of all roles, and "
    "connection\nstrings of subscriptions and user mappings. Its directories are 0700 and its files 0600; "
    "keep "
    "copies as closed.\n";

class InitCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"init"},
        .operation = "Initialization",
        .summary = "make a repository, the place backups live",
        .description =
            "Makes an empty repository. The directory and its files belong to the user who runs this and are "
            "readable by no one else.\n\n"
            "With --encryption passphrase or keyfile, everything that is stored is encrypted, and can be "
            "read "
            "only with a key. The passphrase comes from --passphrase-file, DBBACKUP_PASSPHRASE_FILE, "
            "DBBACKUP_PASSPHRASE, the configuration file, or is asked for; the key file is the one of "
            "--key-file, and is made when it does not exist. WHO LOSES ALL KEYS OF A REPOSITORY LOSES ALL "
            "BACKUPS IN IT.\n\n"
            "Without --encryption, keys that were given are used; where none was, a terminal is asked, and "
            "otherwise the repository is not encrypted: rows, and password hashes of roles, then lie "
            "readable "
            "for whoever can read the directory. It cannot be encrypted later; make another one then.\n\n"
            "What this host remembers of an earlier repository in the same place is forgotten.",
        .examples = {{"In the default place, below the user's data directory", "dbbackup init"},
                     {"On a backup disk, encrypted with a passphrase that is asked for",
                      "dbbackup init --repository /srv/backups --encryption passphrase"},
                     {"Encrypted with a key file, which is made", "dbbackup init --key-file ~/backup.key"}},
        .connects = false};
  }
  OptionList options() override {
    return {
        .options = {{.names = "--encryption",
                     .value = "KIND",
                     .description = "passphrase, keyfile or none",
                     .target = &encryption_,
                     .choices = {"passphrase", "keyfile", "none"}},
                    {.names = "--grace",
                     .value = "SECONDS",
                     .description = "after how long without a sign of life a process is taken for dead when "
                                    "pruning; it cannot be changed later (86400)",
                     .target = &grace_}}};
  }

  Outcome run(Context& context) override {
    refuse_grace();
    refuse_contradiction(context.options());
    refuse_key_inside(context);
    // Before a key is made, or a passphrase asked for, twice.
    if (context.store().size("config"))
      repository::Repository::init(context.store(), {}, context.world().clock);
    std::optional<std::filesystem::path> made;
    std::vector<KeySource> keys = keys_to_use(context, made);
    try {
      std::vector<repository::NewKey> slots;
      for (const KeySource& key : keys) {
        slots.push_back({.source = {.kind = key.kind, .secret = key.secret.clone()}});
      }
      repository::InitOptions options = {.keys = std::move(slots)};
      options.writing.grace = grace_.value_or(options.writing.grace);
      repository::Repository::init(context.store(), options, context.world().clock);
    } catch (...) {
      if (made) system::remove_file(*made);
      throw;
    }
    const bool encrypted = !keys.empty();
    const std::string kind(encrypted ? repository::name_of(keys.front().kind) : "none");
    context.use_keys(std::move(keys));
    context.forget_place();
    const std::string id = context.repository().id();
    return {.text = text_of(context, encrypted, made),
            .json = init_document(context.place().path, id, kind, made)};
  }

 private:
  void refuse_grace() const {
    if (!grace_ || *grace_ >= std::chrono::seconds(1)) return;
    throw Error(ErrorCode::kUsage, {.message = "--grace needs a number of seconds from 1 on.",
                                    .solution = {"Leave it out: a day is right for almost everybody."}});
  }

  void refuse_contradiction(const GlobalOptions& options) const {
    const bool contradicts = (encryption_ == "none" && (options.key_file || options.passphrase_file)) ||
                             (encryption_ == "passphrase" && options.key_file && !options.passphrase_file) ||
                             (encryption_ == "keyfile" && options.passphrase_file && !options.key_file);
    if (!contradicts) return;
    throw Error(
        ErrorCode::kUsage,
        {.message = fmt::format("--encryption {} contradicts the key that is named beside it.", *encryption_),
         .solution = {"Leave out --encryption, and the key that is named is used.",
                      "Or leave out the key."}});
  }

  static void refuse_key_inside(Context& context) {
    for (const auto& file : {context.options().key_file, context.options().passphrase_file}) {
      if (!file) continue;
      const auto relative =
          std::filesystem::absolute(*file).lexically_normal().lexically_relative(context.place().path);
      if (relative.empty() || *relative.begin() == "..") continue;
      throw Error(ErrorCode::kUsage,
                  {.message = fmt::format("The key {} would lie inside the repository.", *file),
                   .cause = "Who gets the repository would get its key with it.",
                   .solution = {"Keep keys elsewhere, and copies of them elsewhere again."}});
    }
  }

  // Those that were given, or made, or asked for; none: no encryption.
  std::vector<KeySource> keys_to_use(Context& context, std::optional<std::filesystem::path>& made) const {
    if (encryption_ == "none") return {};
    const auto& key_file = context.options().key_file;
    if (key_file && encryption_ != "passphrase" && make_key_file(*key_file)) made = *key_file;
    std::vector<KeySource> keys;
    for (const KeySource& key : context.keys()) {
      if (encryption_ && *encryption_ != repository::name_of(key.kind)) continue;
      keys.push_back({.kind = key.kind, .secret = key.secret.clone()});
    }
    if (!keys.empty()) return keys;
    if (encryption_ == "keyfile") {
      throw Error(ErrorCode::kKeyNeeded,
                  {.message = "No key file was named.",
                   .solution = {"Name one, which is made when it does not exist: --key-file FILE"}});
    }
    if (encryption_ == "passphrase") {
      std::optional<std::filesystem::path> none;
      keys.push_back(new_key({}, context.may_ask(), none, context.world().stop));
      return keys;
    }
    if (!context.may_ask()) return {};
    auto asked = ask_passphrase("Passphrase to encrypt all backups with (Enter alone: not encrypted): ",
                                context.world().stop);
    if (!asked || asked->secret.empty()) return {};
    keys.push_back(repeat_new_passphrase(std::move(*asked), context.world().stop));
    return keys;
  }

  static std::string text_of(Context& context, bool encrypted,
                             const std::optional<std::filesystem::path>& made) {
    const auto& place = context.place();
    std::string text = fmt::format("{} made a repository in {}\n", context.style().paint(Tone::kGood, "[OK]"),
                                   printable_line(place.path.string()));
    if (made) text += key_file_was_made(*made);
    text += encrypted ? std::string(kLoseAllKeys) : std::string(kLiesOpen);
    if (place.origin == "--repository") {
      text += fmt::format("\nTo leave out --repository from now on: export DBBACKUP_REPOSITORY={}\n",
                          printable_line(place.path.string()));
    }
    return text;
  }

  std::optional<std::string> encryption_;
  std::optional<std::chrono::seconds> grace_;
};

}  // namespace

std::unique_ptr<Command> make_init_command() { return std::make_unique<InitCommand>(); }

}  // namespace dbb::cli
