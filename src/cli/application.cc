#include "cli/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/error_text.h"
#include "cli/help.h"
#include "cli/json_documents.h"
#include "cli/progress.h"

namespace dbb::cli {
namespace {

std::unique_ptr<ProgressSink> make_sink(const GlobalOptions& options, const World& world) {
  const std::string kind = options.progress.value_or(options.json ? "none" : "text");
  if (kind == "json") return make_json_progress(world.error, world.clock);
  ProgressOptions shown{
      .progress = kind == "text" && !options.quiet,
      .infos = kind == "text" && !options.quiet,
      .fields = options.verbose,
      .style = Style(wants_colours(options, world.environment, world.error_is_terminal)),
      .width = world.width,
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

// Where an outcome goes: JSON is one document on standard output, with the error in it; for people the result
// is on standard output and the error block on standard error.
ExitCode print(const Outcome& outcome, bool json, const std::string& operation, const Style& error_style,
               const World& world) {
  if (json) {
    world.out(outcome.error ? with_error(outcome.json, *outcome.error) : outcome.json);
  } else {
    world.out(outcome.text);
    if (outcome.error) {
      world.error((outcome.text.empty() ? "" : "\n") + render_error(*outcome.error, operation, error_style));
    }
  }
  return outcome.error ? outcome.error->info().exit_code : outcome.exit_code;
}

Outcome run_command(const ParsedCommandLine& parsed, const World& world) {
  const std::unique_ptr<ProgressSink> sink = make_sink(parsed.global, world);
  Outcome outcome;
  try {
    std::optional<std::filesystem::path> named;
    if (parsed.global.config) named = *parsed.global.config;
    Context context(world, parsed.global, load_configuration(named), *sink);
    outcome = parsed.command->run(context);
  } catch (const Error& error) {
    outcome.error = error;
  } catch (const std::exception& problem) {
    outcome.error = internal_error(problem);
  }
  sink->finish();
  return outcome;
}

}  // namespace

ExitCode run_application(const std::vector<std::string>& arguments, const World& world) {
  const CommandList commands = all_commands();
  // Known before the command line is: its errors are JSON too when JSON was asked for.
  bool json = std::ranges::find(arguments, "--json") != arguments.end();
  std::string operation;
  Style error_style(wants_colours({}, world.environment, world.error_is_terminal));
  Outcome outcome;
  try {
    const ParsedCommandLine parsed = parse_command_line(commands, arguments);
    json = parsed.global.json;
    error_style = Style(wants_colours(parsed.global, world.environment, world.error_is_terminal));
    if (parsed.wants_version) {
      outcome = {.text = fmt::format("dbbackup {}\n", DBB_VERSION), .json = version_document()};
    } else if (parsed.wants_help) {
      const Style style(wants_colours(parsed.global, world.environment, world.out_is_terminal));
      outcome.text = render_help(pages_of(commands), parsed.help_path, style);
      json = false;
    } else {
      operation = parsed.command->help().operation;
      outcome = run_command(parsed, world);
      // Scripts and pages are what they are, with or without --json.
      if (!outcome.error && outcome.json.empty()) json = false;
    }
  } catch (const Error& error) {
    outcome.error = error;
  } catch (const std::exception& problem) {
    outcome.error = internal_error(problem);
  }
  return print(outcome, json, operation, error_style, world);
}

}  // namespace dbb::cli
