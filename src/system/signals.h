#pragma once

#include <stop_token>
#include <thread>

namespace dbb::system {

// Turns SIGINT, SIGTERM and, unless it is ignored (nohup), SIGHUP into a stop request: a connection that
// breaks at night must not leave half a restore. Make one in main before any thread starts: it blocks the
// signals for this thread and all its children and takes them in a thread of its own. The second SIGINT ends
// the process at once with exit code 130. SIGPIPE is ignored: a closed pipe is an error of the write.
class SignalHandler {
 public:
  SignalHandler();
  ~SignalHandler();
  SignalHandler(const SignalHandler&) = delete;
  SignalHandler& operator=(const SignalHandler&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace dbb::system
