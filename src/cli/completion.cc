#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/help.h"

namespace dbb::cli {
namespace {

// What may follow a prefix of words that is a command or a group.
struct Node {
  std::vector<std::pair<std::string, std::string>> words;  // next word, summary
  std::vector<OptionSpec> options;
};

// By prefix: "", "backup", "backup cluster".
std::map<std::string, Node> nodes_of(const std::vector<CommandPage>& pages) {
  std::map<std::string, Node> nodes;
  for (const CommandPage& page : pages) {
    std::string prefix;
    for (size_t i = 0; i < page.help.path.size(); ++i) {
      const std::string& word = page.help.path[i];
      auto& words = nodes[prefix].words;
      const bool last = i + 1 == page.help.path.size();
      std::string summary = page.help.summary;
      if (!last) {
        for (const CommandGroup& group : command_groups()) {
          if (group.name == word) summary = group.summary;
        }
      }
      if (words.empty() || words.back().first != word) words.emplace_back(word, summary);
      prefix += (prefix.empty() ? "" : " ") + word;
    }
    Node& leaf = nodes[prefix];
    leaf.options = page.options.options;
    for (const ArgumentSpec& argument : page.options.arguments) {
      for (const std::string& choice : argument.choices)
        leaf.words.emplace_back(choice, argument.description);
    }
  }
  return nodes;
}

std::vector<OptionSpec> global_specs() {
  GlobalOptions global;
  auto specs = global.specs();
  bool* const nowhere = nullptr;  // these are only named here, never parsed
  specs.push_back({.names = "-?,--help", .value = "", .description = "print this help", .target = nowhere});
  specs.push_back({.names = "--version", .value = "", .description = "print the version", .target = nowhere});
  return specs;
}

std::string joined(const std::vector<std::pair<std::string, std::string>>& words) {
  std::string out;
  for (const auto& [word, summary] : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string long_names(const std::vector<OptionSpec>& options) {
  std::string out;
  for (const OptionSpec& spec : options) out += (out.empty() ? "" : " ") + spec.long_name();
  return out;
}

// Every option that takes a value, so that the value is not mistaken for a command.
std::set<std::string> options_with_value(const std::map<std::string, Node>& nodes) {
  std::set<std::string> out;
  const auto collect = [&](const std::vector<OptionSpec>& options) {
    for (const OptionSpec& spec : options) {
      if (spec.value.empty()) continue;
      for (const std::string& name : spec.all_names()) out.insert(name);
    }
  };
  collect(global_specs());
  for (const auto& [prefix, node] : nodes) collect(node.options);
  return out;
}

std::string alternatives(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : "|") + name;
  return out;
}

// Options whose value is a file.
std::string files_of(const std::map<std::string, Node>& nodes) {
  std::set<std::string> out;
  const auto collect = [&](const std::vector<OptionSpec>& options) {
    for (const OptionSpec& spec : options) {
      if (spec.value == "FILE") out.insert(spec.long_name());
    }
  };
  collect(global_specs());
  for (const auto& [prefix, node] : nodes) collect(node.options);
  return alternatives(out);
}

// Options whose value is one of a few words: "--old" -> "drop keep".
std::map<std::string, std::string> choices_of(const std::map<std::string, Node>& nodes) {
  std::map<std::string, std::string> out;
  const auto collect = [&](const std::vector<OptionSpec>& options) {
    for (const OptionSpec& spec : options) {
      for (const std::string& choice : spec.choices) {
        std::string& list = out[spec.long_name()];
        if ((" " + list + " ").find(" " + choice + " ") == std::string::npos)
          list += (list.empty() ? "" : " ") + choice;
      }
    }
  };
  collect(global_specs());
  for (const auto& [prefix, node] : nodes) collect(node.options);
  return out;
}

std::string bash(const std::map<std::string, Node>& nodes) {
  std::string out = "# bash completion for dbbackup; made by: dbbackup completion bash\n_dbbackup() {\n";
  out += "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path= skip= i\n";
  out += "  case $before in\n";
  for (const auto& [name, choices] : choices_of(nodes)) {
    out += fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n", name, choices);
  }
  out += "    -r|--repository) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n";
  out += "    " + files_of(nodes) + ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n  esac\n";
  out += "  for ((i = 1; i < COMP_CWORD; i++)); do\n";
  out += "    if [[ $skip ]]; then skip=; continue; fi\n";
  out += "    case ${COMP_WORDS[i]} in\n";
  out += fmt::format("      {}) skip=1 ;;\n", alternatives(options_with_value(nodes)));
  out += "      -*) ;;\n";
  out += "      *) path=\"${path:+$path }${COMP_WORDS[i]}\" ;;\n    esac\n  done\n";
  out += fmt::format("  local words= options='{}'\n  case $path in\n", long_names(global_specs()));
  for (const auto& [prefix, node] : nodes) {
    // A command with arguments stays the same command after them.
    const std::string pattern = prefix.empty()       ? "''"
                                : node.words.empty() ? fmt::format("'{}'*", prefix)
                                                     : fmt::format("'{}'", prefix);
    out += fmt::format("    {}) words='{}' options=\"$options {}\" ;;\n", pattern, joined(node.words),
                       long_names(node.options));
  }
  out += "  esac\n";
  out += "  if [[ $word == -* ]]; then words=$options; fi\n";
  out += "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -F _dbbackup dbbackup\n";
  return out;
}

// Inside single quotes of zsh and fish, and with the characters _describe and _arguments give meaning to.
std::string quoted(const std::string& text, bool zsh) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += zsh ? "'\\''" : "\\'";
    } else if (zsh && (c == ':' || c == '[' || c == ']')) {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh(const std::map<std::string, Node>& nodes) {
  std::string out =
      "#compdef dbbackup\n# zsh completion for dbbackup; made by: dbbackup completion zsh\n_dbbackup() {\n";
  out += "  local path= skip= i\n  local -a words_here options\n";
  out += "  case ${words[CURRENT-1]} in\n";
  for (const auto& [name, choices] : choices_of(nodes)) {
    out += fmt::format("    {}) compadd -- {}; return ;;\n", name, choices);
  }
  out +=
      "    -r|--repository) _files -/; return ;;\n    " + files_of(nodes) + ") _files; return ;;\n  esac\n";
  out += "  for ((i = 2; i < CURRENT; i++)); do\n    if [[ -n $skip ]]; then skip=; continue; fi\n";
  out += "    case ${words[i]} in\n";
  out += fmt::format("      {}) skip=1 ;;\n", alternatives(options_with_value(nodes)));
  out += "      -*) ;;\n      *) path=\"${path:+$path }${words[i]}\" ;;\n    esac\n  done\n  options=(\n";
  for (const OptionSpec& spec : global_specs()) {
    out += fmt::format("    '{}:{}'\n", spec.long_name(), quoted(spec.description, true));
  }
  out += "  )\n  case $path in\n";
  for (const auto& [prefix, node] : nodes) {
    const std::string pattern = prefix.empty()       ? "''"
                                : node.words.empty() ? fmt::format("'{}'*", prefix)
                                                     : fmt::format("'{}'", prefix);
    out += fmt::format("    {})\n      words_here=(", pattern);
    for (const auto& [word, summary] : node.words)
      out += fmt::format(" '{}:{}'", word, quoted(summary, true));
    out += " )\n      options+=(";
    for (const OptionSpec& spec : node.options) {
      out += fmt::format(" '{}:{}'", spec.long_name(), quoted(spec.description, true));
    }
    out += " ) ;;\n";
  }
  out += "  esac\n  if [[ ${words[CURRENT]} == -* ]]; then _describe option options\n";
  out += "  else _describe command words_here; fi\n}\n";
  out +=
      "if [[ ${funcstack[1]} == _dbbackup ]]; then _dbbackup \"$@\"; else compdef _dbbackup dbbackup; fi\n";
  return out;
}

std::string fish_option(const OptionSpec& spec, const std::string& condition) {
  std::string out = "complete -c dbbackup" + condition;
  for (const std::string& name : spec.all_names()) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s '" + name.substr(1) + "'";
  }
  if (!spec.value.empty()) out += spec.value == "FILE" ? " -r -F" : " -x";
  if (!spec.choices.empty()) {
    std::string list;
    for (const std::string& choice : spec.choices) list += (list.empty() ? "" : " ") + choice;
    out += " -a '" + list + "'";
  }
  return out + fmt::format(" -d '{}'\n", quoted(spec.description, false));
}

std::string fish(const std::map<std::string, Node>& nodes) {
  std::string out =
      "# fish completion for dbbackup; made by: dbbackup completion fish\ncomplete -c dbbackup -f\n";
  for (const OptionSpec& spec : global_specs()) out += fish_option(spec, "");
  for (const auto& [prefix, node] : nodes) {
    // In a group or at the top: none of the next words was typed yet.
    std::string condition;
    for (size_t begin = 0; begin < prefix.size();) {
      const size_t end = std::min(prefix.find(' ', begin), prefix.size());
      condition += (condition.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") +
                   prefix.substr(begin, end - begin);
      begin = end + 1;
    }
    for (const auto& [word, summary] : node.words) {
      const std::string not_yet = "not __fish_seen_subcommand_from " + joined(node.words);
      out += fmt::format("complete -c dbbackup -n '{}' -a {} -d '{}'\n",
                         condition.empty() ? not_yet : condition + "; and " + not_yet, word,
                         quoted(summary, false));
    }
    for (const OptionSpec& spec : node.options) out += fish_option(spec, " -n '" + condition + "'");
  }
  return out;
}

}  // namespace

std::string render_completion(const std::vector<CommandPage>& pages, const std::string& shell) {
  const auto nodes = nodes_of(pages);
  if (shell == "bash") return bash(nodes);
  if (shell == "zsh") return zsh(nodes);
  DBB_CHECK(shell == "fish", "the command line lets no other shell through");
  return fish(nodes);
}

}  // namespace dbb::cli
