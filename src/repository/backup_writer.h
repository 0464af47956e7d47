#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "repository/item.h"
#include "repository/manifest.h"
#include "repository/stream_ref.h"

namespace dbb::repository {

class BackupSession;
class PartWriter;

struct BeginBackup {
  std::string kind;    // Manifest::kind
  std::string source;  // Manifest::source; earlier backups of the same source are what it is compared with
  std::string subject = {};  // Manifest::subject
  std::string program_version;
  std::string host;
};

// What the layer above adds when all streams are written.
struct ManifestDraft {
  bool complete = true;
  std::string document = "{}";  // JSON text
};

// What a stream is compared with: the part of the item of that key in the newest parent that has it.
struct StreamKey {
  std::string item_key;
  uint32_t part = 0;
};

// Takes the bytes of one stream. Confined to one thread; does not outlive its BackupWriter.
// Errors of the pipeline (kDiskFull, kCancelled, ...) come out of whichever call is next.
class StreamWriter {
 public:
  StreamWriter(BackupSession& session, std::unique_ptr<PartWriter> part);
  ~StreamWriter();

  // Rows and records: one whole unit and its hash (the low half of XXH3-128 of its bytes). Chunks end at
  // unit ends: mean 4 KiB, 2 to 16; a longer unit is cut inside. An empty unit leaves no trace.
  void append(ByteView unit, uint64_t hash);
  // Pages and bytes, in pieces of any size.
  void append_bytes(ByteView bytes);
  // Ends the stream. Destroying the writer without it leaves only unreferenced chunks.
  StreamRef finish();

  // Given to append() so far, and of that, not found in the previous backup.
  uint64_t bytes() const;
  uint64_t new_bytes() const;

 private:
  BackupSession& session_;
  std::unique_ptr<PartWriter> part_;
};

// Writes one backup. Thread-safe: streams are opened and items added from any thread.
//
// Threads: as many to compress and seal as there are cores, one to pack and store; they end with this object.
// Memory, worst case, with W cores and S open streams:
//   frames waiting to be compressed 8 MiB + W x 3 MiB (compression state, input, output)
//   + sealed frames waiting 16 MiB + the pack being filled or stored 33 MiB
//   + S x 3 MiB (chunks of the previous part 2.5 MiB, frame being filled 0.5 MiB)
//   + directories of earlier packs 32 MiB + the index 29 bytes a frame + new frames 27 bytes each
//   + items 32 MiB, however many: what is more lies in temporary files, without a name, in TMPDIR or
//   /var/tmp.
//
// Without commit() there is no backup: nothing refers to what was written, and the packs are removed as
// far as the store allows.
class BackupWriter {
 public:
  explicit BackupWriter(std::unique_ptr<BackupSession> session);
  ~BackupWriter();

  const BackupId& id() const;
  // The backups this one is compared with, in the order in which an item is looked up in them: empty, or the
  // newest of the same source, down to the newest complete one of the same kind.
  const std::vector<BackupId>& parents() const;

  std::unique_ptr<StreamWriter> open_stream(const StreamKey& key, StreamClass stream_class);
  // In any order, after its streams have finished. A key that was added before is a bug of the caller.
  void add_item(const Item& item);
  // Stores packs, index, item list, and last the manifest: from then on there is a backup. Once, from one
  // thread, when all streams have finished.
  Manifest commit(const ManifestDraft& draft);

  // So far; read at any time.
  Totals totals() const;

 private:
  std::unique_ptr<BackupSession> session_;
};

}  // namespace dbb::repository
