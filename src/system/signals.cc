#include "system/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>

namespace dbb::system {
namespace {

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  struct sigaction hangup{};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR2);  // from the destructor: end the thread
  return set;
}

}  // namespace

SignalHandler::SignalHandler() {
  const sigset_t set = taken_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this, set] {
    while (true) {
      int signal = 0;
      if (::sigwait(&set, &signal) != 0) continue;
      if (signal == SIGUSR2) return;
      if (signal == SIGINT && stop_.stop_requested()) ::_exit(130);
      stop_.request_stop();
    }
  });
}

SignalHandler::~SignalHandler() {
  ::pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

}  // namespace dbb::system
