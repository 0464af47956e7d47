#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/configuration.h"
#include "cli/environment.h"
#include "cli/options.h"
#include "repository/encryption.h"

// Where keys of repositories come from: files, the environment, a command, a person. Never the command line.
// From the first one on, this process leaves no core dump.
namespace dbb::cli {

// The keys that were given, none of them by asking. What is typed wins over the environment, that over the
// configuration file; what stands at the same level is given together. Runs passphrase_command.
//
// kKeyRefused: a file is empty, or other users may read it. kKeyNeeded: a file that was named does not exist,
// or the command failed.
std::vector<repository::KeySource> given_keys(const GlobalOptions& options, const Environment& environment,
                                              const Configuration& configuration, std::stop_token stop);

// Of the first line.
repository::KeySource read_passphrase_file(const std::filesystem::path& file);
repository::KeySource read_key_file(const std::filesystem::path& file);
// The words of a command, as a shell splits them: at spaces, with '...', "..." and \; nothing is expanded.
// kConfigInvalid when a quote is not closed.
std::vector<std::string> split_words(const std::string& text);
repository::KeySource run_passphrase_command(const std::string& command, const Environment& environment,
                                             std::stop_token stop);

// A new key file: 64 random hexadecimal digits and a line end, for its owner only. False when it exists.
bool make_key_file(const std::filesystem::path& file);

// Asks at the terminal. Empty when there is none. An empty passphrase is one, too.
std::optional<repository::KeySource> ask_passphrase(const std::string& prompt, std::stop_token stop);
// Asks twice. kKeyRefused when the answers differ or are empty; kKeyNeeded without a terminal.
repository::KeySource ask_new_passphrase(const std::string& prompt, std::stop_token stop);
repository::KeySource repeat_new_passphrase(repository::KeySource first, std::stop_token stop);

// A key that is to be made: from the file, the key file (made when it does not exist, and then said in
// `made`), or by asking when neither is named.
struct NewKeyFiles {
  std::optional<std::string> passphrase_file;
  std::optional<std::string> key_file;
};
repository::KeySource new_key(const NewKeyFiles& files, bool may_ask,
                              std::optional<std::filesystem::path>& made, std::stop_token stop);

}  // namespace dbb::cli
