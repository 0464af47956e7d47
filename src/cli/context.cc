#include "cli/context.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/error_text.h"
#include "cli/host_memory.h"
#include "cli/secrets.h"
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

std::string Context::user_and_host() const { return user_name() + "@" + host_name(); }

void Context::note(std::string_view title, std::string_view text) {
  if (debug_log_ != nullptr) debug_log_->note(title, text);
}

// Where the log is to tell the secrets from what may be known.
void Context::log_to(DebugLog& log) {
  debug_log_ = &log;
  for (const char* name : {"PGPASSWORD", "DBBACKUP_PASSPHRASE"}) {
    if (auto value = world_.environment.get(name)) log.add_secret(std::move(*value));
  }
  for (const auto& [keyword, value] : configuration_.connection) {
    if (keyword == "password" || keyword == "sslpassword") log.add_secret(value);
  }
}

// What it is and how it is set up. That it cannot be asked is no failure: the work itself says what is wrong.
void Context::note_server() {
  std::string text;
  try {
    postgres::Connection session =
        operation_->connect(logical::maintenance_database(*operation_), "debug log");
    text = fmt::format("{}\n{}\n", operation_->target.host_and_port(),
                       session.execute("SELECT pg_catalog.version()").string(0, 0));
    const postgres::Result settings = session.execute(
        "SELECT name, setting, coalesce(unit, ''), source FROM pg_catalog.pg_settings WHERE (name ~ '^max_' "
        "OR source NOT IN ('default', 'client', 'session')) "
        "AND name !~ '(conninfo|_command|passphrase|password|secret|key)' ORDER BY name");
    for (int row = 0; row < settings.rows(); ++row) {
      text += fmt::format("{} = {} {} ({})\n", settings.string(row, 0), settings.string(row, 1),
                          settings.string(row, 2), settings.string(row, 3));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    text += fmt::format("could not be asked: {}\n", error.what());
  }
  for (const postgres::ClientPrograms& programs : *client_programs_)
    text += fmt::format("client programs {} in {}\n", programs.version.text(), programs.directory.string());
  note("server", text);
}

const RepositoryPlace& Context::place() {
  if (!place_) place_ = repository_place(options_, world_.environment, configuration_);
  return *place_;
}

storage::ObjectStore& Context::store() {
  if (!store_) store_ = std::make_unique<storage::DirectoryStore>(place().path);
  return *store_;
}

const std::vector<repository::KeySource>& Context::keys() {
  if (!keys_) {
    keys_ = given_keys(options_, world_.environment, configuration_, world_.stop);
    if (debug_log_ != nullptr) {
      for (const repository::KeySource& key : *keys_)
        debug_log_->add_secret(std::string(as_text(key.secret.bytes())));
    }
  }
  return *keys_;
}

void Context::use_keys(std::vector<repository::KeySource> keys) { keys_ = std::move(keys); }

repository::Repository& Context::repository() {
  if (repository_) return *repository_;
  const HostMemory memory(world_.environment, place().path.string());
  const auto remembered = forgotten_ || options_.accept_rollback ? std::nullopt : memory.recall();
  const repository::EncryptionKind kind = repository::Repository::look(store());
  refuse_downgrade(remembered, kind, store().describe());
  if (kind == repository::EncryptionKind::kSlots && keys().empty() && may_ask()) {
    const std::string prompt =
        fmt::format("Passphrase of the repository {}: ", printable_line(place().path.string()));
    if (auto asked = ask_passphrase(prompt, world_.stop)) keys_->push_back(std::move(*asked));
  }
  auto opened = repository::Repository::open(store(), keys(), world_.stop);
  refuse_rollback(remembered, *opened);
  repository_ = std::move(opened);
  remember_repository();
  return *repository_;
}

void Context::remember_repository() {
  const HostMemory memory(world_.environment, place().path.string());
  const RememberedRepository now = look_at(*repository_);
  try {
    if (memory.recall() != now) memory.remember(now);
  } catch (const Error& error) {
    // It helps against somebody who puts back an old copy; without encryption he could do much else.
    if (!now.encrypted) return;
    events_.emit(
        Notice{.severity = Severity::kWarning,
               .kind = "state-not-written",
               .text = fmt::format("This host cannot remember what it saw of the repository, and will not "
                                   "notice if an older copy is put in its place: {}",
                                   error.what()),
               .fields = {{"file", memory.file().string()}}});
  }
}

const postgres::ConnectionTarget& Context::target() {
  if (!target_) {
    target_ = connection_target(options_, world_.environment, configuration_);
    ask_for_password();
    if (debug_log_ != nullptr) debug_log_->add_secret(target_->password().value_or(""));
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
    if (debug_log_ != nullptr) note_server();
  }
  return *operation_;
}

}  // namespace dbb::cli
