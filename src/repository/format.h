#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

// Names and numbers of docs/format/repository.md that several files need.
namespace dbb::repository {

// An id that is a hash or random: N bytes.
template <size_t N, typename Tag>
struct BinaryId {
  std::array<uint8_t, N> bytes{};

  static BinaryId from(ByteView view) {
    DBB_CHECK(view.size() >= N, "ids are read with their length");
    BinaryId id;
    std::copy_n(view.begin(), N, id.bytes.begin());
    return id;
  }
  std::string hex() const { return to_hex(bytes); }
  auto operator<=>(const BinaryId&) const = default;

  // The ids are evenly distributed already.
  struct Hash {
    size_t operator()(const BinaryId& id) const {
      size_t value = 0;
      std::memcpy(&value, id.bytes.data(), sizeof value);
      return value;
    }
  };
};

using ChunkId = BinaryId<16, struct ChunkTag>;
using FrameId = BinaryId<32, struct FrameTag>;
using PackId = BinaryId<16, struct PackTag>;
using RepositoryId = BinaryId<16, struct RepositoryTag>;

inline constexpr size_t kPageBytes = 8192;  // pages and bytes are cut there
inline constexpr size_t kMaxChunkBytes = 16384;
inline constexpr size_t kFrameDataBytes = 512 << 10;     // writers end a frame there
inline constexpr size_t kMaxFrameDataBytes = 960 << 10;  // leaves room for the trailer below 1 MiB
inline constexpr size_t kMaxFrameChunks = 4096;
inline constexpr size_t kPackBytes = 32 << 20;  // writers end a pack there,
inline constexpr size_t kPackChunks =
    65536;  // or there, so that its directory stays small when data compresses well
inline constexpr uint64_t kMaxPackBytes = 1 << 30;
inline constexpr size_t kPackHeaderBytes = 32;
inline constexpr size_t kPackTrailerBytes = 32;
inline constexpr size_t kMaxJsonBytes = 64 << 10;

inline std::string pack_name(const PackId& id) {
  const std::string hex = id.hex();
  return "packs/" + hex.substr(0, 2) + "/" + hex;
}

// Empty when that is not the name of a pack.
std::optional<PackId> pack_of_name(std::string_view object);

}  // namespace dbb::repository
