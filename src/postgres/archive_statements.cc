#include "postgres/archive_statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dbb::postgres {
namespace {

// What is set upon another object, and carries that object's kind in its tag: "EVENT TRIGGER audit".
std::string schema_and_name(const ArchiveEntry& entry) {
  return entry.schema.empty() ? quoted(entry.tag) : quoted(entry.schema) + "." + quoted(entry.tag);
}

// "FUNCTION public.f(integer)": what the DROP statement names, with its arguments.
std::string dropped_object(const ArchiveEntry& entry) {
  std::string_view text = entry.drop_statement;
  if (!text.starts_with("DROP ")) return {};
  text.remove_prefix(5);
  while (!text.empty() && (text.back() == '\n' || text.back() == ';')) text.remove_suffix(1);
  return std::string(text);
}

// Kind and name of what an entry's owner owns, or "".
std::string owned_object(const ArchiveEntry& entry) {
  const std::string_view kind = entry.description;
  if (entry.is_one_of({"TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE"}))
    return "TABLE " + schema_and_name(entry);
  if (entry.is_one_of({"COLLATION", "CONVERSION", "DATABASE", "DOMAIN", "EVENT TRIGGER",
                       "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "PROCEDURAL LANGUAGE", "PUBLICATION",
                       "SCHEMA", "SERVER", "STATISTICS", "SUBSCRIPTION", "TEXT SEARCH CONFIGURATION",
                       "TEXT SEARCH DICTIONARY", "TYPE"})) {
    return fmt::format("{} {}", kind, schema_and_name(entry));
  }
  if (kind == "BLOB") return fmt::format("LARGE OBJECT {}", entry.tag);
  if (entry.is_one_of(
          {"AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE"})) {
    return dropped_object(entry);
  }
  return {};
}

const ArchiveEntry* find(const ArchiveToc& toc, std::string_view description) {
  const auto found = std::ranges::find(toc.entries, description, &ArchiveEntry::description);
  return found == toc.entries.end() ? nullptr : &*found;
}

// The value of "SET name = 'value';".
std::string_view value_of(const ArchiveEntry* setting) {
  if (setting == nullptr) return {};
  const size_t begin = setting->definition.find('\'');
  if (begin == std::string_view::npos) return {};
  const size_t end = setting->definition.find('\'', begin + 1);
  if (end == std::string_view::npos) return {};
  return setting->definition.substr(begin + 1, end - begin - 1);
}

}  // namespace

RestorePass pass_of(const ArchiveEntry& entry) {
  if (entry.is_one_of({"ACL", "DEFAULT ACL"})) return RestorePass::kPrivileges;
  if (entry.description == "EVENT TRIGGER" || is_about(entry, "EVENT TRIGGER"))
    return RestorePass::kEventTriggers;
  if (entry.description == "MATERIALIZED VIEW DATA") return RestorePass::kRefreshes;
  // Of a materialized view, which its refresh would make stale.
  const bool is_late = entry.description == "STATISTICS DATA" && entry.section == ArchiveSection::kPostData;
  return is_late ? RestorePass::kRefreshes : RestorePass::kObjects;
}

bool is_about(const ArchiveEntry& entry, std::string_view kind) {
  return entry.is_one_of({"COMMENT", "SECURITY LABEL", "ACL"}) && entry.tag.starts_with(kind) &&
         entry.tag.substr(kind.size()).starts_with(' ');
}

bool is_restored(const ArchiveEntry& entry) {
  if (entry.is_one_of({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"})) {
    return false;
  }
  return !is_about(entry, "DATABASE");
}

ArchiveSettings settings_of(const ArchiveToc& toc) {
  return {.encoding = std::string(value_of(find(toc, "ENCODING"))),
          .standard_conforming_strings = value_of(find(toc, "STDSTRINGS")) != "off"};
}

std::string owner_statement(const ArchiveEntry& entry, std::string_view owner) {
  if (entry.drop_statement.empty() || owner.empty()) return {};
  const std::string object = owned_object(entry);
  if (object.empty()) return {};
  return fmt::format("ALTER {} OWNER TO {};", object, quoted(owner));
}

std::string access_method_statement(const ArchiveEntry& entry) {
  if (entry.relation_kind != 'p' || !entry.access_method || entry.access_method->empty()) return {};
  return fmt::format("ALTER TABLE {} SET ACCESS METHOD {};", schema_and_name(entry),
                     quoted(*entry.access_method));
}

std::string name_of(const ArchiveEntry& entry) {
  if (entry.schema.empty()) return fmt::format("{} {}", entry.description, entry.tag);
  return fmt::format("{} {}.{}", entry.description, entry.schema, entry.tag);
}

std::string quoted(std::string_view identifier) {
  std::string text = "\"";
  for (const char letter : identifier) {
    if (letter == '"') text += '"';
    text += letter;
  }
  return text + '"';
}

}  // namespace dbb::postgres
