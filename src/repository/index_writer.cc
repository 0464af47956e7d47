#include "repository/index_writer.h"

#include "repository/put_object.h"
#include "repository/unique_name.h"

namespace dbb::repository {
void IndexWriter::add(PackContents contents) {
  if (frames_ + contents.frames.size() > kFrames) store();
  frames_ += contents.frames.size();
  packs_.push_back(std::move(contents));
}

void IndexWriter::finish() { store(); }

void IndexWriter::store() {
  if (packs_.empty()) return;
  const Bytes content = encode_index(packs_);
  const std::string object = "index/" + unique_name(core_.keys(), content).hex();
  const Bytes box = BoxSealer(core_.keys()).seal(BoxKind::kIndex, box_name_of_object(object), content);
  objects_.push_back(object);
  try {
    put_object(core_.store(), object, box);
  } catch (...) {
    if (!core_.store().size(object)) objects_.pop_back();
    throw;
  }
  stored_bytes_ += box.size();
  packs_.clear();
  frames_ = 0;
}

}  // namespace dbb::repository
