#include "logical/globals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>

#include "logical/globals_text.h"

namespace dbb::logical {
namespace {

std::set<std::string> created_in(const std::vector<GlobalStatement>& all, Subject subject) {
  std::set<std::string> names;
  for (const GlobalStatement& statement : all) {
    if (statement.creates && statement.subject == subject) names.insert(statement.name);
  }
  return names;
}

// What only one of the two sides says about roles and tablespaces that both have.
class Differences {
 public:
  Differences(const std::vector<GlobalStatement>& backup, const std::vector<GlobalStatement>& target,
              const std::set<std::string>& roles, const std::set<std::string>& tablespaces)
      : roles_(roles), tablespaces_(tablespaces) {
    collect(backup, backup_);
    collect(target, target_);
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [about, texts] : backup_) {
      const auto other = target_.find(about);
      describe(about, texts, other == target_.end() ? std::set<std::string>() : other->second, lines);
    }
    for (const auto& [about, texts] : target_) {
      if (!backup_.contains(about)) describe(about, {}, texts, lines);
    }
    return lines;
  }

 private:
  using ByObject = std::map<std::string, std::set<std::string>>;

  bool concerns_both(const GlobalStatement& statement) const {
    switch (statement.subject) {
      case Subject::kRole:
        return roles_.contains(statement.name);
      case Subject::kTablespace:
        return tablespaces_.contains(statement.name);
      case Subject::kMembership:
      case Subject::kParameter:
        return std::ranges::all_of(statement.parties,
                                   [&](const auto& role) { return roles_.contains(role); });
      case Subject::kSession:
        break;
    }
    return false;
  }

  void collect(const std::vector<GlobalStatement>& all, ByObject& into) const {
    for (const GlobalStatement& statement : all) {
      if (!concerns_both(statement)) continue;
      std::string about;
      if (statement.subject == Subject::kRole) about = fmt::format("role {}", statement.name);
      if (statement.subject == Subject::kTablespace) about = fmt::format("tablespace {}", statement.name);
      if (statement.subject == Subject::kMembership) about = fmt::format("role {}", statement.parties[1]);
      if (statement.subject == Subject::kParameter) about = "privileges on parameters";
      into[about].insert(statement.text);
    }
  }

  static void describe(const std::string& about, const std::set<std::string>& backup,
                       const std::set<std::string>& target, std::vector<std::string>& lines) {
    std::set<std::string> masked_of_target;
    for (const std::string& text : target) masked_of_target.insert(mask_password(text));
    std::set<std::string> masked_of_backup;
    for (const std::string& text : backup) {
      const std::string masked = mask_password(text);
      masked_of_backup.insert(masked);
      if (target.contains(text)) continue;
      if (masked_of_target.contains(masked)) {
        lines.push_back(fmt::format("{}: another password than in the backup", about));
      } else {
        lines.push_back(fmt::format("{}: only in the backup: {}", about, masked));
      }
    }
    for (const std::string& masked : masked_of_target) {
      if (!masked_of_backup.contains(masked))
        lines.push_back(fmt::format("{}: only on the target: {}", about, masked));
    }
  }

  const std::set<std::string>& roles_;
  const std::set<std::string>& tablespaces_;
  ByObject backup_;
  ByObject target_;
};

std::set<std::string> missing(const std::set<std::string>& wanted, const std::set<std::string>& there,
                              const std::set<std::string>* only) {
  std::set<std::string> result;
  for (const std::string& name : wanted) {
    if (!there.contains(name) && (only == nullptr || only->contains(name))) result.insert(name);
  }
  return result;
}

std::set<std::string> common(const std::set<std::string>& a, const std::set<std::string>& b,
                             const std::set<std::string>* only) {
  std::set<std::string> result;
  for (const std::string& name : a) {
    if (b.contains(name) && (only == nullptr || only->contains(name))) result.insert(name);
  }
  return result;
}

}  // namespace

std::set<std::string> roles_in_globals(std::string_view text) {
  return created_in(read_globals(text), Subject::kRole);
}

namespace {

// A role that is created has the rights of the groups it is in, so those it needs are created with it.
std::set<std::string> with_groups(std::set<std::string> roles, const std::vector<GlobalStatement>& wanted,
                                  const std::set<std::string>& roles_there) {
  for (size_t before = 0; before != roles.size();) {
    before = roles.size();
    for (const GlobalStatement& statement : wanted) {
      if (statement.subject != Subject::kMembership) continue;
      const std::string& member = statement.parties[1];
      if (roles.contains(member) && !roles_there.contains(member)) roles.insert(statement.parties[0]);
    }
  }
  return roles;
}

}  // namespace

GlobalsPlan plan_globals(std::string_view backup, std::string_view target,
                         const std::optional<GlobalsFilter>& filter, const GlobalsScope& scope) {
  const std::vector<GlobalStatement> wanted = read_globals(backup);
  const std::vector<GlobalStatement> there = read_globals(target);
  const std::set<std::string>* only_roles = filter ? &filter->roles : nullptr;
  const std::set<std::string>* only_tablespaces = filter ? &filter->tablespaces : nullptr;

  const std::set<std::string> roles_there = created_in(there, Subject::kRole);
  const std::set<std::string> tablespaces_there = created_in(there, Subject::kTablespace);
  std::set<std::string> roles_wanted = created_in(wanted, Subject::kRole);
  for (const std::string& role : scope.without_roles) roles_wanted.erase(role);
  std::set<std::string> tablespaces_wanted = created_in(wanted, Subject::kTablespace);
  if (!scope.tablespaces) tablespaces_wanted.clear();
  std::optional<std::set<std::string>> roles_and_groups;
  if (filter) roles_and_groups = with_groups(filter->roles, wanted, roles_there);
  const std::set<std::string> new_roles =
      missing(roles_wanted, roles_there, roles_and_groups ? &*roles_and_groups : nullptr);
  const std::set<std::string> new_tablespaces =
      missing(tablespaces_wanted, tablespaces_there, only_tablespaces);

  const auto is_new = [&](const std::string& role) { return new_roles.contains(role); };
  const auto will_exist = [&](const std::string& role) {
    return is_new(role) || roles_there.contains(role) || role.starts_with("pg_");
  };

  GlobalsPlan plan;
  plan.roles.assign(new_roles.begin(), new_roles.end());
  for (const GlobalStatement& statement : wanted) {
    switch (statement.subject) {
      case Subject::kRole:
        if (is_new(statement.name)) plan.create.push_back(statement.text);
        break;
      case Subject::kTablespace:
        if (!new_tablespaces.contains(statement.name)) break;
        plan.create.push_back(statement.text);
        if (statement.creates) plan.tablespaces.push_back({statement.name, statement.location});
        break;
      case Subject::kMembership: {
        if (!is_new(statement.parties[0]) && !is_new(statement.parties[1])) break;
        if (!will_exist(statement.parties[0]) || !will_exist(statement.parties[1])) break;
        const bool grantor_exists = statement.parties.size() < 3 || will_exist(statement.parties[2]);
        plan.create.push_back(grantor_exists ? statement.text : statement.without_grantor);
        break;
      }
      case Subject::kParameter:
        if (std::ranges::any_of(statement.parties, is_new)) plan.create.push_back(statement.text);
        break;
      case Subject::kSession:
        break;  // encoding and the like: the session that runs the statements has its own
    }
  }
  plan.differ = Differences(wanted, there, common(roles_wanted, roles_there, only_roles),
                            common(tablespaces_wanted, tablespaces_there, only_tablespaces))
                    .lines();
  return plan;
}

}  // namespace dbb::logical
