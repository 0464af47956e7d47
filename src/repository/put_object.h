#pragma once

#include <span>
#include <string>

#include "base/bytes.h"
#include "storage/object_store.h"

namespace dbb::repository {

// Stores an object under a name that nobody used before. When the store fails to answer, looks whether it is
// there: a put whose reply was lost has happened. Error kStorageFailed when the name is taken by something
// else.
void put_object(storage::ObjectStore& store, const std::string& object, std::span<const ByteView> pieces);
void put_object(storage::ObjectStore& store, const std::string& object, ByteView bytes);

}  // namespace dbb::repository
