#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbb::cli {

// What a configuration file says, nothing merged in. docs/configuration.md is the reference for people.
struct Configuration {
  std::optional<std::string> repository = {};
  std::optional<std::string> passphrase_file = {};
  std::optional<std::string> passphrase_command = {};
  std::optional<std::string> key_file = {};
  std::vector<std::pair<std::string, std::string>> connection = {};  // libpq keyword -> value, in file order
  std::optional<int> jobs = {};
  std::optional<int> parallel_databases = {};
  std::optional<std::chrono::seconds> lock_timeout = {};
  std::optional<std::chrono::seconds> lock_wait_timeout = {};
  std::vector<std::filesystem::path> client_programs = {};

  bool operator==(const Configuration&) const = default;
};

inline constexpr std::string_view kDefaultConfigurationFile = "/etc/dbbackup/config.yaml";

// Strict: an unknown key, a key given twice, and a value of the wrong kind are Error kConfigInvalid, which
// names file, line and, for a key, the nearest known one. `file` is only for the message.
Configuration parse_configuration(const std::string& yaml, const std::filesystem::path& file);

// Reads `named`, which must exist; without a name the default file, which need not.
Configuration load_configuration(const std::optional<std::filesystem::path>& named);

}  // namespace dbb::cli
