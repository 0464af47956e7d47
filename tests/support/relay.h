#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/task_group.h"
#include "postgres/connection.h"
#include "support/private_cluster.h"
#include "system/file.h"

namespace dbb::testing {

// Stands between a test and its servers on a Unix socket of its own, as a load balancer, a pooler or a bad
// network does.
class Relay {
 public:
  struct Options {
    // The n-th connection goes to the n-th of these, and round again. None: connections are taken and never
    // answered.
    std::vector<const PrivateCluster*> servers = {};
    // Sees, and may change, what a server sends, piece by piece as it comes.
    std::function<void(std::string&)> on_answer = {};
  };

  explicit Relay(Options options);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  postgres::ConnectionTarget target() const;

 private:
  void accept_all(const std::stop_token& stop);
  void pass_on(int client, const std::filesystem::path& server, const std::stop_token& stop) const;

  Options options_;
  system::TemporaryDirectory directory_;
  system::FileDescriptor listener_;
  TaskGroup tasks_{std::stop_token{}};
};

}  // namespace dbb::testing
