#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/style.h"

namespace dbb::cli {

// The block people see:
//
//   [FAIL] Restore Failed: PostgreSQL Authentication Error
//
//   The server db1:5432 refused the login of role "dbbackup".
//
//   Database:  app
//   Host:      db1:5432
//
//   Root Cause: password authentication failed for user "dbbackup"
//
//   How to Fix:
//     1. ...
//
//   Documentation: docs/errors/auth-failed.md
//   Code: AUTH_FAILED (SQLSTATE 28P01)
//
// `operation` is "Restore"; empty when no command was recognised. What is empty is left out.
std::string render_error(const Error& error, std::string_view operation, const Style& style);

// "docs/errors/auth-failed.md"
std::string documentation_of(const Error& error);

}  // namespace dbb::cli
