#include "base/task_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "base/channel.h"
#include "base/error.h"

namespace dbb {
namespace {

TEST(TaskGroupTest, TheFirstErrorStopsTheOthersAndIsThrown) {
  TaskGroup group{std::stop_token{}};
  Channel<int> never(1);
  std::atomic<int> stopped = 0;
  for (int i = 0; i < 3; ++i)
    group.spawn("waits", [&](const std::stop_token& stop) {
      try {
        never.pop(stop);
      } catch (const Error&) {
        ++stopped;
        throw;
      }
    });
  group.spawn("fails",
              [](const std::stop_token&) { throw Error(ErrorCode::kDiskFull, {.message = "full"}); });
  try {
    group.join();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDiskFull) << "not what the stopped ones threw";
  }
  EXPECT_EQ(stopped, 3);
  EXPECT_NO_THROW(group.join()) << "an error is thrown once";
}

TEST(TaskGroupTest, TheParentsStopReachesTheTasks) {
  std::stop_source parent;
  TaskGroup group(parent.get_token());
  Channel<int> never(1);
  group.spawn("waits", [&](const std::stop_token& stop) { never.pop(stop); });
  parent.request_stop();
  try {
    group.join();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
}

TEST(TaskGroupTest, JoinWaitsForTasksThatTasksSpawn) {
  TaskGroup group{std::stop_token{}};
  std::atomic<int> done = 0;
  group.spawn("outer", [&](const std::stop_token&) {
    group.spawn("inner", [&](const std::stop_token&) {
      group.spawn("innermost", [&](const std::stop_token&) { ++done; });
      ++done;
    });
    ++done;
  });
  group.join();
  EXPECT_EQ(done, 3);
}

TEST(TaskGroupTest, TheDestructorStopsAndWaits) {
  std::atomic<bool> ended = false;
  {
    TaskGroup group{std::stop_token{}};
    group.spawn("waits", [&](const std::stop_token& stop) {
      Channel<int> never(1);
      try {
        never.pop(stop);
      } catch (const Error&) {
        ended = true;
      }
    });
  }
  EXPECT_TRUE(ended);
}

TEST(ChannelTest, WhatGoesInComesOutInOrderAndThenTheEnd) {
  Channel<int> channel(10);
  TaskGroup group{std::stop_token{}};
  group.spawn("writes", [&](const std::stop_token& stop) {
    for (int i = 0; i < 1000; ++i) channel.push(i, 1, stop);
    channel.close();
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(channel.pop({}), i);
  EXPECT_EQ(channel.pop({}), std::nullopt);
  EXPECT_EQ(channel.pop({}), std::nullopt);
}

TEST(ChannelTest, WeightIsBoundedAndOneHeavyElementPassesAlone) {
  Channel<int> channel(10);
  const std::stop_token none;
  channel.push(1, 100, none);
  std::stop_source stop;
  std::atomic<bool> pushed = false;
  TaskGroup group(stop.get_token());
  group.spawn("pushes", [&](const std::stop_token& token) {
    channel.push(2, 1, token);
    pushed = true;
  });
  EXPECT_FALSE(pushed) << "full";
  EXPECT_EQ(channel.pop(none), 1);
  EXPECT_EQ(channel.pop(none), 2);
  group.join();
  EXPECT_TRUE(pushed);
}

TEST(ChannelTest, StopEndsBothWaits) {
  Channel<int> full(1);
  Channel<int> empty(1);
  full.push(1, 1, {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(full.push(2, 1, stop.get_token()), Error);
  EXPECT_THROW(empty.pop(stop.get_token()), Error);
}

}  // namespace
}  // namespace dbb
