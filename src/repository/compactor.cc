#include "repository/compactor.h"

#include <algorithm>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/frame_pipeline.h"
#include "repository/frame_reader.h"
#include "repository/index_writer.h"

namespace dbb::repository {
namespace {

// Prunes hold the index and a bit for every chunk besides, and one thread alone fills the queues.
constexpr PipelineQueues kQueues = {.frames = 4 << 20, .sealed = 4 << 20, .spare_buffers = 8};

// One bit a chunk: needed, and there in this copy.
Bytes bitmap_to_keep(const NeededChunks& needed, const PackedFrame& copy, const OpenedFrame& frame,
                     size_t& kept) {
  Bytes bitmap((frame.chunks().size() + 7) / 8);
  kept = 0;
  for (uint32_t i = 0; i < frame.chunks().size(); ++i) {
    if (!needed.has(copy, i) || !frame.range(i, 1)) continue;
    set_bit(bitmap, i);
    ++kept;
  }
  return bitmap;
}

class PackCopier {
 public:
  PackCopier(const std::shared_ptr<RepositoryCore>& core, const NeededChunks& needed, FramePipeline& pipeline)
      : needed_(needed), pipeline_(pipeline), reader_(core, needed.shared_index()) {}

  // Error of damage when something needed cannot be read. What was pushed before that is a copy too many.
  void copy(uint32_t number) {
    for (const PackedFrame& copy : needed_.index().frames_of(number)) {
      if (needed_.count(copy) > 0) copy_frame(needed_.index().packs()[number], copy);
    }
  }

 private:
  void copy_frame(const IndexedPack& pack, const PackedFrame& copy) {
    const OpenedFrame& frame = reader_.read_packed(pack, copy);
    size_t kept = 0;
    Bytes bitmap = bitmap_to_keep(needed_, copy, frame, kept);
    if (kept == 0) return;
    const ByteView box = reader_.box();
    FrameJob job = {.id = {name_of_box(box)}, .stream_class = frame.stream_class(), .chunks = frame.chunks()};
    if (kept == frame.chunks().size()) {
      pipeline_.push_sealed(std::move(job), Bytes(box.begin(), box.end()));
      return;
    }
    job.content = pipeline_.take_buffer();
    for (uint32_t i = 0; i < frame.chunks().size(); ++i) {
      if (!is_set(bitmap, i)) continue;
      const ByteView bytes = frame.range(i, 1).value();
      job.content.insert(job.content.end(), bytes.begin(), bytes.end());
    }
    append_frame_trailer(job.content, job.stream_class, job.chunks, bitmap);
    job.bitmap = std::move(bitmap);
    pipeline_.push(std::move(job));
  }

  const NeededChunks& needed_;
  FramePipeline& pipeline_;
  FrameReader reader_;
};

}  // namespace

CompactionResult compact_packs(const std::shared_ptr<RepositoryCore>& core, const NeededChunks& needed,
                               std::span<const uint32_t> packs, EventSink& events,
                               const std::stop_token& stop) {
  CompactionResult result;
  if (packs.empty()) return result;
  IndexWriter index(*core);
  FramePipeline pipeline(
      core->store(), core->keys(), core->config().writing,
      [&](PackContents contents, const std::vector<FrameOrigin>&) {
        ++result.written_packs;
        index.add(std::move(contents));
      },
      stop, kQueues);
  PackCopier copier(core, needed, pipeline);
  uint64_t bytes_total = 0;
  for (const uint32_t number : packs) bytes_total += needed.index().packs()[number].size_bytes;
  uint64_t bytes_done = 0;
  for (const uint32_t number : packs) {
    const IndexedPack& pack = needed.index().packs()[number];
    events.emit(Progress{.phase = "compacting",
                         .object = pack_name(pack.id),
                         .bytes_done = bytes_done,
                         .bytes_total = bytes_total});
    try {
      copier.copy(number);
      result.copied.push_back(number);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      result.damaged.push_back(number);
    }
    bytes_done += pack.size_bytes;
  }
  pipeline.finish();
  index.finish();
  result.written_bytes = pipeline.stored_bytes() + index.stored_bytes();
  return result;
}

}  // namespace dbb::repository
