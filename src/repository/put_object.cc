#include "repository/put_object.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"

namespace dbb::repository {
namespace {

// Names are new and hashes of what they name: an object of that name and length is the one we wrote.
bool is_stored(storage::ObjectStore& store, const std::string& object, std::span<const ByteView> pieces) {
  uint64_t bytes = 0;
  for (const ByteView piece : pieces) bytes += piece.size();
  return store.size(object) == bytes;
}

}  // namespace

void put_object(storage::ObjectStore& store, const std::string& object, std::span<const ByteView> pieces) {
  std::optional<Error> failure;
  try {
    if (store.put(object, pieces) == storage::PutResult::kStored) return;
  } catch (const Error& error) {
    failure = error;
  }
  bool stored = false;
  try {
    stored = is_stored(store, object, pieces);
  } catch (const Error&) {
    // The first failure says more.
  }
  if (stored) return;
  if (failure) throw Error(*failure);
  throw Error(ErrorCode::kStorageFailed,
              {.message = fmt::format("There is an object {} already, which was to be written.", object),
               .solution = {"Run the command again: it will choose another name."}});
}

void put_object(storage::ObjectStore& store, const std::string& object, ByteView bytes) {
  put_object(store, object, std::span<const ByteView>(&bytes, 1));
}

}  // namespace dbb::repository
