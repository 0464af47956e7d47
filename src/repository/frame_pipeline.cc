#include "repository/frame_pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "repository/pack.h"
#include "repository/put_object.h"
#include "repository/sealed_box.h"
#include "repository/unique_name.h"

namespace dbb::repository {
namespace {

constexpr size_t kTrailerBytes = 16 << 10;  // room for a frame's trailer

// What compresses well is small, and the list of its chunks is as long as any.
size_t list_bytes(const FrameJob& job) { return job.chunks.capacity() * sizeof(ChunkInfo); }

}  // namespace

// Collects sealed frames until there is enough for a pack, then stores it. Confined to one thread.
class FramePipeline::Packer {
 public:
  explicit Packer(FramePipeline& pipeline)
      : pipeline_(pipeline), sealer_(pipeline.keys_, pipeline.writing_.zstd_level) {}

  void add(SealedFrame frame) {
    if (bytes_ + frame.box.size() > pipeline_.writing_.pack_bytes ||
        chunks_ + frame.job.chunks.size() > kPackChunks)
      store();
    directory_.frames.push_back({.id = frame.job.id,
                                 .offset = kPackHeaderBytes + bytes_,
                                 .length = frame.box.size(),
                                 .stream_class = frame.job.stream_class,
                                 .chunks = std::move(frame.job.chunks),
                                 .bitmap = std::move(frame.job.bitmap)});
    origins_.push_back({.frame = frame.job.id, .key = std::move(frame.job.origin)});
    bytes_ += frame.box.size();
    chunks_ += directory_.frames.back().chunks.size();
    boxes_.push_back(std::move(frame.box));
  }

  void store() {
    if (boxes_.empty()) return;
    directory_.epoch = pipeline_.keys_.newest_epoch();
    directory_.pack = new_name();
    const uint64_t size_bytes = put_pack();
    pipeline_.stored_bytes_ += size_bytes;
    pipeline_.pack_stored_(contents_of(directory_, size_bytes), std::move(origins_));
    origins_.clear();
    directory_.frames.clear();
    boxes_.clear();
    bytes_ = 0;
    chunks_ = 0;
  }

 private:
  PackId new_name() {
    ByteWriter what;
    for (const DirectoryEntry& entry : directory_.frames) what.raw(entry.id.bytes);
    for (const Bytes& box : boxes_) what.raw(ByteView(box).last(codec::kTagBytes));
    return unique_name(pipeline_.keys_, what.bytes());
  }

  // The size of the pack.
  uint64_t put_pack() {
    const std::string object = pack_name(directory_.pack);
    const Bytes header = encode_pack_header(directory_.pack, directory_.epoch);
    const Bytes directory =
        sealer_.seal(BoxKind::kDirectory, box_name_of_object(object), encode_directory(directory_));
    const Bytes trailer = encode_pack_trailer({.directory_offset = kPackHeaderBytes + bytes_,
                                               .directory_length = directory.size(),
                                               .frame_count = directory_.frames.size()});
    std::vector<ByteView> pieces = {header};
    pieces.insert(pieces.end(), boxes_.begin(), boxes_.end());
    pieces.emplace_back(directory);
    pieces.emplace_back(trailer);
    put_object(pipeline_.store_, object, pieces);
    return kPackHeaderBytes + bytes_ + directory.size() + trailer.size();
  }

