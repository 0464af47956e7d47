#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

constexpr size_t kTextWidth = 100;
constexpr size_t kOptionColumn = 34;

std::string paragraphs(const std::string& text) {
  std::string out;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find("\n\n", begin), text.size());
    for (const std::string& line : wrap(text.substr(begin, end - begin), kTextWidth)) out += line + "\n";
    begin = end + 2;
    if (begin < text.size()) out += "\n";
  }
  return out;
}

// "  -j, --jobs N               workers"; the text begins on the next line when the names are long.
std::string entry(const std::string& left, const std::string& description) {
  std::string out = "  " + left;
  std::string fill(out.size() + 2 > kOptionColumn ? 0 : kOptionColumn - out.size(), ' ');
  if (fill.empty()) fill = "\n" + std::string(kOptionColumn, ' ');
  for (const std::string& line : wrap(description, kTextWidth - kOptionColumn)) {
    out += fill + line + "\n";
    fill = std::string(kOptionColumn, ' ');
  }
  return out;
}

std::string names_of(const OptionSpec& spec) {
  const auto all = spec.all_names();
  const std::string joined = all.size() > 1 ? all[0] + ", " + all[1] : "    " + all[0];
  return spec.value.empty() ? joined : joined + " " + spec.value;
}

std::string described(const OptionSpec& spec) {
  if (spec.choices.empty() || spec.description.find(spec.choices.back()) != std::string::npos) {
    return spec.description;
  }
  std::string list;
  for (const std::string& choice : spec.choices) list += (list.empty() ? "" : "|") + choice;
  return fmt::format("{} [{}]", spec.description, list);
}

std::string option_group(const std::vector<OptionSpec>& options, const std::string& group,
                         const Style& style) {
  std::string out;
  for (const OptionSpec& spec : options) {
    if (spec.group == group) out += entry(names_of(spec), described(spec));
  }
  if (out.empty()) return out;
  return "\n" + style.paint(Tone::kStrong, group.empty() ? "Options:" : group + ":") + "\n" + out;
}

std::string usage_of(const CommandPage& page) {
  std::string out = "dbbackup " + page.help.name() + " [options]";
  for (const ArgumentSpec& argument : page.options.arguments) {
    out += argument.required ? " " + argument.name : " [" + argument.name + "]";
    if (argument.targets != nullptr) out += "...";
  }
  return out;
}

std::string render_command(const CommandPage& page, const Style& style) {
  std::string out = style.paint(Tone::kStrong, "Usage:") + " " + usage_of(page) + "\n\n";
  out += paragraphs(page.help.description);
  if (!page.options.arguments.empty()) {
    out += "\n" + style.paint(Tone::kStrong, "Arguments:") + "\n";
    for (const ArgumentSpec& argument : page.options.arguments) {
      out += entry(argument.name, argument.description);
    }
  }
  std::vector<std::string> groups{""};
  for (const OptionSpec& spec : page.options.options) {
    if (std::ranges::find(groups, spec.group) == groups.end()) groups.push_back(spec.group);
  }
  for (const std::string& group : groups) out += option_group(page.options.options, group, style);
  GlobalOptions global;
  if (page.help.connects) out += option_group(global.specs(), "Connection options", style);
  out += option_group(global.specs(), "General options", style);
  out += entry("-?, --help", "print this help");
  out += "\n" + style.paint(Tone::kStrong, "Examples:") + "\n";
  for (const Example& example : page.help.examples) {
    out += style.paint(Tone::kFaint, "  # " + example.purpose) + "\n  " + example.command + "\n";
  }
  return out;
}

std::string command_list(const std::vector<CommandPage>& pages, const std::vector<std::string>& prefix) {
  std::string out;
  for (const CommandPage& page : pages) {
    const auto& path = page.help.path;
    if (path.size() < prefix.size() || !std::equal(prefix.begin(), prefix.end(), path.begin())) continue;
    std::string left = page.help.name();
    for (const ArgumentSpec& argument : page.options.arguments) {
      left += argument.required ? " " + argument.name : " [" + argument.name + "]";
      if (argument.targets != nullptr) left += "...";
    }
    out += entry(left, page.help.summary);
  }
  return out;
}

std::string render_overview(const std::vector<CommandPage>& pages, const Style& style) {
  GlobalOptions global;
  std::string out = style.paint(Tone::kStrong, "dbbackup") +
                    " backs up PostgreSQL, restores it, and proves that the restore is right.\n\n" +
                    style.paint(Tone::kStrong, "Usage:") + " dbbackup COMMAND [options]\n\n" +
                    style.paint(Tone::kStrong, "Commands:") + "\n" + command_list(pages, {});
  out += option_group(global.specs(), "Connection options", style);
  out += option_group(global.specs(), "General options", style);
  out += entry("-?, --help", "print this help, or that of a command");
  out += entry("    --version", "print the version");
  out += "\n" + style.paint(Tone::kStrong, "Examples:") +
         "\n"
         "  dbbackup init                              # make a repository, once\n"
         "  dbbackup doctor                            # could this host back up and restore now?\n"
         "  dbbackup backup cluster                    # every database, roles and settings\n"
         "  dbbackup restore cluster latest            # print the plan\n"
         "  dbbackup restore cluster latest --confirm  # carry it out\n";
  return out;
}

}  // namespace

std::vector<CommandPage> pages_of(const CommandList& commands) {
  std::vector<CommandPage> pages;
  for (const auto& command : commands)
    pages.push_back({.help = command->help(), .options = command->options()});
  return pages;
}

std::string render_help(const std::vector<CommandPage>& pages, const std::vector<std::string>& path,
                        const Style& style) {
  if (path.empty()) return render_overview(pages, style);
  for (const CommandPage& page : pages) {
    if (page.help.path == path) return render_command(page, style);
  }
  const std::string list = command_list(pages, path);
  const std::string name = CommandHelp{.path = path}.name();
  if (list.empty()) {
    throw Error(ErrorCode::kUsage, {.message = fmt::format("There is no command \"{}\".", name),
                                    .solution = {"See: dbbackup --help"}});
  }
  return style.paint(Tone::kStrong, "Usage:") + fmt::format(" dbbackup {} COMMAND [options]\n\n", name) +
         style.paint(Tone::kStrong, "Commands:") + "\n" + list +
         fmt::format("\nSee \"dbbackup {} COMMAND --help\" for the options and examples of each.\n", name);
}

}  // namespace dbb::cli
