// What somebody can do who has the keys: every kind of content, sealed as it should be, in a small repository
// that is then opened, listed, read, checked and repaired. An input is a sequence of lies: one byte what
// about, two bytes how long, then what to say.

#include <algorithm>

#include "base/event.h"
#include "repository/fuzzing.h"
#include "repository/repository.h"
#include "repository/small_repository.h"

namespace {

using namespace dbb::repository;
using dbb::Bytes;
using dbb::ByteView;

constexpr size_t kMaxPieces = 64;  // of a stream: a lie may claim any length

struct Told {
  testing::Lies lies;
  std::vector<std::pair<size_t, Bytes>> raw;  // objects by number, and what lies in their place, unsealed
};

Told lies_of(ByteView input) {
  Told told;
  while (input.size() >= 3) {
    const uint8_t about = input[0];
    const size_t length = std::min<size_t>(input[1] | input[2] << 8, input.size() - 3);
    const ByteView said = input.subspan(3, length);
    const Bytes bytes(said.begin(), said.end());
    input = input.subspan(3 + length);
    switch (about % 9) {
      case 0:
        told.lies.manifest = bytes;
        break;
      case 1:
        told.lies.item_list = bytes;
        break;
      case 2:
        told.lies.recipe = bytes;
        break;
      case 3:
        testing::survive([&] { told.lies.part = decode_stream_ref(bytes, "input"); });
        break;
      case 4:
        told.lies.frame = bytes;
        break;
      case 5:
        told.lies.directory = bytes;
        break;
      case 6:
        told.lies.index = bytes;
        break;
      case 7:
        told.lies.state = bytes;
        break;
      default:
        told.raw.emplace_back(about / 9, bytes);
    }
  }
  return told;
}

// Lies that writers could not have put into a frame are not told: there are no empty frames, nor larger ones.
void make_tellable(testing::Lies& lies) {
  const auto fits = [](const std::optional<Bytes>& stream) {
    return stream && !stream->empty() && stream->size() <= kMaxFrameDataBytes;
  };
  if (!fits(lies.item_list)) lies.item_list.reset();
  if (!fits(lies.recipe)) lies.recipe.reset();
}

void read_everything(Repository& repository) {
  for (const Manifest& manifest : repository.list_backups().backups) {
    testing::survive([&] {
      const auto backup = repository.open_backup(manifest.id);
      backup->for_each_item([&](const Item& item) {
        for (const StreamRef& part : item.parts) {
          testing::survive([&] {
            const auto stream = backup->open_stream(part);
            ByteView piece;
            for (size_t i = 0; i < kMaxPieces && stream->next(piece); ++i) {
            }
          });
        }
      });
      backup->missing_frames({});
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Told told = lies_of({data, size});
  make_tellable(told.lies);
  testing::SmallRepository small(told.lies);
  for (const auto& [number, bytes] : told.raw) {
    auto object = small.objects.begin();
    std::advance(object, number % small.objects.size());
    small.forge().replace(object->second, bytes);
  }
  testing::survive([&] {
    dbb::NullEventSink events;
    const auto repository = Repository::open(small.store, {});
    read_everything(*repository);
    repository->check({.read_data = true}, events, {});
    repository->stats({});
    repository->repair_index(repository->plan_index_repair(events, {}), events, {});
    // What was repaired is repaired.
    DBB_CHECK(!Repository::open(small.store, {})->plan_index_repair(events, {}).needed,
              "a repair ends the need");
    read_everything(*repository);
  });
  return 0;
}
