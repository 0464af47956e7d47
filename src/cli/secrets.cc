#include "cli/secrets.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/terminal.h"
#include "system/file.h"
#include "system/process.h"
#include "system/random.h"
#include "system/secret_file.h"

namespace dbb::cli {
namespace {

using codec::Secret;
using repository::KeyKind;
using repository::KeySource;

constexpr size_t kMostPassphraseBytes = 64 << 10;

Error refused(std::string message, std::string solution) {
  return Error(ErrorCode::kKeyRefused, {.message = std::move(message), .solution = {std::move(solution)}});
}

Error needed(std::string message, std::string cause, std::vector<std::string> solution) {
  return Error(ErrorCode::kKeyNeeded,
               {.message = std::move(message), .cause = std::move(cause), .solution = std::move(solution)});
}

Bytes read_secret(const std::filesystem::path& file, size_t limit) {
  system::forbid_core_dumps();
  std::optional<system::SecretFile> secret = system::read_secret_file(file, limit);
  if (!secret) {
    throw needed(fmt::format("The file {}, which should hold a key, does not exist.", file.string()), "",
                 {"Check the path: --passphrase-file, --key-file, DBBACKUP_PASSPHRASE_FILE, "
                  "DBBACKUP_KEY_FILE, and the configuration file."});
  }
  if (secret->open_to_others) {
    codec::wipe(secret->bytes);
    throw refused(fmt::format("Other users may read or write {}: it is not secret.", file.string()),
                  fmt::format("Close it: chmod 600 {}", file.string()));
  }
  return std::move(secret->bytes);
}

// A passphrase ends with the first line.
KeySource passphrase_of(Bytes&& bytes, const std::string& where) {
  size_t length = as_text(bytes).find('\n');
  if (length == std::string_view::npos) length = bytes.size();
  if (length > 0 && bytes[length - 1] == '\r') --length;
  codec::wipe(std::span(bytes).subspan(length));
  bytes.resize(length);
  if (bytes.empty())
    throw refused(fmt::format("The passphrase from {} is empty.", where), "Give another one.");
  return {.kind = KeyKind::kPassphrase, .secret = Secret(std::move(bytes))};
}

// As execvp looks for it; the name itself when there is none, for the message of whoever tries to run it.
std::string program_path(const std::string& name, const Environment& environment) {
  if (name.find('/') != std::string::npos) return name;
  const std::string path = environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return name;
}

}  // namespace

KeySource read_passphrase_file(const std::filesystem::path& file) {
  return passphrase_of(read_secret(file, kMostPassphraseBytes), file.string());
}

KeySource read_key_file(const std::filesystem::path& file) {
  Secret secret(read_secret(file, repository::kMostKeyFileBytes));
  if (secret.bytes().size() < repository::kLeastKeyFileBytes) {
    throw refused(fmt::format("The key file {} has {} bytes, less than {}.", file.string(),
                              secret.bytes().size(), repository::kLeastKeyFileBytes),
                  "Name a key file, or give the file as a passphrase: --passphrase-file");
  }
  return {.kind = KeyKind::kKeyFile, .secret = std::move(secret)};
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size();
    if (escapes) {
      word += text[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word) words.push_back(word);
  if (quote != 0 || words.empty()) {
    throw Error(ErrorCode::kConfigInvalid,
                {.message = quote != 0 ? "A quote in passphrase_command is not closed."
                                       : "passphrase_command names no program.",
                 .solution = {"Write a program and its arguments: passphrase_command: pass show backup"}});
  }
  return words;
}

KeySource run_passphrase_command(const std::string& command, const Environment& environment,
                                 std::stop_token stop) {
  system::forbid_core_dumps();
  system::Command program{.argv = split_words(command)};
  const std::string name = program.argv.front();
  program.argv.front() = program_path(name, environment);
  Bytes output;
  output.reserve(kMostPassphraseBytes);
  const system::StopEvent stopped(std::move(stop));
  const system::Outcome outcome =
      system::run(program,
                  {.on_output =
                       [&](ByteView piece) {
                         const size_t room = kMostPassphraseBytes - output.size();
                         output.insert(output.end(), piece.begin(),
                                       piece.begin() + static_cast<ptrdiff_t>(std::min(room, piece.size())));
                       }},
                  stopped);
  if (outcome.exit_code != 0) {
    codec::wipe(output);
    throw needed(fmt::format("passphrase_command failed: {} ended with {}.", name, outcome.exit_code),
                 outcome.standard_error, {"Run it by hand as this user: it should print the passphrase."});
  }
  return passphrase_of(std::move(output), "passphrase_command");
}

std::vector<KeySource> given_keys(const GlobalOptions& options, const Environment& environment,
                                  const Configuration& configuration, std::stop_token stop) {
  std::vector<KeySource> keys;
  if (options.passphrase_file) keys.push_back(read_passphrase_file(*options.passphrase_file));
  if (options.key_file) keys.push_back(read_key_file(*options.key_file));
  if (!keys.empty()) return keys;

  if (const auto file = environment.get("DBBACKUP_PASSPHRASE_FILE"))
    keys.push_back(read_passphrase_file(*file));
  if (const auto passphrase = environment.get("DBBACKUP_PASSPHRASE")) {
    system::forbid_core_dumps();
    keys.push_back({.kind = KeyKind::kPassphrase, .secret = Secret(std::string_view(*passphrase))});
  }
  if (const auto file = environment.get("DBBACKUP_KEY_FILE")) keys.push_back(read_key_file(*file));
  if (!keys.empty()) return keys;

  if (configuration.passphrase_file) keys.push_back(read_passphrase_file(*configuration.passphrase_file));
  if (configuration.passphrase_command)
    keys.push_back(run_passphrase_command(*configuration.passphrase_command, environment, std::move(stop)));
  if (configuration.key_file) keys.push_back(read_key_file(*configuration.key_file));
  return keys;
}

bool make_key_file(const std::filesystem::path& file) {
  system::forbid_core_dumps();
  Bytes random = system::random_bytes(32);
  std::string text = to_hex(random) + "\n";
  codec::wipe(random);
  const ByteView view = as_bytes(text);
  const bool made = system::publish_new(file, std::span(&view, 1));
  codec::wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  return made;
}

std::optional<KeySource> ask_passphrase(const std::string& prompt, std::stop_token stop) {
  system::forbid_core_dumps();
  std::optional<std::string> answer = ask_password(prompt, std::move(stop));
  if (!answer) return std::nullopt;
  KeySource source{.kind = KeyKind::kPassphrase, .secret = Secret(std::string_view(*answer))};
  codec::wipe({reinterpret_cast<uint8_t*>(answer->data()), answer->size()});
  return source;
}

KeySource repeat_new_passphrase(KeySource first, std::stop_token stop) {
  const std::optional<KeySource> again = ask_passphrase("The same again: ", std::move(stop));
  if (!again || !(again->secret == first.secret)) {
    throw refused("The two passphrases differ; nothing was made.", "Run the command again.");
  }
  return first;
}

KeySource ask_new_passphrase(const std::string& prompt, std::stop_token stop) {
  std::optional<KeySource> first = ask_passphrase(prompt, stop);
  if (!first) {
    throw needed("There is no terminal to ask for a passphrase at.", "",
                 {"Name a file that holds it, or a key file; this command's --help says how."});
  }
  if (first->secret.empty()) throw refused("An empty passphrase protects nothing.", "Run the command again.");
  return repeat_new_passphrase(std::move(*first), std::move(stop));
}

KeySource new_key(const NewKeyFiles& files, bool may_ask, std::optional<std::filesystem::path>& made,
                  std::stop_token stop) {
  if (files.passphrase_file) return read_passphrase_file(*files.passphrase_file);
  if (files.key_file) {
    if (make_key_file(*files.key_file)) made = *files.key_file;
    return read_key_file(*files.key_file);
  }
  if (!may_ask) {
    throw needed(
        "No new key was given, and there is no terminal to ask at.", "",
        {"Name a file that holds the new passphrase, or a key file; a key file that does not exist is "
         "made. This command's --help says how."});
  }
  return ask_new_passphrase("New passphrase: ", std::move(stop));
}

}  // namespace dbb::cli
