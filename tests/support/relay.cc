#include "support/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "system/stop_event.h"

namespace dbb::testing {
namespace {

constexpr const char* kSocketName = ".s.PGSQL.5432";

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
  std::strcpy(address.sun_path, path.c_str());
  return address;
}

system::FileDescriptor make_socket() {
  return system::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

Relay::Relay(Options options)
    : options_(std::move(options)), directory_("dbbackup-relay-"), listener_(make_socket()) {
  const auto address = address_of(directory_.path() / kSocketName);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 16) != 0)
    throw std::runtime_error("the relay cannot listen");
  tasks_.spawn("relay", [this](const std::stop_token& stop) { accept_all(stop); });
}

Relay::~Relay() {
  tasks_.request_stop();
  try {
    tasks_.join();
  } catch (...) {
    // A relay that fails shows in the test as a lost connection.
  }
}

postgres::ConnectionTarget Relay::target() const {
  return postgres::ConnectionTarget()
      .with("host", directory_.path().string())
      .with("port", "5432")
      .with("user", "postgres")
      .with("dbname", "postgres");
}

void Relay::accept_all(const std::stop_token& stop) {
  const system::StopEvent event(stop);
  std::vector<int> unanswered;
  size_t next = 0;
  while (system::wait_for(listener_.get(), system::WaitFor::kRead, event) == system::WaitResult::kReady) {
    const int client = ::accept(listener_.get(), nullptr, nullptr);
    if (options_.servers.empty()) {
      unanswered.push_back(client);
      continue;
    }
    const auto server = options_.servers[next++ % options_.servers.size()]->directory() / kSocketName;
    tasks_.spawn("relay",
                 [this, client, server](const std::stop_token& token) { pass_on(client, server, token); });
  }
  for (const int client : unanswered) ::close(client);
}

void Relay::pass_on(int client_socket, const std::filesystem::path& server_path,
                    const std::stop_token& stop) const {
  const system::StopEvent event(stop);
  const system::FileDescriptor client(client_socket);
  const system::FileDescriptor server = make_socket();
  const auto address = address_of(server_path);
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  std::array<char, 65536> buffer{};
  while (true) {
    std::array<pollfd, 3> ready{pollfd{client.get(), POLLIN, 0}, pollfd{server.get(), POLLIN, 0},
                                pollfd{event.fd(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0 || event.stop_requested()) return;
    const bool from_client = ready[0].revents != 0;
    const ssize_t got = ::recv(from_client ? client.get() : server.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    std::string piece(buffer.data(), static_cast<size_t>(got));
    if (!from_client && options_.on_answer) options_.on_answer(piece);
    if (!send_all(from_client ? server.get() : client.get(), piece)) return;
  }
}

}  // namespace dbb::testing
