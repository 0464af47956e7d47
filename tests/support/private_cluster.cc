#include "support/private_cluster.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <stdexcept>

#include "system/process.h"

namespace dbb::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kPort = "5432";  // part of the socket's name only

// Who the server runs as; null when that is who we are.
const passwd* server_user() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  return user != nullptr ? user : ::getpwnam("nobody");
}

// PostgreSQL refuses to run as root. The signal for our death is asked for anew, since changing users clears
// it.
std::vector<std::string> as_server_user(std::vector<std::string> argv) {
  const passwd* user = server_user();
  if (user == nullptr) return argv;
  std::vector<std::string> all = {"/usr/bin/setpriv", fmt::format("--reuid={}", user->pw_uid),
                                  fmt::format("--regid={}", user->pw_gid), "--clear-groups",
                                  "--pdeathsig=TERM"};
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

void give_to_server_user(const fs::path& path) {
  const passwd* user = server_user();
  if (user != nullptr && ::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("chown " + path.string());
}

std::string run_or_throw(const std::vector<std::string>& argv) {
  const system::StopEvent never{std::stop_token{}};
  std::string output;
  const auto outcome = system::run({.argv = argv, .environment = {{"LC_ALL", "C.UTF-8"}, {"PGOPTIONS", ""}}},
                                   {.on_output = [&](ByteView bytes) { output += as_text(bytes); }}, never);
  if (outcome.exit_code != 0)
    throw std::runtime_error(
        fmt::format("{} failed ({}): {}{}", argv.front(), outcome.exit_code, output, outcome.standard_error));
  return output;
}

// What initdb makes takes a second; a copy of it does not. Made once a process for each set of programs.
const fs::path& template_of(const fs::path& bindir) {
  static std::map<fs::path, std::unique_ptr<system::TemporaryDirectory>> templates;
  static std::map<fs::path, fs::path> paths;
  if (const auto known = paths.find(bindir); known != paths.end()) return known->second;
  auto directory = std::make_unique<system::TemporaryDirectory>("dbbackup-initdb-");
  give_to_server_user(directory->path());
  const fs::path data = directory->path() / "data";
  run_or_throw(as_server_user({(bindir / "initdb").string(), "-D", data.string(), "-U", "postgres", "-A",
                               "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--wal-segsize=1"}));
  templates.emplace(bindir, std::move(directory));
  return paths.emplace(bindir, data).first->second;
}

std::string setting_line(const std::string& name, const std::string& value) {
  std::string line = name + " = '";
  for (const char c : value) line += c == '\'' ? std::string("''") : std::string(1, c);
  return line + "'\n";
}

}  // namespace

fs::path PrivateCluster::default_bindir() {
  fs::path best;
  int best_major = 0;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql")) {
    const int major = std::atoi(entry.path().filename().c_str());
    if (major > best_major && fs::exists(entry.path() / "bin/initdb")) {
      best_major = major;
      best = entry.path() / "bin";
    }
  }
  if (best.empty()) throw std::runtime_error("no PostgreSQL server programs below /usr/lib/postgresql");
  return best;
}

fs::path PrivateCluster::server_bindir() {
  const char* chosen = std::getenv("DBBACKUP_TEST_BINDIR");
  return chosen != nullptr ? fs::path(chosen) : default_bindir();
}

PrivateCluster::PrivateCluster(Options options)
    : bindir_(options.bindir.empty() ? server_bindir() : std::move(options.bindir)),
      directory_("dbbackup-test-") {
  give_to_server_user(directory());
  run_or_throw({"/bin/cp", "-a", template_of(bindir_).string(), data_directory().string()});
  configuration_ =
      setting_line("listen_addresses", "") + setting_line("unix_socket_directories", directory().string()) +
      setting_line("port", kPort) + "fsync = off\nfull_page_writes = off\nmax_connections = 60\n" +
      "shared_buffers = '32MB'\nlogging_collector = off\nlog_min_messages = warning\n";
  for (const auto& [name, value] : options.settings) configuration_ += setting_line(name, value);
  write_file("postgresql.conf", configuration_);
  write_file("pg_hba.conf", options.hba + "\n");
  start();
}

PrivateCluster::~PrivateCluster() {
  try {
    stop(Shutdown::kImmediate);
  } catch (...) {
    // TaskGroup ends the server the hard way.
  }
}

postgres::ConnectionTarget PrivateCluster::target(const std::string& database,
                                                  const std::string& user) const {
  return postgres::ConnectionTarget()
      .with("host", directory().string())
      .with("port", kPort)
      .with("user", user)
      .with("dbname", database);
}

postgres::Connection PrivateCluster::connect(const std::string& database, std::stop_token stop) const {
  return postgres::Connection::open(target(database), {}, std::move(stop));
}

std::string PrivateCluster::psql(const std::string& sql, const std::string& database) const {
  std::string output =
      run_or_throw({(default_bindir() / "psql").string(), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
                    "-d", target(database).conninfo_without_password(), "-c", sql});
  while (output.ends_with('\n')) output.pop_back();
  return output;
}

void PrivateCluster::start() {
  server_ = std::make_unique<TaskGroup>(std::stop_token{});
  server_->spawn(
      "postgres", [argv = as_server_user({(bindir_ / "postgres").string(), "-D", data_directory().string()}),
                   log = directory() / "log"](const std::stop_token& token) {
        const system::StopEvent stop(token);
        std::ofstream out(log, std::ios::app);
        system::run({.argv = argv, .environment = {{"LC_ALL", "C.UTF-8"}}},
                    {.on_error_line = [&](std::string_view line) { out << line << '\n'
                                                                       << std::flush; }},
                    stop);
      });
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  const system::StopEvent never{std::stop_token{}};
  const std::string conninfo = target().conninfo_without_password();
  while (PQping(conninfo.c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > deadline) {
      server_.reset();
      throw std::runtime_error("the private server did not start: " + log_tail());
    }
    system::sleep_for(20ms, never);
  }
}

void PrivateCluster::stop(Shutdown how) {
  if (!server_) return;
  signal_server(how == Shutdown::kFast ? SIGINT : SIGQUIT);
  server_->join();
  server_.reset();
}

void PrivateCluster::signal_server(int signal) const {
  std::ifstream file(data_directory() / "postmaster.pid");
  pid_t pid = 0;
  if (file >> pid && pid > 1) ::kill(pid, signal);
}

std::string PrivateCluster::log_tail() const {
  std::ifstream file(directory() / "log");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.substr(text.size() - std::min<size_t>(text.size(), 4000));
}

void PrivateCluster::write_file(const std::string& name, const std::string& text) const {
  const fs::path path = data_directory() / name;
  std::ofstream(path) << text;
  give_to_server_user(path);
}

void PrivateCluster::configure(const std::string& name, const std::string& value) {
  configuration_ += setting_line(name, value);
  write_file("postgresql.conf", configuration_);
  if (server_) psql("SELECT pg_reload_conf()");
}

void PrivateCluster::set_hba(const std::string& lines) {
  write_file("pg_hba.conf", lines + "\n");
  if (server_) signal_server(SIGHUP);
}

}  // namespace dbb::testing
