#include "cli/test_pause.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "system/file.h"
#include "system/stop_event.h"

namespace dbb::cli {
namespace {

struct Pause {
  std::string step;
  std::string database;  // "" is any
  std::filesystem::path directory;
};

std::vector<Pause> parse(const std::string& variable) {
  std::vector<Pause> pauses;
  for (size_t begin = 0; begin < variable.size();) {
    const size_t end = std::min(variable.find(';', begin), variable.size());
    const std::string entry = variable.substr(begin, end - begin);
    begin = end + 1;
    // The directory is the test's own and has no '=' in it; a database's name may.
    const size_t equals = entry.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::kUsage,
                  {.message = fmt::format("DBBACKUP_TEST_PAUSE cannot be read: \"{}\".", entry),
                   .solution = {"Unset it: it is for dbbackup's own tests."}});
    }
    const std::string place = entry.substr(0, equals);
    const size_t colon = std::min(place.find(':'), place.size());
    pauses.push_back({.step = place.substr(0, colon),
                      .database = colon < place.size() ? place.substr(colon + 1) : "",
                      .directory = entry.substr(equals + 1)});
  }
  return pauses;
}

void wait_at(const Pause& pause, const system::StopEvent& stop) {
  constexpr std::chrono::milliseconds kPoll{20};
  const auto go = pause.directory / (pause.step + ".go");
  // A second worker that comes to the same step finds the file there, and waits with the first.
  system::publish_new(pause.directory / (pause.step + ".reached"), {});
  std::error_code ignored;
  while (!std::filesystem::exists(go, ignored) && system::sleep_for(kPoll, stop)) {
  }
}

}  // namespace

logical::StepHook make_test_pause(const std::optional<std::string>& variable, std::stop_token stop) {
  if (!variable) return [](std::string_view, std::string_view) {};
  return
      [pauses = parse(*variable), stop = std::move(stop)](std::string_view step, std::string_view database) {
        for (const Pause& pause : pauses) {
          if (pause.step != step || (!pause.database.empty() && pause.database != database)) continue;
          const system::StopEvent stopped(stop);
          wait_at(pause, stopped);
        }
      };
}

}  // namespace dbb::cli
