#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/event.h"
#include "cli/configuration.h"
#include "cli/debug_log.h"
#include "cli/environment.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "cli/style.h"
#include "logical/operation.h"
#include "repository/repository.h"
#include "storage/directory_store.h"
#include "system/clock.h"
#include "system/stop_event.h"

namespace dbb::cli {

// What the process was started with and in. Made by main, once.
struct World {
  Environment environment;
  system::Clock& clock;
  std::stop_token stop;
  std::function<void(std::string_view)> out;    // standard output
  std::function<void(std::string_view)> error;  // standard error
  // Whether standard output takes no more: its disk is full, or its reader has gone.
  std::function<bool()> out_failed = [] { return false; };
  bool out_is_terminal = false;
  bool error_is_terminal = false;
  bool in_is_terminal = false;
  size_t out_width = 120;  // columns of the terminal
  size_t error_width = 120;
};

// What a command works with. Things are opened when the command asks for them, so that one which needs no
// server asks for no password. Confined to one thread; outlives every object it hands out.
class Context {
 public:
  Context(const World& world, GlobalOptions options, Configuration configuration, EventSink& events);

  const World& world() const { return world_; }
  const GlobalOptions& options() const { return options_; }
  const Configuration& configuration() const { return configuration_; }
  const Style& style() const { return style_; }  // of standard output
  EventSink& events() { return events_; }

  // What a debug log is to tell besides the events; `note` writes into it, if there is one. `log` outlives
  // this.
  void log_to(DebugLog& log);
  void note(std::string_view title, std::string_view text);
  bool is_logged() const { return debug_log_ != nullptr; }

  // The repository's keys that were given, not asked for. Read once.
  const std::vector<repository::KeySource>& keys();
  // Instead of those that were given: the keys that a repository was just made with.
  void use_keys(std::vector<repository::KeySource> keys);
  // Whether somebody can be asked for a passphrase.
  bool may_ask() const { return world_.in_is_terminal && !options_.never_ask_password; }

  const RepositoryPlace& place();
  storage::ObjectStore& store();
  // Opens it. Asks for a passphrase when a key is needed, none was given, and there is a terminal. Compares
  // what it finds with what this host remembers of the place, and remembers it.
  repository::Repository& repository();
  // What this host is to remember has changed: a backup was made, an epoch begun.
  void remember_repository();
  // A repository was just made in the place: what was there before does not matter any more.
  void forget_place() { forgotten_ = true; }

  // This host's name, and who works on it: "alice@db1", for records that people read.
  std::string host() const;
  std::string user_and_host() const;

  // Where to connect. The first call asks for a password if the server wants one that libpq does not have,
  // and there is a terminal to ask at; that takes a trial connection.
  const postgres::ConnectionTarget& target();
  const std::vector<postgres::ClientPrograms>& client_programs();
  // One a process: its run id is in every session it opens.
  const logical::Operation& operation();

 private:
  void ask_for_password();
  void note_server();

  const World& world_;
  const GlobalOptions options_;
  const Configuration configuration_;
  const Style style_;
  EventSink& events_;

  DebugLog* debug_log_ = nullptr;
  std::optional<std::vector<repository::KeySource>> keys_;
  bool forgotten_ = false;
  std::optional<RepositoryPlace> place_;
  std::unique_ptr<storage::DirectoryStore> store_;
  std::unique_ptr<repository::Repository> repository_;
  std::optional<postgres::ConnectionTarget> target_;
  std::optional<std::vector<postgres::ClientPrograms>> client_programs_;
  std::unique_ptr<logical::Operation> operation_;
};

}  // namespace dbb::cli
