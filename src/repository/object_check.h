#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "repository/check.h"
#include "repository/core.h"
#include "repository/finding_list.h"

// The objects of a repository that hold no data, and what lies there besides.
namespace dbb::repository {

// Lists the store once and looks at `config`, epoch records and state; counts what is foreign. Returns the
// bytes of the packs that are there, by name: about 130 bytes of memory a pack.
std::unordered_map<std::string, uint64_t> check_objects(RepositoryCore& core, FindingList& findings,
                                                        CheckReport& report);

// What an error of damage says, as a finding of the object it names, or of `object` when it names a part of
// one. Other errors are thrown on.
FindingList::Number add_damage(FindingList& findings, const std::string& object, const Error& error);

}  // namespace dbb::repository
