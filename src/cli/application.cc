#include "cli/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <mutex>
#include <variant>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/copied_command.h"
#include "cli/debug_log.h"
#include "cli/error_text.h"
#include "cli/help.h"
#include "cli/json_documents.h"
#include "cli/progress.h"
#include "system/machine.h"

namespace dbb::cli {
namespace {

// Passes events on and remembers the warnings, which a JSON document lists. Commands in them can be copied.
class WarningCollector final : public EventSink {
 public:
  WarningCollector(EventSink& next, std::string reached_by)
      : next_(next), reached_by_(std::move(reached_by)) {}

  void emit(const Event& event) override {
    const auto* notice = std::get_if<Notice>(&event);
    if (notice == nullptr || notice->severity != Severity::kWarning) return next_.emit(event);
    Notice warning = *notice;
    warning.text = with_reach(warning.text, reached_by_);
    {
      const std::lock_guard lock(mutex_);
      warnings_.push_back(warning);
    }
    next_.emit(warning);
  }

  // When all threads that emit have ended.
  std::vector<Notice> take() { return std::move(warnings_); }

 private:
  EventSink& next_;
  const std::string reached_by_;
  std::mutex mutex_;
  std::vector<Notice> warnings_;  // guarded by mutex_
};

// With --json standard error stays empty unless --progress asks for something: warnings are in the document.
std::unique_ptr<ProgressSink> make_sink(const GlobalOptions& options, const World& world) {
  const std::string kind = options.progress.value_or(options.json ? "none" : "text");
  if (kind == "json") return make_json_progress(world.error, world.clock);
  const bool informed = kind == "text" && !options.quiet;
  ProgressOptions shown{
      .progress = informed,
      .infos = informed,
      .warnings = kind == "text" || !options.json,
      .fields = options.verbose,
      .style = Style(wants_colours(options, world.environment, world.error_is_terminal)),
      .width = world.error_width,
  };
  const bool in_place = world.error_is_terminal && world.environment.get("TERM").value_or("dumb") != "dumb";
  return in_place ? make_terminal_progress(world.error, shown, world.clock)
                  : make_line_progress(world.error, shown, world.clock);
}

Error internal_error(const std::exception& problem) {
  return Error(ErrorCode::kInternal,
               {.message = "dbbackup came to a state it does not know.",
                .cause = problem.what(),
                .solution = {"Please report this with the command line and this message."}});
}

// Errors of the system know what failed, but not what for. Nobody is left without a step to take.
Error with_solution(const Error& error) {
  if (!error.solution().empty()) return error;
  std::vector<std::string> solution;
  switch (error.code()) {
    case ErrorCode::kCancelled:
      solution = {"Run the command again when you like; nothing is half done."};
      break;
    case ErrorCode::kDiskFull:
      solution = {"See how full it is: df -h; df -i", "Free space, then run the command again."};
      break;
    case ErrorCode::kPermissionDenied:
      solution = {"Look at owner and mode: ls -ld with the path above; id",
                  "Run as the owner, or correct the rights."};
      break;
    case ErrorCode::kStorageFailed:
      solution = {"Look at the path above: ls -ld; findmnt -T; and at the disk: dmesg | tail"};
      break;
    default:
      break;
  }
  solution.push_back(
      fmt::format("Read {}: what to look at, and the commands that mend it.", documentation_of(error)));
  Error complete(error.code(), {.message = error.message(),
                                .cause = error.cause(),
                                .solution = std::move(solution),
                                .sqlstate = error.sqlstate()});
  for (const auto& [label, value] : error.context()) complete.add_context(label, value);
  return complete;
}

// What a run ends with.
struct Ending {
  Outcome outcome;
  std::vector<Notice> warnings = {};
};

// JSON is one document on standard output, with the error in it; for people the result is on standard output
// and the error block on standard error.
ExitCode print(const Ending& ending, bool json, const std::string& operation, const Style& error_style,
               const World& world) {
  const Outcome& outcome = ending.outcome;
  if (json) {
    world.out(finished_document(outcome.json, ending.warnings, outcome.error));
  } else {
    world.out(outcome.text);
    if (outcome.error) {
      world.error((outcome.text.empty() ? "" : "\n") + render_error(*outcome.error, operation, error_style));
    }
  }
  return outcome.error ? outcome.error->info().exit_code : outcome.exit_code;
}

// For a person who looks for the password, the file that may say something about the connection.
void add_configuration_file(Error& error, const std::optional<std::filesystem::path>& named) {
  if (error.code() != ErrorCode::kAuthFailed) return;
  const std::filesystem::path file = named.value_or(std::filesystem::path(kDefaultConfigurationFile));
  std::error_code ignored;
  error.add_context("Configuration", std::filesystem::exists(file, ignored)
                                         ? file.string()
                                         : fmt::format("{} (does not exist)", file.string()));
}

// What was typed, on what. Of the environment only that something is set: it is full of secrets.
std::string surroundings(const std::vector<std::string>& arguments, const World& world) {
  std::string text = fmt::format("dbbackup {}\n", DBB_VERSION);
  for (const std::string& argument : arguments) text += fmt::format("argument: {}\n", argument);
  for (const char* name :
       {"PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGPASSFILE", "PGPASSWORD",
        "PGOPTIONS", "PGSSLMODE", "DBBACKUP_REPOSITORY", "DBBACKUP_PASSPHRASE", "DBBACKUP_PASSPHRASE_FILE",
        "DBBACKUP_KEY_FILE", "TMPDIR", "LANG", "LC_ALL"}) {
    if (world.environment.get(name)) text += fmt::format("environment: {} is set\n", name);
  }
  text += fmt::format("processors: {}\nmemory: {} bytes\n", system::processor_count(),
                      system::physical_memory_bytes());
  return text;
}

Ending run_command(const ParsedCommandLine& parsed, const std::vector<std::string>& arguments,
                   const World& world) {
  const std::unique_ptr<ProgressSink> sink = make_sink(parsed.global, world);
  const std::string reached_by = parsed.global.reached_by();
  WarningCollector events(*sink, reached_by);
  std::optional<DebugLog> log;
  if (parsed.global.save_debug_log) {
    log.emplace(*parsed.global.save_debug_log, events, world.clock);
    log->note("run", surroundings(arguments, world));
  }
  Ending ending;
  std::optional<std::filesystem::path> named;
  if (parsed.global.config) named = *parsed.global.config;
  try {
    Context context(world, parsed.global, load_configuration(named),
                    log ? static_cast<EventSink&>(*log) : events);
    if (log) context.log_to(*log);
    ending.outcome = parsed.command->run(context);
  } catch (const Error& error) {
    ending.outcome.error = error;
  } catch (const std::exception& problem) {
    ending.outcome.error = internal_error(problem);
  }
  if (ending.outcome.error) {
    ending.outcome.error = with_reach(*ending.outcome.error, reached_by);
    add_configuration_file(*ending.outcome.error, named);
  }
  sink->finish();
  if (log) {
    const Outcome& outcome = ending.outcome;
    if (outcome.error) ending.outcome.error = with_solution(*outcome.error);
    log->end(outcome.error, outcome.json,
             outcome.error ? outcome.error->info().exit_code : outcome.exit_code);
  }
  ending.warnings = events.take();
  return ending;
}

}  // namespace

ExitCode run_application(const std::vector<std::string>& arguments, const World& world) {
  const CommandList commands = all_commands();
  // Known before the command line is: its errors are JSON too when JSON was asked for.
  bool json = std::ranges::find(arguments, "--json") != arguments.end();
  std::string operation;
  Style error_style(wants_colours({}, world.environment, world.error_is_terminal));
  Ending ending;
  try {
    const ParsedCommandLine parsed = parse_command_line(commands, arguments);
    json = parsed.global.json;
    error_style = Style(wants_colours(parsed.global, world.environment, world.error_is_terminal));
    if (parsed.wants_version) {
      ending.outcome = {.text = fmt::format("dbbackup {}\n", DBB_VERSION), .json = version_document()};
    } else if (parsed.wants_help) {
      const Style style(wants_colours(parsed.global, world.environment, world.out_is_terminal));
      ending.outcome.text = render_help(pages_of(commands), parsed.help_path, style);
      json = false;
    } else {
      operation = parsed.command->help().operation;
      ending = run_command(parsed, arguments, world);
      // Scripts and pages are what they are, with or without --json.
      if (!ending.outcome.error && ending.outcome.json.empty()) json = false;
    }
  } catch (const Error& error) {
    ending.outcome.error = error;
  } catch (const std::exception& problem) {
    ending.outcome.error = internal_error(problem);
  }
  if (ending.outcome.error) ending.outcome.error = with_solution(*ending.outcome.error);
  return print(ending, json, operation, error_style, world);
}

}  // namespace dbb::cli
