#include <fmt/format.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/key_text.h"
#include "cli/secrets.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

// The options of the commands that make a key.
struct NewKeyOptions {
  NewKeyFiles files;
  std::optional<std::string> label;

  std::vector<OptionSpec> specs() {
    return {{.names = "--new-passphrase-file",
             .value = "FILE",
             .description = "its first line is the new passphrase",
             .target = &files.passphrase_file},
            {.names = "--new-key-file",
             .value = "FILE",
             .description = "the new key file; made when it does not exist",
             .target = &files.key_file},
            {.names = "--label",
             .value = "TEXT",
             .description = "what key list shows beside it, readable for everybody",
             .target = &label}};
  }
  void check() const {
    if (!files.passphrase_file || !files.key_file) return;
    throw Error(ErrorCode::kUsage, {.message = "A key is a passphrase or a key file, not both.",
                                    .solution = {"Run the command twice for two keys."}});
  }
};

// Makes the key, gives it to `store`, and removes a key file that was made for nothing.
template <typename Store>
std::string make_key(const NewKeyOptions& options, Context& context,
                     std::optional<std::filesystem::path>& made, const Store& store) {
  repository::NewKey key{.source = new_key(options.files, context.may_ask(), made, context.world().stop),
                         .label = options.label.value_or("")};
  try {
    return store(key);
  } catch (...) {
    if (made) system::remove_file(*made);
    throw;
  }
}

class KeyListCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"key", "list"},
        .operation = "Key List",
        .summary = "list the keys of an encrypted repository",
        .description =
            "Lists the passphrases and key files that open the repository: since when, with which label. No "
            "key is needed for that, and none is asked for; but only with one (--passphrase-file, "
            "--key-file, ...) can be said which of them were made by somebody who had a key.",
        .examples = {{"Which keys there are", "dbbackup key list"},
                     {"And whether they are genuine", "dbbackup key list --key-file ~/backup.key"}},
        .connects = false};
  }
  OptionList options() override { return {}; }
  Outcome run(Context& context) override {
    KeyListing listing{.repository = context.place().path.string(),
                       .encryption = repository::Repository::look(context.store())};
    if (listing.encryption == repository::EncryptionKind::kSlots && context.keys().empty()) {
      listing.keys = repository::list_keys(context.store());
    } else {
      repository::Repository& repository = context.repository();
      listing.keys = repository.key_manager().list();
      listing.epoch = repository.newest_epoch();
    }
    return {.text = render_keys(listing, context.style()), .json = key_list_document(listing)};
  }
};

class KeyAddCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"key", "add"},
        .operation = "Key Add",
        .summary = "add a key to an encrypted repository",
        .description =
            "Adds a passphrase or a key file, with which the repository can be opened from now on, beside "
            "those there are. It is opened with one of these. No stored data is written again. The new "
            "passphrase is asked for, twice, unless a file is named.",
        .examples = {{"A second passphrase, asked for", "dbbackup key add --label 'safe in the office'"},
                     {"A key file for a host, which is made",
                      "dbbackup key add --new-key-file /etc/dbbackup/key --label db1"}},
        .connects = false};
  }
  OptionList options() override { return {.options = new_.specs()}; }
  Outcome run(Context& context) override {
    new_.check();
    repository::KeyManager keys = context.repository().key_manager();
    std::optional<std::filesystem::path> made;
    const std::string id = make_key(new_, context, made, [&](const repository::NewKey& key) {
      return keys.add(key, context.world().clock);
    });
    std::string text = fmt::format("{} added the key {}\n", context.style().paint(Tone::kGood, "[OK]"), id);
    if (made) text += key_file_was_made(*made);
    return {.text = std::move(text), .json = key_added_document(id, "", made)};
  }

 private:
  NewKeyOptions new_;
};

class KeyChangeCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"key", "change"},
        .operation = "Key Change",
        .summary = "replace the key with which the repository was opened",
        .description =
            "Adds a new passphrase or key file, then removes the key that this command was given to open the "
            "repository with. If it is interrupted, both work. No stored data is written again: who has a "
            "copy of "
            "the old key slot and the old secret can still read what is stored, and what will be.",
        .examples = {{"Another passphrase, asked for", "dbbackup key change"},
                     {"From files", "dbbackup key change --passphrase-file old --new-passphrase-file new"}},
        .connects = false};
  }
  OptionList options() override { return {.options = new_.specs()}; }
  Outcome run(Context& context) override {
    new_.check();
    repository::KeyManager keys = context.repository().key_manager();
    std::string removed;
    for (const repository::ListedKey& key : keys.list()) {
      if (key.in_use) removed = key.id;
    }
    std::optional<std::filesystem::path> made;
    const std::string id = make_key(new_, context, made, [&](const repository::NewKey& key) {
      return keys.change(key, context.world().clock);
    });
    std::string text = fmt::format("{} added the key {} and removed the key {}\n",
                                   context.style().paint(Tone::kGood, "[OK]"), id, removed);
    if (made) text += key_file_was_made(*made);
    return {.text = std::move(text), .json = key_added_document(id, removed, made)};
  }

 private:
  NewKeyOptions new_;
};

class KeyRemoveCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"key", "remove"},
            .operation = "Key Removal",
            .summary = "remove a key from an encrypted repository",
            .description =
                "Removes a key: its passphrase or key file opens the repository no more. The last one stays. "
                "Without "
                "--confirm it is only named. No stored data is written again: who has a copy of the key slot "
                "and knows "
                "its secret, or had the repository open once, can still read what is stored, and what will "
                "be. Against "
                "that, only a new repository helps.",
            .examples = {{"See the ids", "dbbackup key list"},
                         {"Remove one, by the beginning of its id", "dbbackup key remove 3f9a --confirm"}},
            .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "KEY", .description = "id of a key, or its beginning", .target = &key_}},
            .options = {{.names = "--confirm",
                         .value = "",
                         .description = "remove it; without it, it is only named",
                         .target = &confirm_}}};
  }
  Outcome run(Context& context) override {
    repository::KeyManager keys = context.repository().key_manager();
    const repository::ListedKey key = keys.find(*key_);
    keys.refuse_last(key);
    if (confirm_) keys.remove(key);
    std::string text =
        fmt::format("{} the key {}{}{}\n",
                    confirm_ ? context.style().paint(Tone::kGood, "[OK]") + " removed" : "Would remove",
                    key.id, key.label.empty() ? "" : fmt::format(" ({})", printable_line(key.label)),
                    key.in_use ? ", the one that was given to open the repository" : "");
    if (!confirm_) text += "Nothing was changed. To remove it, run the same command with --confirm.\n";
    return {.text = std::move(text), .json = key_removed_document(key, confirm_)};
  }

 private:
  std::optional<std::string> key_;
  bool confirm_ = false;
};

class KeyRotateCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"key", "rotate"},
        .operation = "Key Rotation",
        .summary = "seal what is stored from now on with another data key",
        .description =
            "Begins a new epoch: backups that begin from now on seal their rows with a new data key. What is "
            "stored already stays readable with the old ones and is not written again; backups that are "
            "running "
            "end with the one they began with. All keys of the repository open all epochs.",
        .examples = {{"Once a year, from cron", "dbbackup key rotate --key-file /etc/dbbackup/key"}},
        .connects = false};
  }
  OptionList options() override { return {}; }
  Outcome run(Context& context) override {
    const uint32_t epoch = context.repository().key_manager().rotate(context.world().clock);
    return {.text = fmt::format("{} began epoch {}\n", context.style().paint(Tone::kGood, "[OK]"), epoch),
            .json = key_rotated_document(epoch)};
  }
};

}  // namespace

std::unique_ptr<Command> make_key_list_command() { return std::make_unique<KeyListCommand>(); }
std::unique_ptr<Command> make_key_add_command() { return std::make_unique<KeyAddCommand>(); }
std::unique_ptr<Command> make_key_change_command() { return std::make_unique<KeyChangeCommand>(); }
std::unique_ptr<Command> make_key_remove_command() { return std::make_unique<KeyRemoveCommand>(); }
std::unique_ptr<Command> make_key_rotate_command() { return std::make_unique<KeyRotateCommand>(); }

}  // namespace dbb::cli
