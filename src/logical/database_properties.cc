#include "logical/database_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"

namespace dbb::logical {
namespace {

using postgres::AclEntry;
using postgres::Connection;
using postgres::DatabaseProperties;

// Settings whose value is stored as a list of quoted names (GUC_LIST_QUOTE; pg_dump's
// variable_is_guc_list_quote).
constexpr std::array<std::string_view, 7> kNameLists{"local_preload_libraries",   "search_path",
                                                     "session_preload_libraries", "shared_preload_libraries",
                                                     "temp_tablespaces",          "unix_socket_directories",
                                                     "output_plugin_libraries"};

std::string role_or_public(const Connection& session, const std::string& role) {
  return role.empty() ? "PUBLIC" : session.quote_identifier(role);
}

std::string setting_value(const Connection& session, const postgres::RoleSetting& setting) {
  if (std::ranges::find(kNameLists, setting.name) == kNameLists.end())
    return session.quote_literal(setting.value);
  std::string list;
  for (const std::string& name : split_name_list(setting.value)) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", session.quote_literal(name));
  }
  return list.empty() ? "''" : list;
}

// A name of a setting may have a dot, which separates and is not quoted.
std::string setting_name(const Connection& session, const std::string& name) {
  std::string quoted;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    quoted +=
        fmt::format("{}{}", begin == 0 ? "" : ".", session.quote_identifier(name.substr(begin, end - begin)));
    begin = end + 1;
  }
  return quoted;
}

std::string text_of(const std::vector<AclEntry>& acl, bool has_acl) {
  if (!has_acl) return "default";
  std::set<std::string> entries;
  for (const AclEntry& entry : acl) {
    entries.insert(fmt::format("{} to {}{} by {}", entry.privilege,
                               entry.grantee.empty() ? "PUBLIC" : entry.grantee,
                               entry.grantable ? " with grant option" : "", entry.grantor));
  }
  return fmt::format("{}", fmt::join(entries, ", "));
}

std::string text_of(const std::vector<postgres::RoleSetting>& settings) {
  std::set<std::string> entries;
  for (const postgres::RoleSetting& setting : settings) {
    entries.insert(
        fmt::format("{}{}={}", setting.role.empty() ? "" : setting.role + ": ", setting.name, setting.value));
  }
  return entries.empty() ? "none" : fmt::format("{}", fmt::join(entries, ", "));
}

}  // namespace

std::vector<std::string> split_name_list(std::string_view value) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false;
  bool any = false;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '"' && quoted && i + 1 < value.size() && value[i + 1] == '"') {
      name += value[++i];
    } else if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ',' && !quoted) {
      names.push_back(std::exchange(name, {}));
      any = false;
    } else if (quoted || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
      name += c;
      any = true;
    }
  }
  if (any) names.push_back(std::move(name));
  return names;
}

std::vector<std::string> privilege_statements(const Connection& session, const std::string& database,
                                              const DatabaseProperties& wanted) {
  if (!wanted.has_acl) return {};
  const std::string on = fmt::format("ON DATABASE {}", session.quote_identifier(database));
  std::vector<std::string> statements{
      fmt::format("REVOKE ALL {} FROM PUBLIC", on),
      fmt::format("REVOKE ALL {} FROM {}", on, session.quote_identifier(wanted.owner))};

  // A grantor must hold the privilege with grant option before it can pass it on; the owner always does.
  std::vector<AclEntry> left = wanted.acl;
  std::set<std::pair<std::string, std::string>> may_grant;  // role, privilege
  for (bool progress = true; progress && !left.empty();) {
    progress = false;
    std::erase_if(left, [&](const AclEntry& entry) {
      const bool by_owner = entry.grantor == wanted.owner;
      if (!by_owner && !may_grant.contains({entry.grantor, entry.privilege})) return false;
      const std::string grant =
          fmt::format("GRANT {} {} TO {}{}", entry.privilege, on, role_or_public(session, entry.grantee),
                      entry.grantable ? " WITH GRANT OPTION" : "");
      if (!by_owner)
        statements.push_back(fmt::format("SET LOCAL ROLE {}", session.quote_identifier(entry.grantor)));
      statements.push_back(grant);
      if (!by_owner) statements.emplace_back("RESET ROLE");
      if (entry.grantable) may_grant.emplace(entry.grantee, entry.privilege);
      progress = true;
      return true;
    });
  }
  return statements;
}

