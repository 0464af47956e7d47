#include "cli/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"

namespace dbb::cli {
namespace {

// libpq's variables for the keywords that the configuration file may hold.
constexpr std::array kVariables = {
    std::pair("host", "PGHOST"),
    std::pair("hostaddr", "PGHOSTADDR"),
    std::pair("port", "PGPORT"),
    std::pair("user", "PGUSER"),
    std::pair("dbname", "PGDATABASE"),
    std::pair("service", "PGSERVICE"),
    std::pair("passfile", "PGPASSFILE"),
    std::pair("sslmode", "PGSSLMODE"),
    std::pair("sslrootcert", "PGSSLROOTCERT"),
    std::pair("sslcert", "PGSSLCERT"),
    std::pair("sslkey", "PGSSLKEY"),
    std::pair("sslcrl", "PGSSLCRL"),
    std::pair("channel_binding", "PGCHANNELBINDING"),
    std::pair("gssencmode", "PGGSSENCMODE"),
    std::pair("krbsrvname", "PGKRBSRVNAME"),
    std::pair("connect_timeout", "PGCONNECT_TIMEOUT"),
    std::pair("target_session_attrs", "PGTARGETSESSIONATTRS"),
};

bool set_by_environment(const Environment& environment, std::string_view keyword) {
  return std::ranges::any_of(kVariables, [&](const auto& entry) {
    return entry.first == keyword && environment.get(entry.second).has_value();
  });
}

// As psql decides what -d is.
bool is_conninfo(const std::string& text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://") ||
         text.find('=') != std::string::npos;
}

bool has(const postgres::ConnectionTarget& target, std::string_view keyword) {
  return std::ranges::any_of(target.parameters(), [&](const auto& entry) { return entry.first == keyword; });
}

}  // namespace

RepositoryPlace repository_place(const GlobalOptions& options, const Environment& environment,
                                 const Configuration& configuration) {
  RepositoryPlace place;
  if (options.repository) {
    place = {*options.repository, "--repository"};
  } else if (const auto variable = environment.get("DBBACKUP_REPOSITORY")) {
    place = {*variable, "DBBACKUP_REPOSITORY"};
  } else if (configuration.repository) {
    place = {*configuration.repository, "configuration"};
  } else if (const auto data = environment.get("XDG_DATA_HOME")) {
    place = {std::filesystem::path(*data) / "dbbackup/repository", "default"};
  } else if (const auto home = environment.get("HOME")) {
    place = {std::filesystem::path(*home) / ".local/share/dbbackup/repository", "default"};
  } else {
    throw Error(ErrorCode::kUsage,
                {.message = "It is not known where the repository is.",
                 .cause = "HOME is not set, so there is no default place.",
                 .solution = {"Name it with --repository PATH, or set DBBACKUP_REPOSITORY."}});
  }
  if (place.path.empty() || place.path.string().find("://") != std::string::npos) {
    throw Error(
        ErrorCode::kUsage,
        {.message =
             fmt::format("\"{}\" (from {}) is not a directory's path.", place.path.string(), place.origin),
         .solution = {"A repository is a directory, on this host or mounted: --repository /srv/backups"}});
  }
  place.path = std::filesystem::absolute(place.path).lexically_normal();
  return place;
}

postgres::ConnectionTarget connection_target(const GlobalOptions& options, const Environment& environment,
                                             const Configuration& configuration) {
  std::string conninfo;
  std::vector<std::pair<std::string, std::string>> overrides;
  const auto override_with = [&](const char* keyword, const std::optional<std::string>& value) {
    if (value) overrides.emplace_back(keyword, *value);
  };
  if (options.database && is_conninfo(*options.database)) {
    conninfo = *options.database;
  } else {
    override_with("dbname", options.database);
  }
  override_with("host", options.host);
  override_with("port", options.port);
  override_with("user", options.user);

  auto target = postgres::ConnectionTarget::parse(conninfo, overrides);
  if (has(target, "service") || environment.get("PGSERVICE")) return target;
  // Another host named by hand is not reached by the address in the file.
  const bool other_host = has(target, "host") || has(target, "hostaddr") || environment.get("PGHOST") ||
                          environment.get("PGHOSTADDR");
  for (const auto& [keyword, value] : configuration.connection) {
    if (has(target, keyword) || set_by_environment(environment, keyword)) continue;
    if (other_host && (keyword == "hostaddr" || keyword == "host")) continue;
    target = target.with(keyword, value);
  }
  return target;
}

bool wants_colours(const GlobalOptions& options, const Environment& environment, bool to_terminal) {
  return to_terminal && !options.no_color && !options.json && !environment.get("NO_COLOR") &&
         environment.get("TERM") && environment.get("TERM") != "dumb";
}

}  // namespace dbb::cli
