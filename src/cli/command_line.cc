#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/nearest.h"

namespace dbb::cli {
namespace {

// The widest wait that makes sense, and far from overflowing milliseconds.
constexpr int kLongestWaitSeconds = 7 * 24 * 3600;

CLI::Option* add_option(CLI::App& app, const OptionSpec& spec) {
  CLI::Option* option = nullptr;
  if (auto* const* flag = std::get_if<bool*>(&spec.target)) {
    option = app.add_flag(spec.names, **flag, spec.description);
  } else if (auto* const* text = std::get_if<std::optional<std::string>*>(&spec.target)) {
    option = app.add_option_function<std::string>(
        spec.names, [target = *text](const std::string& value) { *target = value; }, spec.description);
  } else if (auto* const* number = std::get_if<std::optional<int>*>(&spec.target)) {
    option = app.add_option_function<int>(
        spec.names, [target = *number](int value) { *target = value; }, spec.description);
    option->check(CLI::Range(spec.range.first, spec.range.second));
  } else if (auto* const* list = std::get_if<std::vector<std::string>*>(&spec.target)) {
    // One value each time: CLI11 would take the words behind it for more of them.
    option = app.add_option(spec.names, **list, spec.description);
    option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  } else {
    auto* const target = std::get<std::optional<std::chrono::seconds>*>(spec.target);
    option = app.add_option_function<int>(
        spec.names, [target](int value) { *target = std::chrono::seconds(value); }, spec.description);
    option->check(CLI::Range(1, kLongestWaitSeconds));
  }
  if (!spec.choices.empty()) option->check(CLI::IsMember(spec.choices));
  // The last one wins, so that an alias with options in it can be overridden.
  if (!std::holds_alternative<bool*>(spec.target) &&
      !std::holds_alternative<std::vector<std::string>*>(spec.target))
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return option;
}

Error usage_error(std::string message, std::vector<std::string> solution, const std::string& command) {
  const std::string words = command.empty() ? "" : command + " ";
  solution.push_back(fmt::format("See: dbbackup {}--help", words));
  return Error(ErrorCode::kUsage, {.message = std::move(message), .solution = std::move(solution)});
}

class Tree {
 public:
  explicit Tree(const CommandList& commands) : app_("dbbackup") {
    prepare(app_);
    for (const OptionSpec& spec : out_.global.specs()) {
      add_option(app_, spec);
      for (const std::string& name : spec.all_names()) global_names_.push_back(name);
    }
    app_.add_flag("--version", out_.wants_version, "print the version");
    global_names_.insert(global_names_.end(), {"--version", "--help"});
    for (const auto& command : commands) add(*command);
  }

  ParsedCommandLine parse(std::vector<std::string> arguments) {
    refuse_empty_values(arguments);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      out_.wants_help = true;
      out_.help_path = typed_path();
      return std::move(out_);
    } catch (const CLI::ParseError& error) {
      throw usage_error(fmt::format("{}.", without_full_stop(error.what())), {}, name_of(typed_path()));
    }
    if (out_.wants_version) return std::move(out_);
    const auto path = typed_path();
    const auto leaf = leaves_.find(name_of(path));
    refuse_leftovers(path, leaf == leaves_.end() ? nullptr : &leaf->second);
    if (leaf == leaves_.end()) {
      if (!path.empty()) throw nothing_to_do(name_of(path));
      out_.wants_help = true;  // `dbbackup` alone: say what there is
      out_.help_path = path;
      return std::move(out_);
    }
    out_.command = leaf->second.command;
    for (const ArgumentSpec& argument : leaf->second.options.arguments) {
      const bool is_made_up_for = argument.unless != nullptr && argument.unless->has_value();
      if (argument.required && !is_made_up_for && !argument.target->has_value()) {
        throw usage_error(fmt::format("{} is missing: {}.", argument.name, argument.description), {},
                          name_of(path));
      }
    }
    return std::move(out_);
  }

 private:
  struct Leaf {
    Command* command;
    OptionList options;
  };

  static std::string without_full_stop(std::string text) {
    while (text.ends_with('.') || text.ends_with('\n')) text.pop_back();
    return text;
  }

  // CLI11 takes the next word for the value of "--as=", be it "--confirm".
  static void refuse_empty_values(const std::vector<std::string>& arguments) {
    for (const std::string& word : arguments) {
      if (word == "--") return;
      if (!word.starts_with("--") || word.find('=') != word.size() - 1) continue;
      throw usage_error(fmt::format("{} has no value.", word.substr(0, word.size() - 1)),
                        {"Write a value behind the \"=\", or leave the option out."}, "");
    }
  }

  static std::string name_of(const std::vector<std::string>& path) {
    return CommandHelp{.path = path}.name();
  }

