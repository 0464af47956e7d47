#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/task_group.h"
#include "postgres/connection.h"
#include "system/file.h"

namespace dbb::testing {

// A PostgreSQL server of a test's own: a fresh cluster in a temporary directory, reached by a Unix socket in
// it and by nothing else. Superuser "postgres", who is trusted; UTF8, C.UTF-8. When the test runs as root,
// the server runs as the system's user "postgres", or "nobody". Ends with the object, and with the process,
// however that ends. Failing to start throws std::runtime_error with the end of the server's log.
class PrivateCluster {
 public:
  struct Options {
    std::filesystem::path bindir =
        {};  // empty: DBBACKUP_TEST_BINDIR, else the newest below /usr/lib/postgresql
    std::vector<std::pair<std::string, std::string>> settings = {};  // for postgresql.conf
    // Takes the place of pg_hba.conf's only line, "local all all trust".
    std::string hba = "local all all trust";
  };

  enum class Shutdown : uint8_t { kFast, kImmediate };

  explicit PrivateCluster(Options options);
  PrivateCluster() : PrivateCluster(Options{}) {}
  ~PrivateCluster();
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  postgres::ConnectionTarget target(const std::string& database = "postgres",
                                    const std::string& user = "postgres") const;
  postgres::Connection connect(const std::string& database = "postgres", std::stop_token stop = {}) const;

  // Runs `sql` by psql, which stops at the first error and then throws std::runtime_error with its words.
  // Returns what it prints, unaligned, without headers and without the last newline.
  std::string psql(const std::string& sql, const std::string& database = "postgres") const;

  // Blocks until the server is gone, or there.
  void stop(Shutdown how = Shutdown::kFast);
  void start();

  const std::filesystem::path& directory() const { return directory_.path(); }
  std::filesystem::path data_directory() const { return directory_.path() / "data"; }
  // Where pg_dump and psql of the same version are, when they are.
  const std::filesystem::path& bindir() const { return bindir_; }
  // The end of the server's log, for messages.
  std::string log_tail() const;

  // Appends to postgresql.conf or replaces pg_hba.conf, and makes a running server read it.
  void configure(const std::string& name, const std::string& value);
  void set_hba(const std::string& lines);

  // The newest installed set of server programs.
  static std::filesystem::path default_bindir();
  // DBBACKUP_TEST_BINDIR: the same tests against another version, whose programs need not have psql. Else the
  // default.
  static std::filesystem::path server_bindir();

 private:
  void write_file(const std::string& name, const std::string& text) const;
  void signal_server(int signal) const;

  std::filesystem::path bindir_;
  system::TemporaryDirectory directory_;
  std::string configuration_;
  std::unique_ptr<TaskGroup> server_;  // one task: the server, while it runs
};

}  // namespace dbb::testing