DatabaseProperties with_spelled_privileges(DatabaseProperties properties) {
  if (properties.has_acl) return properties;
  const std::string& owner = properties.owner;
  properties.has_acl = true;
  properties.acl = {{owner, "", "TEMPORARY"}, {owner, "", "CONNECT"}};
  for (const char* privilege : {"CREATE", "TEMPORARY", "CONNECT"})
    properties.acl.push_back({owner, owner, privilege});
  return properties;
}

std::vector<std::string> privilege_statements_of(const std::string& role, const Connection& session,
                                                 const std::string& database,
                                                 const DatabaseProperties& wanted) {
  DatabaseProperties mine = with_spelled_privileges(wanted);
  const bool was_mine = mine.owner == role;
  std::erase_if(mine.acl, [&](const AclEntry& entry) {
    return entry.grantor != mine.owner || (!was_mine && !entry.grantee.empty());
  });
  mine.owner = role;
  for (AclEntry& entry : mine.acl) entry.grantor = role;
  if (!was_mine) {
    for (const char* privilege : {"CREATE", "TEMPORARY", "CONNECT"})
      mine.acl.push_back({role, role, privilege});
  }
  return privilege_statements(session, database, mine);
}

std::vector<std::string> setting_statements(const Connection& session, const std::string& database,
                                            const DatabaseProperties& wanted) {
  const std::string name = session.quote_identifier(database);
  std::vector<std::string> statements;
  for (const postgres::RoleSetting& setting : wanted.settings) {
    const std::string whose =
        setting.role.empty()
            ? fmt::format("ALTER DATABASE {}", name)
            : fmt::format("ALTER ROLE {} IN DATABASE {}", session.quote_identifier(setting.role), name);
    statements.push_back(fmt::format("{} SET {} TO {}", whose, setting_name(session, setting.name),
                                     setting_value(session, setting)));
  }
  for (const postgres::SecurityLabel& label : wanted.labels) {
    statements.push_back(fmt::format("SECURITY LABEL FOR {} ON DATABASE {} IS {}",
                                     session.quote_identifier(label.provider), name,
                                     session.quote_literal(label.label)));
  }
  return statements;
}

std::vector<std::string> flag_statements(const Connection& session, const std::string& database,
                                         const DatabaseProperties& wanted) {
  const std::string name = session.quote_identifier(database);
  return {fmt::format("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {} CONNECTION LIMIT {} IS_TEMPLATE {}", name,
                      wanted.allow_connections, std::max(wanted.connection_limit, -1), wanted.is_template),
          fmt::format("COMMENT ON DATABASE {} IS {}", name,
                      wanted.comment ? session.quote_literal(*wanted.comment) : "NULL")};
}

std::vector<std::string> execute_tolerantly(Connection& session, const std::vector<std::string>& statements) {
  std::vector<std::string> warnings;
  for (const std::string& statement : statements) {
    session.execute("SAVEPOINT dbbackup_property");
    try {
      session.execute(statement);
      session.execute("RELEASE SAVEPOINT dbbackup_property");
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
      session.execute("ROLLBACK TO SAVEPOINT dbbackup_property");
      warnings.push_back(fmt::format("{}: {}", statement, error.what()));
    }
  }
  return warnings;
}

std::vector<std::string> property_differences(const DatabaseProperties& old_one,
                                              const DatabaseProperties& backup) {
  std::vector<std::string> lines;
  const auto compare = [&](std::string_view what, const std::string& was, const std::string& is) {
    if (was != is) lines.push_back(fmt::format("{}: it was {}, in the backup it is {}", what, was, is));
  };
  compare("owner", old_one.owner, backup.owner);
  compare("encoding", old_one.encoding, backup.encoding);
  compare("collation", old_one.collate, backup.collate);
  compare("character type", old_one.ctype, backup.ctype);
  compare("locale", old_one.locale, backup.locale);
  compare("tablespace", old_one.tablespace, backup.tablespace);
  compare("connection limit", std::to_string(old_one.connection_limit),
          std::to_string(backup.connection_limit));
  compare("template", old_one.is_template ? "yes" : "no", backup.is_template ? "yes" : "no");
  compare("privileges", text_of(old_one.acl, old_one.has_acl), text_of(backup.acl, backup.has_acl));
  compare("settings", text_of(old_one.settings), text_of(backup.settings));
  compare("comment", old_one.comment.value_or("none"), backup.comment.value_or("none"));
  return lines;
}

}  // namespace dbb::logical
