#pragma once

#include <string>

#include "logical/document.h"
#include "logical/operation.h"
#include "postgres/server.h"

// Which server a backup is of.
namespace dbb::logical {

// What manifests call the server: the same for every kind of backup of it, so that they are compared with
// each other.
std::string source_identity(const postgres::ServerFacts& server, const Operation& operation);
// The same of the server that `operation` connects to. Opens a session. Errors of connecting.
std::string source_of_target(const Operation& operation);

// Whether it is known that the backup is of another server than this.
bool is_of_another_system(const Document& document, const postgres::ServerFacts& server);

}  // namespace dbb::logical