  FramePipeline& pipeline_;
  BoxSealer sealer_;
  PackDirectory directory_;
  std::vector<FrameOrigin> origins_;  // of the frames in it
  std::vector<Bytes> boxes_;
  size_t bytes_ = 0;
  size_t chunks_ = 0;
};

FramePipeline::FramePipeline(storage::ObjectStore& store, const KeyRing& keys, const WriteSettings& writing,
                             PackStored pack_stored, std::stop_token stop, const PipelineQueues& queues)
    : store_(store),
      keys_(keys),
      writing_(writing),
      spare_buffers_(queues.spare_buffers),
      pack_stored_(std::move(pack_stored)),
      sealers_(std::max(1U, std::thread::hardware_concurrency())),
      jobs_(queues.frames),
      sealed_(queues.sealed),
      tasks_(std::move(stop)) {
  const unsigned count = sealers_;
  for (unsigned i = 0; i < count; ++i) {
    spawn(fmt::format("seal-{}", i), [this](const std::stop_token& token) { seal_frames(token); });
  }
  spawn("pack", [this](const std::stop_token& token) { pack_frames(token); });
}

FramePipeline::~FramePipeline() = default;

// The group keeps the first error for join(); a caller inside push() needs it before that.
template <typename Task>
void FramePipeline::spawn(const std::string& name, Task task) {
  tasks_.spawn(name, [this, task](const std::stop_token& stop) {
    try {
      task(stop);
    } catch (const Error& error) {
      const std::scoped_lock lock(failure_mutex_);
      if (!failure_) failure_ = error;
      throw;
    } catch (const std::exception& error) {
      const std::scoped_lock lock(failure_mutex_);
      if (!failure_)
        failure_ = Error(ErrorCode::kInternal, {.message = "Storing failed.", .cause = error.what()});
      throw;
    }
  });
}

void FramePipeline::seal_frames(const std::stop_token& stop) {
  BoxSealer sealer(keys_, writing_.zstd_level);
  while (std::optional<FrameJob> job = jobs_.pop(stop)) {
    Bytes box = sealer.seal(frame_kind(job->stream_class), job->id.bytes, job->content);
    give_buffer(std::move(job->content));
    job->content = {};
    const size_t weight = box.size() + list_bytes(*job);
    sealed_.push({.job = std::move(*job), .box = std::move(box)}, weight, stop);
  }
  if (--sealers_ == 0) sealed_.close();
}

void FramePipeline::pack_frames(const std::stop_token& stop) {
  Packer packer(*this);
  while (std::optional<SealedFrame> frame = sealed_.pop(stop)) packer.add(std::move(*frame));
  packer.store();
}

void FramePipeline::push(FrameJob job) {
  const size_t weight = job.content.capacity() + list_bytes(job);
  try {
    jobs_.push(std::move(job), weight, tasks_.token());
  } catch (const Error&) {
    throw_failure();
  }
}

void FramePipeline::push_sealed(FrameJob job, Bytes box) {
  const size_t weight = box.size() + list_bytes(job);
  try {
    sealed_.push({.job = std::move(job), .box = std::move(box)}, weight, tasks_.token());
  } catch (const Error&) {
    throw_failure();
  }
}

Bytes FramePipeline::take_buffer() {
  {
    const std::scoped_lock lock(buffers_mutex_);
    if (!buffers_.empty()) {
      Bytes buffer = std::move(buffers_.back());
      buffers_.pop_back();
      return buffer;
    }
  }
  Bytes buffer;
  buffer.reserve(writing_.frame_bytes + kTrailerBytes);
  return buffer;
}

void FramePipeline::give_buffer(Bytes buffer) {
  buffer.clear();
  const std::scoped_lock lock(buffers_mutex_);
  if (buffers_.size() < spare_buffers_) buffers_.push_back(std::move(buffer));
}

void FramePipeline::finish() {
  jobs_.close();
  try {
    tasks_.join();
  } catch (...) {
    throw_failure();
  }
}

void FramePipeline::check() const {
  if (tasks_.token().stop_requested()) throw_failure();
}

void FramePipeline::throw_failure() const {
  const std::scoped_lock lock(failure_mutex_);
  // A copy: several threads throw it, and each may add context to its own.
  if (failure_) throw Error(*failure_);
  throw cancelled();
}

void FramePipeline::abandon() {
  tasks_.request_stop();
  try {
    tasks_.join();
  } catch (...) {
    // Whoever abandons knows why, or does not care.
  }
}

}  // namespace dbb::repository
