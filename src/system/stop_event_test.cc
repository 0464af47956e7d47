#include "system/stop_event.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/task_group.h"
#include "system/machine.h"
#include "system/random.h"
#include "system/signals.h"

namespace dbb::system {
namespace {

using namespace std::chrono_literals;

struct PipeEnds {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

PipeEnds make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

TEST(StopEventTest, AWaitEndsForEachOfItsReasons) {
  std::stop_source source;
  const StopEvent stop(source.get_token());
  const PipeEnds pipe = make_pipe();
  EXPECT_EQ(wait_for(pipe.read_end.get(), WaitFor::kRead, stop, 0ms), WaitResult::kTimedOut);
  EXPECT_EQ(wait_for(pipe.read_end.get(), WaitFor::kRead, stop, 5ms), WaitResult::kTimedOut);
  EXPECT_EQ(wait_for(pipe.write_end.get(), WaitFor::kWrite, stop), WaitResult::kReady);
  ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  EXPECT_EQ(wait_for(pipe.read_end.get(), WaitFor::kRead, stop), WaitResult::kReady);
  source.request_stop();
  EXPECT_EQ(wait_for(pipe.read_end.get(), WaitFor::kRead, stop), WaitResult::kStopped) << "stop wins";
  EXPECT_TRUE(stop.stop_requested());
}

TEST(StopEventTest, AHangUpIsReady) {
  const StopEvent stop{std::stop_token{}};
  PipeEnds pipe = make_pipe();
  pipe.write_end.reset();
  EXPECT_EQ(wait_for(pipe.read_end.get(), WaitFor::kRead, stop), WaitResult::kReady);
}

TEST(StopEventTest, StopFromAnotherThreadEndsAWaitWithoutEnd) {
  std::stop_source source;
  const StopEvent stop(source.get_token());
  const PipeEnds pipe = make_pipe();
  TaskGroup group{std::stop_token{}};
  group.spawn("stops", [&](const std::stop_token&) { source.request_stop(); });
  EXPECT_EQ(wait_for(pipe.read_end.get(), WaitFor::kRead, stop), WaitResult::kStopped);
  EXPECT_FALSE(sleep_for(1h, stop));
  group.join();
}

TEST(StopEventTest, AnEventMadeAfterTheStopKnowsIt) {
  std::stop_source source;
  source.request_stop();
  const StopEvent stop(source.get_token());
  EXPECT_FALSE(sleep_for(1h, stop));
  EXPECT_TRUE(sleep_for(1ms, StopEvent(std::stop_token{})));
}

TEST(SignalHandlerTest, TermIsAStopRequest) {
  const SignalHandler handler;
  const StopEvent stop(handler.token());
  EXPECT_FALSE(handler.token().stop_requested());
  ::kill(::getpid(), SIGTERM);
  EXPECT_FALSE(sleep_for(1min, stop));
}

TEST(SignalHandlerDeathTest, TheSecondInterruptEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const SignalHandler handler;
        const StopEvent stop(handler.token());
        ::kill(::getpid(), SIGINT);
        sleep_for(1min, stop);
        ::kill(::getpid(), SIGINT);
        ::pause();
      },
      ::testing::ExitedWithCode(130), "");
}

TEST(RandomTest, BytesDiffer) {
  EXPECT_EQ(random_bytes(32).size(), 32u);
  EXPECT_NE(random_bytes(32), random_bytes(32));
  EXPECT_NE(random_u64(), random_u64());
}

TEST(MachineTest, ThereIsMemoryAndAProcessor) {
  EXPECT_GT(physical_memory_bytes(), 0u);
  EXPECT_GE(processor_count(), 1);
}

}  // namespace
}  // namespace dbb::system