  // Every level: help by --help and -? alone, options of the level above accepted, one command at most (a
  // second word that happens to be a command's name is an argument: a database may be called "list"), and no
  // judgement by CLI11 about what is left over, because it does not know what was meant.
  static void prepare(CLI::App& app) {
    app.set_help_flag("-?,--help", "print this help");
    app.fallthrough();
    app.allow_extras();
    app.require_subcommand(0, 1);
  }

  void add(Command& command) {
    const CommandHelp help = command.help();
    CLI::App* at = &app_;
    std::vector<std::string> path;
    for (const std::string& word : help.path) {
      path.push_back(word);
      CLI::App*& below = apps_[name_of(path)];
      if (below == nullptr) {
        below = at->add_subcommand(word, help.summary);
        prepare(*below);
      }
      at = below;
    }
    Leaf leaf{.command = &command, .options = command.options()};
    for (const ArgumentSpec& argument : leaf.options.arguments) {
      if (argument.targets != nullptr) {
        at->add_option(argument.name, *argument.targets, argument.description);
        continue;
      }
      auto* option = at->add_option_function<std::string>(
          argument.name, [target = argument.target](const std::string& value) { *target = value; },
          argument.description);
      if (!argument.choices.empty()) option->check(CLI::IsMember(argument.choices));
    }
    for (const OptionSpec& spec : leaf.options.options) add_option(*at, spec);
    leaves_.emplace(help.name(), std::move(leaf));
  }

  std::vector<std::string> typed_path() const {
    std::vector<std::string> path;
    const CLI::App* at = &app_;
    while (!at->get_subcommands().empty()) {
      at = at->get_subcommands().front();
      path.push_back(at->get_name());
    }
    return path;
  }

  // What CLI11 could not place is a misspelled option, a misspelled command, or a word too many.
  void refuse_leftovers(const std::vector<std::string>& path, const Leaf* leaf) const {
    std::vector<std::string> left = app_.remaining(true);
    std::erase(left, "--");  // ends the options: what follows is a name, whatever it looks like
    if (left.empty()) return;
    const std::string name = name_of(path);
    const auto option = std::ranges::find_if(
        left, [](const std::string& word) { return word.size() > 1 && word.starts_with('-'); });
    if (option != left.end()) {
      const std::string typed = option->substr(0, option->find('='));
      std::vector<std::string> known = global_names_;
      if (leaf != nullptr) {
        for (const OptionSpec& spec : leaf->options.options) {
          for (std::string& spelling : spec.all_names()) known.push_back(std::move(spelling));
        }
      }
      std::erase_if(known, [&](const std::string& candidate) {
        return candidate.starts_with("--") != typed.starts_with("--");
      });
      // A wrong letter among one-letter options resembles every other one.
      const auto meant = typed.starts_with("--") ? nearest(typed, known) : std::nullopt;
      throw usage_error(
          fmt::format("Unknown option {}{}.", typed, name.empty() ? "" : " for \"dbbackup " + name + "\""),
          suggestion(meant), name);
    }
    if (leaf != nullptr) {
      throw usage_error(fmt::format("\"{}\" is one word too many for \"dbbackup {}\".", left.front(), name),
                        {"Put quotes around a name that has spaces in it."}, name);
    }
    std::vector<std::string> known;
    const CLI::App* at = path.empty() ? &app_ : apps_.at(name);
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(command->get_name());
    }
    auto meant = nearest(left.front(), known);
    if (meant && !name.empty()) meant = name + " " + *meant;
    throw usage_error(fmt::format("Unknown command \"{}{}\".", name.empty() ? "" : name + " ", left.front()),
                      suggestion(meant ? std::optional("dbbackup " + *meant) : std::nullopt), name);
  }

  // A line of cron that lost its last word must not report success.
  Error nothing_to_do(const std::string& name) const {
    std::vector<std::string> steps;
    for (const CLI::App* command : apps_.at(name)->get_subcommands([](const CLI::App*) { return true; })) {
      steps.push_back(
          fmt::format("dbbackup {} {}: {}", name, command->get_name(), command->get_description()));
    }
    return usage_error(fmt::format("\"dbbackup {}\" needs one more word.", name), std::move(steps), name);
  }

  static std::vector<std::string> suggestion(const std::optional<std::string>& meant) {
    if (!meant) return {};
    return {fmt::format("Did you mean {}?", *meant)};
  }

  CLI::App app_;
  ParsedCommandLine out_;                  // the tree's targets point into it until parse() gives it away
  std::map<std::string, Leaf> leaves_;     // by name: "backup cluster"
  std::map<std::string, CLI::App*> apps_;  // groups too; owned by app_
  std::vector<std::string> global_names_;
};

}  // namespace

ParsedCommandLine parse_command_line(const CommandList& commands, std::vector<std::string> arguments) {
  return Tree(commands).parse(std::move(arguments));
}

}  // namespace dbb::cli
