#include "postgres/client_programs.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "postgres/server_error.h"
#include "postgres/startup_options.h"

namespace dbb::postgres {
namespace {

namespace fs = std::filesystem;

// Where packages put them: Debian, PGDG for Red Hat, built by hand, and folders of their own below /opt.
constexpr std::array kPackagePlaces = {
    "/usr/lib/postgresql/*/bin",       "/usr/pgsql-*/bin",      "/usr/local/pgsql*/bin", "/opt/*/bin",
    "/opt/*/usr/lib/postgresql/*/bin", "/opt/postgresql/*/bin",
};

std::vector<fs::path> expand(const char* pattern) {
  glob_t found{};
  std::vector<fs::path> paths;
  if (::glob(pattern, 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return paths;
}

std::vector<fs::path> candidates(const std::vector<fs::path>& extra) {
  std::vector<fs::path> directories = extra;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) directories.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const char* pattern : kPackagePlaces)
    for (auto& place : expand(pattern)) directories.push_back(std::move(place));
  return directories;
}

// Debian's /usr/bin/pg_dump is a script that picks a version by its own rules, which depend on the servers of
// the host.
bool is_debian_wrapper(const fs::path& program) {
  std::error_code failure;
  return fs::canonical(program, failure).filename() == "pg_wrapper";
}

bool is_complete(const fs::path& directory) {
  return std::ranges::all_of(std::array{"pg_dump", "pg_dumpall"}, [&](const char* program) {
    std::error_code failure;
    const auto status = fs::status(directory / program, failure);
    constexpr auto kExecutable = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
    return !failure && fs::is_regular_file(status) && (status.permissions() & kExecutable) != fs::perms::none;
  });
}

// "pg_dump (PostgreSQL) 15.18 (Debian ...)", "... 17beta1", "... 18devel"
std::optional<ServerVersion> parse_version(std::string_view words) {
  constexpr std::string_view kMark = "(PostgreSQL) ";
  const size_t at = words.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  words.remove_prefix(at + kMark.size());
  const auto take_number = [&] {
    int number = 0;
    while (!words.empty() && words.front() >= '0' && words.front() <= '9' && number < 1000) {
      number = number * 10 + (words.front() - '0');
      words.remove_prefix(1);
    }
    return number;
  };
  const int major = take_number();
  if (major == 0) return std::nullopt;
  int minor = 0;
  if (words.starts_with('.')) {
    words.remove_prefix(1);
    minor = take_number();
  }
  return ServerVersion{major * 10000 + minor};
}

std::optional<ServerVersion> ask_version(const fs::path& pg_dump, const system::StopEvent& stop) {
  std::string words;
  const auto outcome =
      system::run({.argv = {pg_dump.string(), "--version"}, .environment = {{"LC_ALL", "C"}}},
                  {.on_output = [&](ByteView bytes) { words += as_text(bytes); }}, stop);
  return outcome.exit_code == 0 ? parse_version(words) : std::nullopt;
}

std::vector<std::string> how_to_install(int major) {
  return {fmt::format(
              "Install the client programs of PostgreSQL {0}: apt-get install postgresql-client-{0} (Debian, "
              "Ubuntu) or dnf install postgresql{0} (Red Hat); newer ones than the system has come from "
              "apt.postgresql.org and yum.postgresql.org.",
              major),
          "If they are installed in an unusual place, name that directory in the configuration "
          "(client_programs)."};
}

std::string versions_of(const std::vector<ClientPrograms>& all) {
  std::vector<std::string> found;
  for (const auto& set : all)
    found.push_back(fmt::format("{} in {}", set.version.text(), set.directory.string()));
  return fmt::format("Found: {}.", fmt::join(found, ", "));
}

// The first of the lowest major that is at least `major`: the list is in order of preference.
const ClientPrograms* nearest(const std::vector<ClientPrograms>& all, int major) {
  const ClientPrograms* best = nullptr;
  for (const auto& set : all)
    if (set.version.major() >= major && (best == nullptr || set.version.major() < best->version.major()))
      best = &set;
  return best;
}

[[noreturn]] void throw_missing(const std::vector<ClientPrograms>& all, int major, std::string_view purpose) {
  if (all.empty())
    throw Error(ErrorCode::kClientProgramMissing,
                {.message = "pg_dump and pg_dumpall were not found on this host.",
                 .solution = how_to_install(major)});
  throw Error(ErrorCode::kClientProgramOlder,
              {.message = fmt::format("{} needs client programs of PostgreSQL {} or newer.", purpose, major),
               .cause = versions_of(all),
               .solution = how_to_install(major)});
}

}  // namespace

std::vector<ClientPrograms> find_client_programs(const std::vector<fs::path>& extra,
                                                 const system::StopEvent& stop) {
  std::vector<ClientPrograms> all;
  std::set<fs::path> seen;
  for (const auto& candidate : candidates(extra)) {
    std::error_code failure;
    const fs::path directory = fs::canonical(candidate, failure);
    if (failure || !seen.insert(directory).second) continue;
    if (!is_complete(directory) || is_debian_wrapper(directory / "pg_dump")) continue;
    if (const auto version = ask_version(directory / "pg_dump", stop))
      all.push_back({.directory = directory, .version = *version});
  }
  return all;
}

const ClientPrograms& choose_for_dump(const std::vector<ClientPrograms>& all, ServerVersion server) {
  const ClientPrograms* best = nearest(all, server.major());
  if (best == nullptr)
    throw_missing(all, server.major(), fmt::format("Backing up PostgreSQL {}", server.text()));
  return *best;
}

std::vector<std::pair<std::string, std::string>> settings_beside(Connection& session) {
  constexpr int kFirstVersionWithLoginTriggers = 17;
  const Result answer = session.execute(
      "SELECT pg_catalog.current_setting('role'), pg_catalog.current_setting('is_superuser')");
  std::vector<std::pair<std::string, std::string>> settings = {{"role", answer.string(0, 0)}};
  if (session.version().major() >= kFirstVersionWithLoginTriggers && answer.text(0, 1) == "on")
    settings.emplace_back("event_triggers", "off");
  return settings;
}

void run_program(const ClientPrograms& programs, std::string_view name, const ConnectionTarget& target,
                 const ProgramRun& run, const system::StopEvent& stop) {
  ConnectionTarget explicit_target = target.with_database(target.value("dbname"));
  if (target.value("connect_timeout").empty())
    explicit_target = explicit_target.with("connect_timeout", "15");
  system::Command command{.argv = {programs.program(name).string(), "--no-password", "-d",
                                   explicit_target.conninfo_without_password()}};
  command.argv.insert(command.argv.end(), run.arguments.begin(), run.arguments.end());

  std::string options = target.value("options");
  // pg_dumpall sets none of these itself, and a role may have statement_timeout = 1 ms by ALTER ROLE.
  for (const std::string_view timeout :
       {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"})
    append_startup_option(options, timeout, "0");
  append_startup_option(options, "default_transaction_read_only", "off");
  for (const auto& [setting, value] : run.settings) append_startup_option(options, setting, value);
  command.environment = {
      {"LC_ALL", "C"},  // its messages are read
      {"PGAPPNAME", run.application_name},
      {"PGOPTIONS", options},
      {"PGCLIENTENCODING", ""},  // the database's own, whatever the user works with
  };
  if (const auto password = target.password()) command.environment.emplace_back("PGPASSWORD", *password);

  const auto outcome =
      system::run(command, {.on_output = run.on_output, .on_error_line = run.on_error_line}, stop);
  if (outcome.exit_code != 0) throw program_error(name, outcome.exit_code, outcome.standard_error, &target);
}

}  // namespace dbb::postgres
