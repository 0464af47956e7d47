#include "postgres/startup_options.h"

namespace dbb::postgres {

void append_startup_option(std::string& options, std::string_view name, std::string_view value) {
  constexpr std::string_view kEscaped = " \t\n\v\f\r\\";
  options += options.empty() ? "-c " : " -c ";
  for (const std::string_view part : {name, std::string_view("="), value})
    for (const char c : part) {
      if (kEscaped.find(c) != std::string_view::npos) options += '\\';
      options += c;
    }
}

}  // namespace dbb::postgres
