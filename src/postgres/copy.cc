#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "postgres/connection.h"
#include "postgres/connection_state.h"

namespace dbb::postgres {
namespace {

// One CopyData message with its head of five bytes. libpq sends whole multiples of 8 KiB at once, so nothing
// stays in its buffer, which would otherwise grow without limit as long as the server does not read.
constexpr size_t kMessage = (size_t{32} << 10) - 5;

// Whether the server has answered a COPY FROM with an error. libpq does not look at what comes in before the
// COPY is ended, which may be hours later, but the head of the message (type, length, severity field) can be
// seen under it. With TLS it cannot, and the error is found at the end.
bool error_arrived(PGconn* raw) {
  if (PQsslInUse(raw) != 0) return false;
  std::array<char, 6> head{};
  const ssize_t seen = ::recv(PQsocket(raw), head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
  return seen == static_cast<ssize_t>(head.size()) && head[0] == 'E' && head[1] == 0 && head[5] == 'S';
}

}  // namespace

CopyOut Connection::copy_out(const std::string& sql) {
  state_->begin_copy(sql, PGRES_COPY_OUT);
  return CopyOut(*state_);
}

CopyIn Connection::copy_in(const std::string& sql) {
  state_->begin_copy(sql, PGRES_COPY_IN);
  return CopyIn(*state_);
}

void Connection::State::begin_copy(const std::string& sql, ExecStatusType direction) {
  expect_idle();
  send(PQsendQuery(raw.get(), sql.c_str()));
  const RawResult begun = next_result();
  const auto status = PQresultStatus(begun.get());
  if (status == PGRES_FATAL_ERROR) {
    while (!ends_session(begun.get()) && next_result()) {
    }
    fail(begun.get());
  }
  DBB_CHECK(status == direction, "copy_out() is given a COPY ... TO STDOUT, copy_in() a COPY ... FROM STDIN");
  copying = true;
}

uint64_t Connection::State::end_copy() {
  copying = false;
  return Result(finish_statement().release()).affected_rows();
}

CopyOut::CopyOut(Connection::State& state) : state_(&state) {}

CopyOut::CopyOut(CopyOut&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      buffer_(std::exchange(other.buffer_, nullptr)),
      rows_(other.rows_),
      done_(other.done_) {}

CopyOut::~CopyOut() {
  PQfreemem(buffer_);
  if (state_ != nullptr && !done_ && state_->copying) state_->cancel_and_drain();
}

bool CopyOut::next(ByteView& row) {
  DBB_CHECK(!done_, "next() is not called after the last row");
  PQfreemem(std::exchange(buffer_, nullptr));
  while (true) {
    const int length = PQgetCopyData(state_->raw.get(), &buffer_, 1);
    if (length > 0) {
      row = {reinterpret_cast<const uint8_t*>(buffer_), static_cast<size_t>(length)};
      return true;
    }
    if (length < 0) break;  // the end, or an error that the result tells
    state_->wait(system::WaitFor::kRead);
    state_->consume();
  }
  done_ = true;
  rows_ = state_->end_copy();
  row = {};
  return false;
}

uint64_t CopyOut::command_tag_rows() const {
  DBB_CHECK(done_, "the command tag comes after the last row");
  return rows_;
}

CopyIn::CopyIn(Connection::State& state) : state_(&state) { pending_.reserve(kMessage); }

CopyIn::CopyIn(CopyIn&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)), pending_(std::move(other.pending_)), done_(other.done_) {}

CopyIn::~CopyIn() {
  if (state_ == nullptr || done_ || !state_->copying) return;
  // The server fails the COPY when it is told so; nothing needs to be cancelled.
  state_->drain(std::chrono::steady_clock::now() + Connection::State::kFarewell);
}

void CopyIn::write(ByteView data) {
  DBB_CHECK(!done_, "nothing is written after finish()");
  while (!data.empty()) {
    if (pending_.empty() && data.size() >= kMessage) {
      put(data.first(kMessage));
      data = data.subspan(kMessage);
      continue;
    }
    const ByteView piece = data.first(std::min(data.size(), kMessage - pending_.size()));
    pending_.insert(pending_.end(), piece.begin(), piece.end());
    data = data.subspan(piece.size());
    if (pending_.size() < kMessage) continue;
    put(pending_);
    pending_.clear();
  }
}

void CopyIn::put(ByteView piece) {
  PGconn* raw = state_->raw.get();
  wait_for_room();
  if (PQputCopyData(raw, reinterpret_cast<const char*>(piece.data()), static_cast<int>(piece.size())) != 1)
    state_->fail_lost();
  int rest = PQflush(raw);
  for (; rest > 0; rest = PQflush(raw)) wait_for_room();
  if (rest < 0) state_->fail_lost();
}

// Blocks until the socket takes a message, so that libpq need not wait inside: it would then read, and keep
// to itself, an error of the server.
void CopyIn::wait_for_room() {
  while (true) {
    const int socket = state_->socket();
    const auto room =
        system::wait_for(socket, system::WaitFor::kWrite, *state_->stop, std::chrono::milliseconds(0));
    if (room == system::WaitResult::kStopped) state_->cancel();
    if (error_arrived(state_->raw.get())) {
      pending_.clear();
      finish();
    }
    if (room == system::WaitResult::kReady) return;
    state_->wait(system::WaitFor::kReadOrWrite);
    if (!error_arrived(state_->raw.get()))
      state_->consume();  // a notice: the server may be stuck in sending it
  }
}

uint64_t CopyIn::finish() {
  DBB_CHECK(!done_, "finish() is called once");
  if (!pending_.empty()) put(std::exchange(pending_, {}));
  done_ = true;
  if (PQputCopyEnd(state_->raw.get(), nullptr) != 1) state_->fail_lost();
  state_->flush();
  return state_->end_copy();
}

}  // namespace dbb::postgres
