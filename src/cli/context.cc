#include "cli/context.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/terminal.h"
#include "cli/test_pause.h"
#include "system/random.h"

namespace dbb::cli {
namespace {

bool password_is_missing(const Error& error) {
  return error.code() == ErrorCode::kAuthFailed &&
         error.cause().find("no password supplied") != std::string::npos;
}

}  // namespace

Context::Context(const World& world, GlobalOptions options, Configuration configuration, EventSink& events)
    : world_(world),
      options_(std::move(options)),
      configuration_(std::move(configuration)),
      style_(wants_colours(options_, world.environment, world.out_is_terminal)),
      events_(events) {}

std::string Context::host() const { return host_name(); }

std::string Context::user_and_host() const {
  return world_.environment.get("USER").value_or("unknown") + "@" + host_name();
}

const RepositoryPlace& Context::place() {
  if (!place_) place_ = repository_place(options_, world_.environment, configuration_);
  return *place_;
}

storage::ObjectStore& Context::store() {
  if (!store_) store_ = std::make_unique<storage::DirectoryStore>(place().path);
  return *store_;
}

repository::Repository& Context::repository() {
  if (!repository_) repository_ = repository::Repository::open(store(), world_.stop);
  return *repository_;
}

const postgres::ConnectionTarget& Context::target() {
  if (!target_) {
    target_ = connection_target(options_, world_.environment, configuration_);
    ask_for_password();
  }
  return *target_;
}

void Context::ask_for_password() {
  if (options_.never_ask_password || target_->password()) return;
  if (!options_.ask_password) {
    if (!world_.in_is_terminal) return;
    try {
      const auto database = target_->value("dbname");
      postgres::Connection::open(database.empty() ? target_->with_database("postgres") : *target_, {},
                                 world_.stop);
      return;
    } catch (const Error& error) {
      // Whatever else is wrong is said by the work itself, with what it was about to do.
      if (!password_is_missing(error)) return;
    }
  }
  const std::string prompt = fmt::format("Password for user {}: ", target_->value("user"));
  if (auto password = ask_password(prompt, world_.stop))
    target_ = target_->with("password", std::move(*password));
}

const std::vector<postgres::ClientPrograms>& Context::client_programs() {
  if (!client_programs_) {
    const system::StopEvent stop(world_.stop);
    client_programs_ = postgres::find_client_programs(configuration_.client_programs, stop);
  }
  return *client_programs_;
}

const logical::Operation& Context::operation() {
  if (!operation_) {
    operation_ = std::make_unique<logical::Operation>(logical::Operation{
        .run = BackupId(world_.clock.now(), system::random_u64()),
        .target = target(),
        .programs = client_programs(),
        .events = events_,
        .clock = world_.clock,
        .stop = world_.stop,
        .at_step = make_test_pause(world_.environment.get("DBBACKUP_TEST_PAUSE"), world_.stop),
        .host = host(),
    });
  }
  return *operation_;
}

}  // namespace dbb::cli
