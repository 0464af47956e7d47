#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/configuration.h"
#include "cli/environment.h"
#include "cli/options.h"
#include "postgres/connection.h"

// What holds after option, environment, configuration file and default were weighed, in this order.
namespace dbb::cli {

struct RepositoryPlace {
  std::filesystem::path path;  // absolute
  std::string origin;  // what said so: "--repository", "DBBACKUP_REPOSITORY", "configuration", "default"
};
// Error kUsage when nothing says where, or when it names a kind of storage this version does not have.
RepositoryPlace repository_place(const GlobalOptions& options, const Environment& environment,
                                 const Configuration& configuration);

// Error kUsage when a conninfo string cannot be parsed. A service named on the command line or by PGSERVICE
// stands for a whole connection: then the configuration's is left out.
postgres::ConnectionTarget connection_target(const GlobalOptions& options, const Environment& environment,
                                             const Configuration& configuration);

// The first that is set.
template <typename Value>
Value first_of(const std::optional<Value>& option, const std::optional<Value>& configured, Value otherwise) {
  return option ? *option : configured.value_or(otherwise);
}

// What is redrawn in place, coloured and asked for depends on where output goes.
bool wants_colours(const GlobalOptions& options, const Environment& environment, bool to_terminal);

}  // namespace dbb::cli
