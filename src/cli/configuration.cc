#include "cli/configuration.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <set>

#include "base/error.h"
#include "cli/nearest.h"
#include "logical/restore.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

constexpr uint64_t kLargestFile = 1 << 20;

// libpq's keywords that may stand in the file, by our spelling. No password: it belongs into a passfile.
const std::vector<std::pair<std::string, std::string>>& connection_keys() {
  static const std::vector<std::pair<std::string, std::string>> kKeys = {
      {"host", "host"},
      {"hostaddr", "hostaddr"},
      {"port", "port"},
      {"user", "user"},
      {"database", "dbname"},
      {"service", "service"},
      {"passfile", "passfile"},
      {"sslmode", "sslmode"},
      {"sslrootcert", "sslrootcert"},
      {"sslcert", "sslcert"},
      {"sslkey", "sslkey"},
      {"sslcrl", "sslcrl"},
      {"channel_binding", "channel_binding"},
      {"gssencmode", "gssencmode"},
      {"krbsrvname", "krbsrvname"},
      {"connect_timeout", "connect_timeout"},
      {"target_session_attrs", "target_session_attrs"},
  };
  return kKeys;
}

class Reader {
 public:
  explicit Reader(std::filesystem::path file) : file_(std::move(file)) {}

  [[noreturn]] void fail(const YAML::Mark& mark, std::string message, std::string solution) const {
    Error error(
        ErrorCode::kConfigInvalid,
        {.message = fmt::format("{}, line {}: {}", file_.string(), mark.line + 1, message),
         .solution = {std::move(solution), "See docs/configuration.md for every key and its meaning."}});
    error.add_context("File", file_.string());
    error.add_context("Line", std::to_string(mark.line + 1));
    throw error;
  }

  using Handlers = std::vector<std::pair<std::string, std::function<void(const YAML::Node&)>>>;

  // `where` is "" for the file itself, "connection." for what stands below it.
  void read_map(const YAML::Node& map, const std::string& where, const Handlers& handlers) const {
    if (map.IsNull()) return;
    if (!map.IsMap()) {
      fail(map.Mark(),
           where.empty() ? "The file is not a list of keys and values." : where + " must be a list of keys.",
           "Write one \"key: value\" a line.");
    }
    std::set<std::string> seen;
    for (const auto& entry : map) {
      const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string("(not a word)");
      if (!seen.insert(key).second) {
        fail(entry.first.Mark(), fmt::format("The key \"{}{}\" is there twice.", where, key),
             "Remove one of them.");
      }
      const auto* handler = find(handlers, key);
      if (handler == nullptr) unknown_key(entry.first.Mark(), where, key, handlers);
      (*handler)(entry.second);
    }
  }

  std::string text(const YAML::Node& node, std::string_view key) const {
    if (!node.IsScalar() || node.Scalar().empty()) {
      fail(node.Mark(), fmt::format("\"{}\" must be a text.", key), fmt::format("Write \"{}: value\".", key));
    }
    return node.Scalar();
  }

  int number(const YAML::Node& node, std::string_view key, int most) const {
    int value = 0;
    if (!node.IsScalar() || !YAML::convert<int>::decode(node, value) || value < 1 || value > most) {
      fail(node.Mark(), fmt::format("\"{}\" must be a whole number from 1 to {}.", key, most),
           fmt::format("Write \"{}: 4\", for example.", key));
    }
    return value;
  }

 private:
  static const std::function<void(const YAML::Node&)>* find(const Handlers& handlers,
                                                            const std::string& key) {
    for (const auto& [name, handler] : handlers) {
      if (name == key) return &handler;
    }
    return nullptr;
  }

  [[noreturn]] void unknown_key(const YAML::Mark& mark, const std::string& where, const std::string& key,
                                const Handlers& handlers) const {
    std::vector<std::string> known;
    std::string list;
    for (const auto& [name, handler] : handlers) {
      known.push_back(name);
      list += (list.empty() ? "" : ", ") + name;
    }
    const auto meant = nearest(key, known);
    if (where.empty() && key == "passphrase") {
      fail(mark, "A passphrase does not belong into the configuration file.",
           "Put it into a file of its own with mode 0600, and name that: passphrase_file");
    }
    if (where == "connection." && key == "password") {
      fail(mark, "A password does not belong into the configuration file.",
           "Put it into a password file (~/.pgpass, or connection.passfile) with mode 0600.");
    }
    fail(mark,
         fmt::format("Unknown key \"{}{}\"{}.", where, key,
                     meant ? fmt::format("; the nearest known one is \"{}{}\"", where, *meant) : ""),
         meant ? fmt::format("Write \"{}\" instead of \"{}\", or remove the line.", *meant, key)
               : fmt::format("Remove the line. Known here: {}.", list));
  }

