#pragma once

#include <string>

#include "logical/fill_mark.h"
#include "logical/operation.h"
#include "logical/restore_session.h"
#include "postgres/client_programs.h"
#include "repository/repository.h"

// A system database that an earlier restore began to fill and did not finish: killed, or failed.
namespace dbb::logical {

struct UnfinishedFill {
  std::string database;
  FillMark mark;
};

// Why what is in the database may be more than that run put there; "" when it cannot be. Every object is one
// of the backup the run restored from, with the same definition by pg_dump, and every table is empty or has
// the rows recorded there, by fingerprint. Changes nothing. Reads the rows that are there.
std::string what_else_is_there(repository::Repository& repository, const UnfinishedFill& unfinished,
                               const postgres::ClientPrograms& programs, const Operation& operation);

// Drops everything in it, one object after the other, so that it is as CREATE DATABASE from template0 leaves
// it. Only after what_else_is_there() said "". Killed in the middle, it can be begun again. Throws
// kRestoreFailed, with what stood in the way, when something is left.
void empty_unfinished(const UnfinishedFill& unfinished, const WorkSession& work,
                      const postgres::ClientPrograms& programs, const Operation& operation);

}  // namespace dbb::logical
