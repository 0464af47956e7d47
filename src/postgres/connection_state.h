#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "postgres/connection.h"
#include "postgres/server_error.h"
#include "system/stop_event.h"

// What connection.cc, connection_open.cc and copy.cc share, and nobody else sees.
namespace dbb::postgres {

struct ResultClear {
  void operator()(PGresult* raw) const { PQclear(raw); }
};
using RawResult = std::unique_ptr<PGresult, ResultClear>;

struct ConnectionClose {
  void operator()(PGconn* raw) const { PQfinish(raw); }
};
using RawConnection = std::unique_ptr<PGconn, ConnectionClose>;

// The fields of an error or notice.
ServerReport report_of(const PGresult* result);

struct Connection::State {
  // How long a server may take to answer a cancel, or to end a COPY that was left.
  static constexpr std::chrono::seconds kFarewell{10};

  RawConnection raw;
  ConnectionTarget target;
  std::unique_ptr<system::StopEvent> stop;
  // Filled by libpq's callback; bounded, since a trigger may raise one notice a row.
  std::vector<std::string> notices;
  bool copying = false;
  bool lost = false;  // no statement can be sent any more

  // Begins a statement: the session must be free and alive, and stop not requested.
  void expect_idle() const;
  void send(int sent);  // result of PQsend...: flushes, or throws

  // The descriptor to wait for; a connection that has none is lost, and waiting for it would never end.
  int socket();
  // Each of these ends on stop with cancel(), which throws.
  void wait(system::WaitFor what);
  void consume();
  void flush();
  // Null at the end of the answer.
  RawResult next_result();
  // Reads the whole answer; the first error of it is thrown after the last result.
  RawResult finish_statement();

  void begin_copy(const std::string& sql, ExecStatusType direction);
  // After the last row: the row count of the command tag.
  uint64_t end_copy();

  // Ends whatever runs, without regard to stop. False, and `lost`, when the server does not react in time.
  bool cancel_and_drain() noexcept;
  bool drain(std::chrono::steady_clock::time_point deadline) noexcept;
  [[noreturn]] void cancel();

  bool ends_session(const PGresult* result) const;
  [[noreturn]] void fail(const PGresult* result);
  [[noreturn]] void fail_lost();
};

}  // namespace dbb::postgres