  std::filesystem::path file_;
};

}  // namespace

Configuration parse_configuration(const std::string& yaml, const std::filesystem::path& file) {
  const Reader reader(file);
  YAML::Node root;
  try {
    root = YAML::Load(yaml);
  } catch (const YAML::Exception& problem) {
    reader.fail(problem.mark, "This is not YAML: " + problem.msg + ".", "Correct that line.");
  }

  Configuration out;
  Reader::Handlers connection;
  for (const auto& known : connection_keys()) {
    connection.emplace_back(known.first, [&reader, &out, known](const YAML::Node& node) {
      out.connection.emplace_back(known.second, reader.text(node, "connection." + known.first));
    });
  }
  const auto seconds = [&reader](const YAML::Node& node, std::string_view key) {
    return std::chrono::seconds(
        reader.number(node, key, static_cast<int>(logical::kLongestLockTimeout.count())));
  };

  reader.read_map(
      root, "",
      {
          {"repository", [&](const YAML::Node& node) { out.repository = reader.text(node, "repository"); }},
          {"passphrase_file",
           [&](const YAML::Node& node) { out.passphrase_file = reader.text(node, "passphrase_file"); }},
          {"passphrase_command",
           [&](const YAML::Node& node) { out.passphrase_command = reader.text(node, "passphrase_command"); }},
          {"key_file", [&](const YAML::Node& node) { out.key_file = reader.text(node, "key_file"); }},
          {"connection", [&](const YAML::Node& node) { reader.read_map(node, "connection.", connection); }},
          {"jobs",
           [&](const YAML::Node& node) { out.jobs = reader.number(node, "jobs", logical::kMostJobs); }},
          {"parallel_databases",
           [&](const YAML::Node& node) {
             out.parallel_databases =
                 reader.number(node, "parallel_databases", logical::kMostParallelDatabases);
           }},
          {"lock_timeout_s",
           [&](const YAML::Node& node) { out.lock_timeout = seconds(node, "lock_timeout_s"); }},
          {"lock_wait_timeout_s",
           [&](const YAML::Node& node) { out.lock_wait_timeout = seconds(node, "lock_wait_timeout_s"); }},
          {"client_programs",
           [&](const YAML::Node& node) {
             if (!node.IsSequence()) {
               reader.fail(node.Mark(), "\"client_programs\" must be a list of directories.",
                           "Write each below it, as \"  - /usr/lib/postgresql/15/bin\".");
             }
             for (const auto& directory : node) {
               out.client_programs.emplace_back(reader.text(directory, "client_programs"));
             }
           }},
      });
  return out;
}

Configuration load_configuration(const std::optional<std::filesystem::path>& named) {
  const std::filesystem::path file = named.value_or(std::filesystem::path(kDefaultConfigurationFile));
  std::optional<Bytes> content;
  try {
    content = system::read_file(file, kLargestFile);
  } catch (const Error& error) {
    // A default file that this user may not read is a setting somebody made for us: not to be passed over.
    throw Error(ErrorCode::kConfigInvalid,
                {.message = fmt::format("The configuration file {} cannot be read.", file.string()),
                 .cause = error.cause().empty() ? error.message() : error.cause(),
                 .solution = {fmt::format("Make it readable for this user: ls -l {}", file.string()),
                              "Or name another file with --config FILE."}});
  }
  if (!content) {
    if (!named) return {};
    throw Error(ErrorCode::kConfigInvalid,
                {.message = fmt::format("The configuration file {} does not exist.", file.string()),
                 .solution = {"Check the path after --config.",
                              "Or leave --config out: without a configuration file the defaults hold."}});
  }
  return parse_configuration(std::string(content->begin(), content->end()), file);
}

}  // namespace dbb::cli
