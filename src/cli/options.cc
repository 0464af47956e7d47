#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/shell_word.h"
#include "cli/redaction.h"

namespace dbb::cli {
namespace {

// A command is copied into another directory, too. A URL is no path.
std::optional<std::string> from_anywhere(const std::optional<std::string>& path) {
  if (!path || path->empty() || path->find("://") != std::string::npos) return path;
  return std::filesystem::absolute(*path).lexically_normal().string();
}

}  // namespace

std::vector<std::string> OptionSpec::all_names() const {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    out.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string OptionSpec::long_name() const { return all_names().back(); }

std::vector<OptionSpec> GlobalOptions::specs() {
  const std::string connection = "Connection options";
  const std::string general = "General options";
  return {
      {.names = "-h,--host",
       .value = "HOST",
       .description = "server's host name or directory of its socket (PGHOST)",
       .target = &host,
       .group = connection},
      {.names = "-p,--port",
       .value = "PORT",
       .description = "server's port (PGPORT)",
       .target = &port,
       .group = connection},
      {.names = "-U,--username",
       .value = "ROLE",
       .description = "role to connect as (PGUSER)",
       .target = &user,
       .group = connection},
      {.names = "-d,--dbname",
       .value = "CONNECTION",
       .description = "database to connect to, a conninfo string or a URI (PGDATABASE)",
       .target = &database,
       .group = connection},
      {.names = "-w,--no-password",
       .value = "",
       .description = "never ask for a password",
       .target = &never_ask_password,
       .group = connection},
      {.names = "-W,--password",
       .value = "",
       .description = "ask for a password before connecting",
       .target = &ask_password,
       .group = connection},
      {.names = "-r,--repository",
       .value = "PATH",
       .description = "where backups live (DBBACKUP_REPOSITORY)",
       .target = &repository,
       .group = general},
      {.names = "--config",
       .value = "FILE",
       .description = "configuration file (/etc/dbbackup/config.yaml)",
       .target = &config,
       .group = general},
      {.names = "--passphrase-file",
       .value = "FILE",
       .description = "its first line opens the repository (DBBACKUP_PASSPHRASE_FILE, DBBACKUP_PASSPHRASE)",
       .target = &passphrase_file,
       .group = general},
      {.names = "--key-file",
       .value = "FILE",
       .description = "its bytes open the repository (DBBACKUP_KEY_FILE)",
       .target = &key_file,
       .group = general},
      {.names = "--accept-rollback",
       .value = "",
       .description = "once, when the repository was replaced or put back on purpose",
       .target = &accept_rollback,
       .group = general},
      {.names = "--json",
       .value = "",
       .description = "print the result as one JSON document",
       .target = &json,
       .group = general},
      {.names = "--progress",
       .value = "KIND",
       .description =
           "progress on standard error: text, json (a document a line) or none (text; none with --json)",
       .target = &progress,
       .choices = {"text", "json", "none"},
       .group = general},
      {.names = "-q,--quiet",
       .value = "",
       .description = "no progress and no notices but warnings",
       .target = &quiet,
       .group = general},
      {.names = "-v,--verbose",
       .value = "",
       .description = "more detail, with the fields of notices",
       .target = &verbose,
       .group = general},
      {.names = "--save-debug-log",
       .value = "FILE",
       .description =
           "write all that a report about a problem needs into FILE (0600), without secrets, also when "
           "the command fails",
       .target = &save_debug_log,
       .group = general},
      {.names = "--no-color",
       .value = "",
       .description = "no colours (NO_COLOR)",
       .target = &no_color,
       .group = general},
  };
}

std::string GlobalOptions::reached_by() const {
  std::string text;
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) text += fmt::format("{}{} {}", text.empty() ? "" : " ", name, shell_word(*value));
  };
  add("-h", host);
  add("-p", port);
  add("-U", user);
  if (database && Redaction().clean(*database) == *database) add("-d", database);
  add("-r", from_anywhere(repository));
  add("--config", from_anywhere(config));
  add("--passphrase-file", from_anywhere(passphrase_file));
  add("--key-file", from_anywhere(key_file));
  return text;
}

}  // namespace dbb::cli
