#include "repository/pack_salvage.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/sealed_box.h"

namespace dbb::repository {
namespace {

constexpr std::string_view kBoxMagic = "dbBX";
constexpr size_t kSearchBytes = 1 << 20;
constexpr int kMaxFailures = 4096;

class Salvage {
 public:
  Salvage(RepositoryCore& core, const std::string& object, uint64_t size_bytes)
      : core_(core), object_(object), size_bytes_(size_bytes), opener_(core.keys()), ids_(core.keys()) {}

  void run(const std::function<void(const DirectoryEntry&, ByteView)>& visit, const std::stop_token& stop) {
    uint64_t at = kPackHeaderBytes;
    for (int failures = 0; failures < kMaxFailures;) {
      if (stop.stop_requested()) throw cancelled();
      const std::optional<DirectoryEntry> frame = open_at(at);
      if (frame) {
        visit(*frame, box_);
        at += frame->length;
        continue;
      }
      ++failures;
      const std::optional<uint64_t> next = next_box(at + 1);
      if (!next) return;
      at = *next;
    }
  }

 private:
  // False when the object ends before.
  bool read(uint64_t offset, size_t length) {
    box_.resize(length);
    return offset + length <= size_bytes_ && core_.store().get_range(object_, offset, box_) == length;
  }

  std::optional<DirectoryEntry> open_at(uint64_t offset) {
    if (!read(offset, kBoxHeaderBytes) || as_text(ByteView(box_).first(4)) != kBoxMagic) return std::nullopt;
    const auto kind = static_cast<BoxKind>(box_[4]);
    if (kind != BoxKind::kDataFrame && kind != BoxKind::kMetadataFrame) return std::nullopt;
    const uint64_t length = ByteReader(ByteView(box_).subspan(16, 4), object_).u32() + kBoxOverheadBytes;
    const FrameId id = {name_of_box(box_)};
    if (length > max_box_bytes(kind) || !read(offset, length)) return std::nullopt;
    try {
      const OpenedFrame frame(opener_.open(kind, id.bytes, box_, object_), id, ids_, object_);
      if (frame_kind(frame.stream_class()) != kind) return std::nullopt;
      return entry_of(frame, offset, length);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      return std::nullopt;
    }
  }

  static DirectoryEntry entry_of(const OpenedFrame& frame, uint64_t offset, uint64_t length) {
    DirectoryEntry entry = {.id = frame.id(),
                            .offset = offset,
                            .length = length,
                            .stream_class = frame.stream_class(),
                            .chunks = frame.chunks()};
    Bytes bitmap((entry.chunks.size() + 7) / 8);
    bool whole = true;
    for (size_t i = 0; i < entry.chunks.size(); ++i) {
      if (frame.range(i, 1)) {
        set_bit(bitmap, i);
      } else {
        whole = false;
      }
    }
    if (!whole) entry.bitmap = std::move(bitmap);
    return entry;
  }

  // Where the next box seems to begin.
  std::optional<uint64_t> next_box(uint64_t from) {
    while (from + kBoxOverheadBytes <= size_bytes_) {
      const size_t length = std::min<uint64_t>(kSearchBytes, size_bytes_ - from);
      if (!read(from, length)) return std::nullopt;
      const size_t found = as_text(box_).find(kBoxMagic);
      if (found != std::string_view::npos) return from + found;
      from += length - (kBoxMagic.size() - 1);
      if (length < kSearchBytes) return std::nullopt;
    }
    return std::nullopt;
  }

  RepositoryCore& core_;
  const std::string& object_;
  const uint64_t size_bytes_;
  BoxOpener opener_;
  IdMaker ids_;
  Bytes box_;
};

}  // namespace

void for_each_whole_frame(RepositoryCore& core, const std::string& object, uint64_t size_bytes,
                          const std::function<void(const DirectoryEntry&, ByteView)>& visit,
                          const std::stop_token& stop) {
  Salvage(core, object, size_bytes).run(visit, stop);
}

}  // namespace dbb::repository
