#include <libpq-fe.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "postgres/connection.h"

namespace dbb::postgres {
namespace {

struct OptionsFree {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, OptionsFree>;

struct ConnectionFree {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Attempt = std::unique_ptr<PGconn, ConnectionFree>;

// libpq has no function that says what it would use for given parameters. An attempt that it refuses for an
// impossible value makes it apply service file, environment and defaults, and stop before it opens a socket.
constexpr const char* kImpossible = "resolve-only";

Attempt resolve(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : parameters) {
    if (keyword == "gssencmode" || keyword == "password") continue;
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  // With a password given the password file stays closed, and its warnings unsaid.
  keywords.insert(keywords.end(), {"password", "gssencmode", nullptr});
  values.insert(values.end(), {"none", kImpossible, nullptr});
  return Attempt(PQconnectStartParams(keywords.data(), values.data(), 0));
}

// libpq quotes the offending piece, which may be a piece of a password.
std::string without_quoted_text(std::string_view words) {
  std::string out;
  bool quoted = false;
  for (const char c : words) {
    if (c == '"') {
      out += quoted ? "...\"" : "\"";
      quoted = !quoted;
    } else if (!quoted && c != '\n') {
      out += c;
    }
  }
  return out;
}

Error unusable(std::string words) {
  while (!words.empty() && words.back() == '\n') words.pop_back();
  return Error(ErrorCode::kUsage,
               {.message = "The connection string cannot be used.",
                .cause = std::move(words),
                .solution = {"Write it as \"host=db1 port=5432 user=backup dbname=postgres\" or as "
                             "\"postgresql://backup@db1:5432/postgres\"."}});
}

std::string conninfo_quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

ConnectionTarget ConnectionTarget::parse(const std::string& conninfo,
                                         std::span<const std::pair<std::string, std::string>> overrides) {
  char* words = nullptr;
  const Options options(PQconninfoParse(conninfo.c_str(), &words));
  if (!options) {
    const std::unique_ptr<char, void (*)(void*)> owner(words, PQfreemem);
    throw unusable(without_quoted_text(words != nullptr ? words : "out of memory"));
  }
  ConnectionTarget target;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) target.parameters_.emplace_back(option->keyword, option->val);
  for (const auto& [keyword, value] : overrides) target = target.with(keyword, value);

  const Attempt attempt = resolve(target.parameters_);
  const char* refusal = attempt ? PQerrorMessage(attempt.get()) : "out of memory";
  if (std::strstr(refusal, kImpossible) == nullptr) throw unusable(refusal);
  return target;
}

ConnectionTarget ConnectionTarget::with(std::string_view keyword, std::string value) const {
  ConnectionTarget copy = *this;
  const auto known =
      std::ranges::find(copy.parameters_, keyword, &std::pair<std::string, std::string>::first);
  if (known != copy.parameters_.end())
    known->second = std::move(value);
  else
    copy.parameters_.emplace_back(keyword, std::move(value));
  return copy;
}

std::string ConnectionTarget::value(std::string_view keyword) const {
  const auto given = std::ranges::find(parameters_, keyword, &std::pair<std::string, std::string>::first);
  if (given != parameters_.end() && !given->second.empty()) return given->second;
  if (keyword == "password") return {};
  const Attempt attempt = resolve(parameters_);
  const Options options(PQconninfo(attempt.get()));
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option)
    if (keyword == option->keyword && option->val != nullptr) return option->val;
  // The socket directory that was compiled in is not among the options.
  const char* host = keyword == "host" ? PQhost(attempt.get()) : nullptr;
  return host != nullptr ? host : "";
}

std::string ConnectionTarget::host_and_port() const {
  std::string host = value("host");
  if (host.empty()) host = value("hostaddr");
  if (host.empty()) host = "local socket";
  const std::string port = value("port");
  return port.empty() ? host : host + ":" + port;
}

bool ConnectionTarget::is_local_socket() const {
  if (!value("hostaddr").empty()) return false;
  const std::string host = value("host");
  return host.empty() || host.front() == '/' || host.front() == '@';
}

std::string ConnectionTarget::conninfo_without_password() const {
  std::string out;
  for (const auto& [keyword, value] : parameters_) {
    if (keyword == "password" || keyword == "sslpassword" || keyword == "options" ||
        keyword == "application_name")
      continue;
    if (!out.empty()) out += ' ';
    out += keyword + "=" + conninfo_quoted(value);
  }
  return out;
}

std::optional<std::string> ConnectionTarget::password() const {
  const auto given = std::ranges::find(parameters_, "password", &std::pair<std::string, std::string>::first);
  if (given == parameters_.end() || given->second.empty()) return std::nullopt;
  return given->second;
}

}  // namespace dbb::postgres
