#pragma once

#include "base/bytes.h"
#include "repository/format.h"
#include "repository/key_ring.h"

namespace dbb::repository {

// A name nobody else chose: a keyed hash over random bytes, over which process this is and when it asks, and
// over what is named. So it is new even where the random source repeats itself (a machine that was cloned).
PackId unique_name(const KeyRing& keys, ByteView what_it_names);

}  // namespace dbb::repository
