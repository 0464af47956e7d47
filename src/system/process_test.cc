#include "system/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "base/error.h"
#include "base/task_group.h"

namespace dbb::system {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

Command shell(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }

struct Collected {
  Outcome outcome;
  std::string output;
  std::vector<std::string> error_lines;
};

Collected run_all(const Command& command, const std::stop_token& token = {}) {
  const StopEvent stop(token);
  Collected all;
  all.outcome = run(command,
                    {.on_output = [&](ByteView bytes) { all.output += as_text(bytes); },
                     .on_error_line = [&](std::string_view line) { all.error_lines.emplace_back(line); }},
                    stop);
  return all;
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }

TEST(ProcessTest, OutputErrorAndStatusComeBackApart) {
  const auto all = run_all(shell("echo out; echo one >&2; printf 'two' >&2; exit 3"));
  EXPECT_EQ(all.outcome.exit_code, 3);
  EXPECT_EQ(all.output, "out\n");
  EXPECT_THAT(all.error_lines, ElementsAre("one", "two"));
  EXPECT_EQ(all.outcome.standard_error, "one\ntwo");
}

TEST(ProcessTest, ArgumentsAreNotForAShell) {
  EXPECT_EQ(run_all({.argv = {"/bin/echo", "$HOME; a 'b'", "*"}}).output, "$HOME; a 'b' *\n");
}

TEST(ProcessTest, TheEnvironmentIsAddedToAndReplaced) {
  ::setenv("DBBACKUP_TEST_KEPT", "kept", 1);
  ::setenv("DBBACKUP_TEST_CHANGED", "old", 1);
  Command command = shell("echo $DBBACKUP_TEST_KEPT $DBBACKUP_TEST_CHANGED \"$DBBACKUP_TEST_NEW\"");
  command.environment = {{"DBBACKUP_TEST_CHANGED", "new"}, {"DBBACKUP_TEST_NEW", "a  b"}};
  EXPECT_EQ(run_all(command).output, "kept new a  b\n");
  EXPECT_STREQ(::getenv("DBBACKUP_TEST_CHANGED"), "old") << "ours stays";
}

TEST(ProcessTest, InputIsEmptyAndNoDescriptorOfOursIsPassedOn) {
  const int open_ends = [] {  // whoever started this test may have left some to it, and so to its programs
    int count = 0;
    for (int fd = 3; fd < 1024; ++fd) {
      const int flags = ::fcntl(fd, F_GETFD);
      count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
    }
    return count;
  }();
  EXPECT_EQ(run_all(shell("cat; ls /proc/self/fd | wc -l")).output, std::to_string(4 + open_ends) + "\n")
      << "0, 1, 2 and that of ls itself";
}

TEST(ProcessTest, MuchOutputOnBothSidesPassesAndOnlyTheEndOfErrorsIsKept) {
  const auto all =
      run_all(shell("head -c 3000000 /dev/zero; i=0; while [ $i -lt 5000 ]; do echo \"line $i padded to some "
                    "length\" >&2; i=$((i+1)); done"));
  EXPECT_EQ(all.output.size(), 3000000u);
  EXPECT_EQ(all.error_lines.size(), 5000u);
  EXPECT_LE(all.outcome.standard_error.size(), 65536u);
  EXPECT_THAT(all.outcome.standard_error, HasSubstr("line 4999"));
}

TEST(ProcessTest, WhatCannotBeStartedIs127AndASignalIs128AndMore) {
  EXPECT_EQ(run_all({.argv = {"/nonexistent/program"}}).outcome.exit_code, 127);
  EXPECT_EQ(run_all(shell("kill -TERM $$")).outcome.exit_code, 128 + SIGTERM);
}

TEST(ProcessTest, StopEndsTheWholeGroup) {
  std::stop_source stop;
  const StopEvent event(stop.get_token());
  pid_t child = 0;
  pid_t grandchild = 0;
  std::string output;
  try {
    run(shell("sleep 60 & echo $$ $!; wait"),
        {.on_output =
             [&](ByteView bytes) {
               output += as_text(bytes);
               if (std::sscanf(output.c_str(), "%d %d", &child, &grandchild) == 2) stop.request_stop();
             }},
        event);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_FALSE(is_alive(child));
  // Its new parent reaps it in its own time.
  for (int i = 0; i < 500 && is_alive(grandchild); ++i) sleep_for(10ms, StopEvent(std::stop_token{}));
  EXPECT_FALSE(is_alive(grandchild));
}

TEST(ProcessTest, AProgramThatIgnoresTermIsKilledAfterTheGrace) {
  std::stop_source stop;
  const StopEvent event(stop.get_token());
  EXPECT_THROW(run(shell("trap '' TERM; echo ready; while true; do sleep 1; done"),
                   {.on_output = [&](ByteView) { stop.request_stop(); }, .grace = 50ms}, event),
               Error);
}

TEST(ProcessTest, AnErrorOfAConsumerEndsTheProgramAndIsPassedOn) {
  const StopEvent never{std::stop_token{}};
  try {
    run(shell("echo ready; sleep 60"),
        {.on_output = [](ByteView) { throw Error(ErrorCode::kDiskFull, {.message = "full"}); }}, never);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDiskFull);
  }
}

}  // namespace
}  // namespace dbb::system
