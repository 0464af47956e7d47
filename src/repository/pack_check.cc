#include "repository/pack_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "codec/xxh3.h"
#include "repository/damage.h"
#include "repository/object_check.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxFindingsOfOnePack = 16;

std::string frame_at(const PackedFrame& frame) {
  return fmt::format("frame {} at byte {}", frame.short_id.hex().substr(0, 16), frame.offset);
}

// Even, and the same for the same frame and seed, whoever looks and in which order.
uint64_t lot_of(uint64_t seed, const ShortFrameId& frame, uint32_t offset) {
  ByteWriter ticket;
  ticket.u64(seed);
  ticket.raw(frame.bytes);
  ticket.u32(offset);
  return codec::xxh3_128(ticket.bytes()).low;
}

}  // namespace

PackCheck::PackCheck(const Shared& shared) : shared_(shared), reader_(shared.core, shared.index) {}

void PackCheck::look_at(uint32_t number, std::optional<uint64_t> size_bytes, const std::stop_token& stop) {
  if (stop.stop_requested()) throw cancelled();
  const IndexedPack& pack = shared_.index->packs()[number];
  const std::string object = pack_name(pack.id);
  if (!size_bytes) {
    shared_.bad_copies.add_pack(number, shared_.findings.add(object, fmt::format("{} is missing.", object)));
    tally_.frames += shared_.index->frames_of(number).size();
    return;
  }
  if (*size_bytes != pack.size_bytes) {
    shared_.findings.add(object,
                         fmt::format("{} has {} bytes instead of {}.", object, *size_bytes, pack.size_bytes));
  }
  // A frame can be read without its directory; that only costs comparing. So each is looked at by itself.
  const std::optional<PackDirectory> directory = look_at_ends(pack, object);
  look_at_entries(number, object, *size_bytes, directory ? &*directory : nullptr, stop);
}

std::optional<PackDirectory> PackCheck::look_at_ends(const IndexedPack& pack, const std::string& object) {
  std::optional<uint32_t> epoch;
  std::optional<PackDirectory> directory;
  try {
    Bytes header(kPackHeaderBytes);
    const std::optional<size_t> got = shared_.core->store().get_range(object, 0, header);
    header.resize(got.value_or(0));
    epoch = decode_pack_header(header, pack.id, object);
  } catch (const Error& error) {
    add_damage(shared_.findings, object, error);
  }
  try {
    directory = shared_.core->read_directory(pack);
  } catch (const Error& error) {
    add_damage(shared_.findings, object, error);
  }
  const bool differs = (epoch && *epoch != pack.epoch) || (directory && directory->epoch != pack.epoch);
  if (differs) shared_.findings.add(object, "Its epoch differs from that in the index.");
  return directory;
}

void PackCheck::look_at_entries(uint32_t number, const std::string& object, uint64_t size_bytes,
                                const PackDirectory* directory, const std::stop_token& stop) {
  const std::vector<PackedFrame> frames = shared_.index->frames_of(number);
  tally_.frames += frames.size();
  std::set<FindingList::Number> found;
  uint64_t unlisted = 0;
  const auto bad = [&](const PackedFrame& frame, const std::string& problem, bool unusable) {
    const std::string& text = found.size() < kMaxFindingsOfOnePack
                                  ? problem
                                  : "More of its frames are damaged than are listed here.";
    const FindingList::Number finding = shared_.findings.add(object, text);
    found.insert(finding);
    if (unusable) shared_.bad_copies.add(number, frame.offset, finding);
  };
  // With a sample, each pack is opened somewhere.
  const auto luckiest = std::ranges::min_element(frames, {}, [&](const PackedFrame& frame) {
    return lot_of(shared_.options.sample_seed, frame.short_id, frame.offset);
  });
  for (const PackedFrame& frame : frames) {
    const DirectoryEntry* const entry = directory == nullptr ? nullptr : directory->at_offset(frame.offset);
    const std::string problem = problem_of(frame, entry, size_bytes, directory != nullptr);
    const bool chosen =
        shared_.options.read_data ||
        (shared_.options.sample && (&frame == &*luckiest || is_chosen(frame.short_id, frame.offset)));
    const bool read = chosen && uint64_t{frame.offset} + frame.length <= size_bytes;
    // What lies about the frame is told by reading it; without that, it is taken for unusable.
    if (!problem.empty()) bad(frame, problem, !read);
    if (!read) continue;
    if (stop.stop_requested()) throw cancelled();
    ++tally_.frames_read;
    tally_.bytes_read += frame.length;
    try {
      reader_.read_packed(shared_.index->packs()[number], frame);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      bad(frame, fmt::format("{}: {}", frame_at(frame), error.cause()), true);
    }
  }
  if (directory == nullptr) return;
  for (const DirectoryEntry& entry : directory->frames) {
    if (!std::ranges::binary_search(frames, entry.offset, {}, &PackedFrame::offset)) ++unlisted;
  }
  if (unlisted > 0) {
    shared_.findings.add(object, fmt::format("The index does not list {} of its {} frames.", unlisted,
                                             directory->frames.size()));
  }
}

std::string PackCheck::problem_of(const PackedFrame& frame, const DirectoryEntry* entry, uint64_t size_bytes,
                                  bool has_directory) const {
  if (uint64_t{frame.offset} + frame.length > size_bytes) {
    return fmt::format("It ends before {}.", frame_at(frame));
  }
  if (!has_directory) return {};
  const bool agree = entry != nullptr && shortened(entry->id) == frame.short_id &&
                     entry->length == frame.length && entry->chunks.size() == frame.chunk_count &&
                     entry->data_bytes() == frame.data_bytes && entry->bitmap.empty() != frame.partial &&
                     static_cast<uint8_t>(frame_kind(entry->stream_class)) == frame.kind;
  if (!agree) return fmt::format("Its directory and the index differ about {}.", frame_at(frame));
  return {};
}

bool PackCheck::is_chosen(const ShortFrameId& frame, uint32_t offset) const {
  const double lot =
      static_cast<double>(lot_of(shared_.options.sample_seed, frame, offset) >> 11) * 0x1p-53;  // in [0, 1)
  return lot < *shared_.options.sample;
}

}  // namespace dbb::repository
