#include "logical/replay_trace.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "system/file.h"

namespace dbb::logical {
namespace {

const BackupId kRun(UtcTime(1'000'000), 7);

TEST(ReplayTrace, IsReadAsItWasWrittenAndGoneWhenRemoved) {
  const system::TemporaryDirectory folder("dbb-trace-");
  const auto file = replay_trace_file(folder.path() / "state", "db1:5432");
  EXPECT_FALSE(read_replay_trace(file));
  for (const std::string lsn : {"", "0/3000148"}) {
    const ReplayTrace trace{.run = kRun, .lsn = lsn};
    write_replay_trace(file, trace);
    EXPECT_EQ(read_replay_trace(file), trace);
  }
  EXPECT_FALSE(read_replay_trace(replay_trace_file(folder.path() / "state", "db2:5432"))) << "another server";
  remove_replay_trace(file);
  EXPECT_FALSE(read_replay_trace(file));
}

TEST(ReplayTrace, WhatCannotBeUnderstoodOrWrittenIsNone) {
  const system::TemporaryDirectory folder("dbb-trace-");
  const auto file = folder.path() / "trace";
  for (const std::string_view text : {"", "something else\n", "dbbackup paused replay, run x at 0/1\n"}) {
    system::publish_replacing(file, as_bytes(text));
    EXPECT_FALSE(read_replay_trace(file)) << text;
  }
  const auto nowhere = replay_trace_file({}, "db1:5432");
  write_replay_trace(nowhere, {.run = kRun});
  EXPECT_FALSE(read_replay_trace(nowhere));
  write_replay_trace(file / "below a file", {.run = kRun});
  EXPECT_FALSE(read_replay_trace(file / "below a file"));
}

}  // namespace
}  // namespace dbb::logical
