#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "postgres/archive_toc.h"

// What a role that is not a superuser cannot give back of a database. Pure functions.
namespace dbb::logical {

// Only superusers create it: an event trigger, a subscription, a publication of all tables, and what is said
// of these.
bool takes_superuser(const postgres::ArchiveEntry& entry);

struct CannotGive {
  std::map<std::string, uint64_t> owners;  // role -> number of objects that will belong to another
  uint64_t grants = 0;
  std::vector<std::string> objects;  // that take a superuser
  bool nothing() const { return owners.empty() && grants == 0 && objects.empty(); }
};
// `role` is the one that restores.
CannotGive what_cannot_be_given(const postgres::ArchiveToc& toc, const std::string& role);

}  // namespace dbb::logical
