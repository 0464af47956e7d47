#include <libpq-fe.h>

#include <charconv>

#include "base/check.h"
#include "base/error.h"
#include "postgres/connection.h"

namespace dbb::postgres {
namespace {

template <typename Number>
Number number(std::string_view text, std::string_view column) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size())
    throw Error(ErrorCode::kInternal, {.message = "The server's answer is not the number that was asked for.",
                                       .cause = std::string(column) + " is \"" + std::string(text) + "\""});
  return value;
}

}  // namespace

void Result::Clear::operator()(pg_result* raw) const { PQclear(raw); }

Result::Result(pg_result* raw) : raw_(raw) {}

int Result::rows() const { return PQntuples(raw_.get()); }

int Result::columns() const { return PQnfields(raw_.get()); }

std::string_view Result::text(int row, int column) const {
  DBB_CHECK(row >= 0 && row < rows() && column >= 0 && column < columns(), "callers stay inside the answer");
  return {PQgetvalue(raw_.get(), row, column), static_cast<size_t>(PQgetlength(raw_.get(), row, column))};
}

bool Result::is_null(int row, int column) const { return PQgetisnull(raw_.get(), row, column) != 0; }

std::optional<std::string> Result::optional(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return string(row, column);
}

int64_t Result::integer(int row, int column) const {
  return number<int64_t>(text(row, column), PQfname(raw_.get(), column));
}

bool Result::boolean(int row, int column) const { return text(row, column) == "t"; }

Oid Result::oid(int row, int column) const {
  return Oid{number<uint32_t>(text(row, column), PQfname(raw_.get(), column))};
}

uint64_t Result::affected_rows() const {
  const std::string_view rows = PQcmdTuples(raw_.get());
  return rows.empty() ? 0 : number<uint64_t>(rows, "the command tag");
}

}  // namespace dbb::postgres
