#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Reads what `pg_dumpall --globals-only` writes. Pure functions.
namespace dbb::logical {

enum class Subject : uint8_t { kRole, kTablespace, kMembership, kParameter, kSession };

struct GlobalStatement {
  Subject subject = Subject::kSession;
  std::string name;                  // of the role or tablespace
  std::vector<std::string> parties;  // roles that must exist
  std::string text;
  std::string without_grantor;  // of a membership
  std::string location;         // of CREATE TABLESPACE
  bool creates = false;
};

// A grant by somebody else than the owner is three statements: SET SESSION AUTHORIZATION, GRANT, RESET. They
// are kept together as one.
std::vector<GlobalStatement> read_globals(std::string_view text);

// A script whose memberships name no grantors, so that who runs it is the grantor.
std::string without_grantors(std::string_view script);

// The text without what follows PASSWORD.
std::string mask_password(std::string_view statement);

}  // namespace dbb::logical
