#include "logical/schema_apply.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

// What follows "dumpId; tableoid oid " in a line of pg_restore -l: kind, schema, name, owner.
std::string_view entry_of(std::string_view line) {
  for (int i = 0; i < 3; ++i) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line;
}

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  for (const std::string_view beginning : beginnings) {
    if (text.starts_with(beginning)) return true;
  }
  return false;
}

}  // namespace

SchemaArchive::SchemaArchive(repository::BackupReader& backup, const repository::StreamRef& stream,
                             const postgres::ClientPrograms& programs)
    : file_("dbbackup-schema"), programs_(programs) {
  const std::unique_ptr<repository::StreamReader> reader = backup.open_stream(stream);
  for (ByteView piece; reader->next(piece);) file_.write(piece);
}

std::string SchemaArchive::script(const system::StopEvent& stop) const {
  return postgres::run_offline(programs_, "pg_restore", {"-f", "-", path().string()}, stop);
}

std::vector<std::string> SchemaArchive::list(std::string_view section, const system::StopEvent& stop) const {
  std::vector<std::string> arguments{"-l"};
  if (!section.empty()) arguments.push_back(fmt::format("--section={}", section));
  arguments.push_back(path().string());
  const std::string text = postgres::run_offline(programs_, "pg_restore", arguments, stop);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin && text[begin] != ';') lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

PostData split_post_data(const std::vector<std::string>& lines) {
  PostData data;
  for (const std::string& line : lines) {
    const std::string_view entry = entry_of(line);
    if (entry.starts_with("MATERIALIZED VIEW DATA ")) {
      data.refreshes.push_back(line);
    } else if (begins_with_any(entry, {"EVENT TRIGGER ", "COMMENT - EVENT TRIGGER ",
                                       "SECURITY LABEL - EVENT TRIGGER "})) {
      data.event_triggers.push_back(line);
    } else {
      data.main.push_back(line);
    }
  }
  return data;
}

void SchemaApplier::run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "--exit-on-error");
  if (!with_owners_) arguments.insert(arguments.end(), {"--no-owner", "--no-privileges"});
  arguments.push_back(archive_.path().string());
  postgres::run_program(archive_.programs(), "pg_restore", operation_.target.with_database(work_.database),
                        {.arguments = std::move(arguments),
                         .settings = work_.settings,
                         .application_name = operation_.application_name("schema")},
                        system::StopEvent(operation_.stop));
}

void SchemaApplier::apply_pre_data(bool in_one_transaction) {
  std::vector<std::string> arguments{"--section=pre-data"};
  if (in_one_transaction) arguments.emplace_back("--single-transaction");
  run(std::move(arguments));
}

void SchemaApplier::run_listed(const std::vector<std::string>& lines,
                               std::vector<std::string> arguments) const {
  system::MemoryFile list("dbbackup-list");
  for (const std::string& line : lines) list.write(as_bytes(line + "\n"));
  arguments.insert(arguments.end(), {"--section=post-data", "-L", list.path().string()});
  run(std::move(arguments));
}

std::vector<std::string> SchemaApplier::apply_post_data(int workers) {
  const PostData data = split_post_data(archive_.list("post-data", system::StopEvent(operation_.stop)));
  if (!data.main.empty()) {
    run_listed(data.main,
               workers > 1 ? std::vector{fmt::format("--jobs={}", workers)} : std::vector<std::string>());
  }
  std::vector<std::string> warnings;
  for (const std::string& refresh : data.refreshes) {
    try {
      run_listed({refresh}, {});
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
      warnings.push_back(fmt::format("{} was not refreshed: {}", entry_of(refresh), error.what()));
    }
  }
  if (!data.event_triggers.empty()) run_listed(data.event_triggers, {});
  return warnings;
}

}  // namespace dbb::logical
