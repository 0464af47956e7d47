#include "logical/source.h"

namespace dbb::logical {

std::string source_identity(const postgres::ServerFacts& server, const Operation& operation) {
  return "postgresql/" +
         (server.system_identifier.empty() ? operation.target.host_and_port() : server.system_identifier);
}

std::string source_of_target(const Operation& operation) {
  postgres::Connection session = operation.connect(maintenance_database(operation), "preflight");
  return source_identity(postgres::read_server_facts(session), operation);
}

bool is_of_another_system(const Document& document, const postgres::ServerFacts& server) {
  return !document.system_identifier.empty() && !server.system_identifier.empty() &&
         document.system_identifier != server.system_identifier;
}

}  // namespace dbb::logical
