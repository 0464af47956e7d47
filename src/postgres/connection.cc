#include "postgres/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "postgres/connection_state.h"

namespace dbb::postgres {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds left_until(Clock::time_point deadline) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()),
                  std::chrono::milliseconds(0));
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text != nullptr ? text : "";
}

struct MemoryFree {
  void operator()(char* text) const { PQfreemem(text); }
};
using LibpqText = std::unique_ptr<char, MemoryFree>;

}  // namespace

ServerReport report_of(const PGresult* result) {
  ServerReport report{.severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED),
                      .sqlstate = field(result, PG_DIAG_SQLSTATE),
                      .message = field(result, PG_DIAG_MESSAGE_PRIMARY),
                      .detail = field(result, PG_DIAG_MESSAGE_DETAIL),
                      .hint = field(result, PG_DIAG_MESSAGE_HINT),
                      .context = field(result, PG_DIAG_CONTEXT)};
  if (report.message.empty()) report.message = PQresultErrorMessage(result);
  return report;
}

// Nothing but the end of the connection follows; to read on would hide the reason behind it.
bool Connection::State::ends_session(const PGresult* result) const {
  const std::string severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return PQstatus(raw.get()) == CONNECTION_BAD || severity == "FATAL" || severity == "PANIC";
}

void Connection::State::expect_idle() const {
  DBB_CHECK(!copying, "a session does one thing at a time: finish the COPY first");
  if (lost) throw connection_lost("The session ended earlier.", target);
  if (stop->stop_requested()) throw cancelled();
}

int Connection::State::socket() {
  const int descriptor = PQsocket(raw.get());
  if (descriptor < 0) fail_lost();
  return descriptor;
}

void Connection::State::wait(system::WaitFor what) {
  if (system::wait_for(socket(), what, *stop) == system::WaitResult::kStopped) cancel();
}

void Connection::State::consume() {
  if (PQconsumeInput(raw.get()) == 0) fail_lost();
}

void Connection::State::flush() {
  while (true) {
    const int rest = PQflush(raw.get());
    if (rest == 0) return;
    if (rest < 0) fail_lost();
    // Input is taken in while output is stuck: a server that cannot get rid of a notice would not read
    // either.
    wait(system::WaitFor::kReadOrWrite);
    consume();
  }
}

void Connection::State::send(int sent) {
  if (sent == 0) fail_lost();
  flush();
}

RawResult Connection::State::next_result() {
  while (PQisBusy(raw.get()) != 0) {
    wait(system::WaitFor::kRead);
    consume();
  }
  return RawResult(PQgetResult(raw.get()));
}

RawResult Connection::State::finish_statement() {
  RawResult last;
  RawResult failure;
  while (RawResult result = next_result()) {
    const auto status = PQresultStatus(result.get());
    DBB_CHECK(status != PGRES_COPY_IN && status != PGRES_COPY_OUT && status != PGRES_COPY_BOTH,
              "a COPY is begun by copy_out() or copy_in()");
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      const bool last_words = ends_session(result.get());
      if (!failure) failure = std::move(result);
      if (last_words) break;
    } else {
      last = std::move(result);
    }
  }
  if (failure) fail(failure.get());
  return last;
}

void Connection::State::fail(const PGresult* result) {
  const ServerReport report = report_of(result);
  lost = lost || ends_session(result);
  if (report.sqlstate.empty() && lost) throw connection_lost(report.message, target);
  throw statement_error(report, target);
}

void Connection::State::fail_lost() {
  const std::string words = PQerrorMessage(raw.get());
  lost = true;
  copying = false;
  // A server that says goodbye before it closes has its reason in a message that may be still unread.
  while (PQisBusy(raw.get()) == 0) {
    const RawResult result(PQgetResult(raw.get()));
    if (!result || PQresultStatus(result.get()) != PGRES_FATAL_ERROR) break;
    const ServerReport report = report_of(result.get());
    if (!report.sqlstate.empty()) throw statement_error(report, target);
  }
  throw connection_lost(words, target);
}

bool Connection::State::drain(Clock::time_point deadline) noexcept {
  try {
    const system::StopEvent never{std::stop_token{}};
    const auto wait_until = [&](system::WaitFor what) {
      return PQsocket(raw.get()) >= 0 && system::wait_for(PQsocket(raw.get()), what, never,
                                                          left_until(deadline)) == system::WaitResult::kReady;
    };
    // Drops the rows of a COPY that are still on their way. False when the time is over.
    const auto drop_rows = [&] {
      while (true) {
        char* row = nullptr;
        const int length = PQgetCopyData(raw.get(), &row, 1);
        PQfreemem(row);
        if (length < 0) return true;
        if (length == 0 && (!wait_until(system::WaitFor::kRead) || PQconsumeInput(raw.get()) == 0))
          return false;
      }
    };
    while (!lost) {
      const int rest = PQflush(raw.get());
      if (rest < 0 || (rest > 0 && !wait_until(system::WaitFor::kReadOrWrite))) break;
      if (rest > 0 || PQisBusy(raw.get()) != 0) {
        if (rest == 0 && !wait_until(system::WaitFor::kRead)) break;
        if (PQconsumeInput(raw.get()) == 0) break;
        continue;
      }
      const RawResult result(PQgetResult(raw.get()));
      if (PQstatus(raw.get()) == CONNECTION_BAD) break;
      if (!result) {
        copying = false;
        return true;
      }
      const auto status = PQresultStatus(result.get());
      if (status == PGRES_COPY_OUT && !drop_rows()) break;
      if (status == PGRES_COPY_IN && PQputCopyEnd(raw.get(), "the work was stopped") < 0) break;
    }
  } catch (...) {
    // No descriptor for the wait, or no memory: the session cannot be brought into a known state.
  }
  lost = true;
  copying = false;
  return false;
}

bool Connection::State::cancel_and_drain() noexcept {
  if (lost) return false;
  // Blocks until the server has taken the request, or for the connect timeout at most. The signal is sent by
  // then, so it cannot hit a later statement.
  if (PGcancel* request = PQgetCancel(raw.get()); request != nullptr) {
    std::array<char, 256> words{};
    PQcancel(request, words.data(), words.size());
    PQfreeCancel(request);
  }
  return drain(Clock::now() + kFarewell);
}

void Connection::State::cancel() {
  cancel_and_drain();
  Error error = cancelled();
  add_target(error, target);
  throw error;
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result Connection::execute(const std::string& sql) {
  state_->expect_idle();
  state_->send(PQsendQuery(state_->raw.get(), sql.c_str()));
  return Result(state_->finish_statement().release());
}

Result Connection::execute(const std::string& sql, Parameters parameters) {
  state_->expect_idle();
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  state_->send(PQsendQueryParams(state_->raw.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                 values.data(), nullptr, nullptr, 0));
  return Result(state_->finish_statement().release());
}

Result Connection::execute(const std::string& sql,
                           std::initializer_list<std::optional<std::string>> parameters) {
  return execute(sql, Parameters(parameters.begin(), parameters.size()));
}

void Connection::use_stop_token(std::stop_token stop) {
  state_->stop = std::make_unique<system::StopEvent>(std::move(stop));
}

void Connection::roll_back() noexcept {
  if (state_->copying) state_->cancel_and_drain();
  if (state_->lost || PQtransactionStatus(state_->raw.get()) == PQTRANS_IDLE) return;
  if (PQsendQuery(state_->raw.get(), "ROLLBACK") == 0) {
    state_->lost = true;
    return;
  }
  state_->drain(Clock::now() + State::kFarewell);
}

std::string Connection::quote_identifier(std::string_view name) const {
  const LibpqText quoted(PQescapeIdentifier(state_->raw.get(), name.data(), name.size()));
  if (!quoted)
    throw Error(ErrorCode::kServerError, {.message = "A name is not valid in the encoding of the session.",
                                          .cause = PQerrorMessage(state_->raw.get())});
  return quoted.get();
}

std::string Connection::quote_literal(std::string_view value) const {
  const LibpqText quoted(PQescapeLiteral(state_->raw.get(), value.data(), value.size()));
  if (!quoted)
    throw Error(ErrorCode::kServerError, {.message = "A value is not valid in the encoding of the session.",
                                          .cause = PQerrorMessage(state_->raw.get())});
  return quoted.get();
}

std::string Connection::qualified(std::string_view schema, std::string_view name) const {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

ServerVersion Connection::version() const { return {PQserverVersion(state_->raw.get())}; }

int Connection::backend_pid() const { return PQbackendPID(state_->raw.get()); }

std::string Connection::database() const { return PQdb(state_->raw.get()); }

const ConnectionTarget& Connection::target() const { return state_->target; }

std::vector<std::string> Connection::take_notices() { return std::exchange(state_->notices, {}); }

}  // namespace dbb::postgres
