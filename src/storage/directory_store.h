#pragma once

#include <filesystem>

#include "storage/object_store.h"

namespace dbb::storage {

// Objects as files below one directory, each published durably (temporary file, fsync, rename that refuses to
// replace, fsync of the directory). Directories 0700, files 0600. Nothing is created before the first put().
class DirectoryStore final : public ObjectStore {
 public:
  explicit DirectoryStore(std::filesystem::path root);

  StoreFeatures features() const override { return {.conditional_put = true}; }
  std::string describe() const override;
  using ObjectStore::put;
  PutResult put(std::string_view name, std::span<const ByteView> pieces) override;
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override;
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override;
  std::optional<uint64_t> size(std::string_view name) override;
  // Follows links, as reading does; one that leads nowhere is kStorageFailed, a folder that may not be read
  // kPermissionDenied: what is behind them is not missing. Leaves out temporary files (".tmp-" in the name).
  void list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) override;
  void list_names(std::string_view prefix, const std::function<void(const std::string&)>& visit) override;
  bool remove(std::string_view name) override;

 private:
  const std::filesystem::path root_;
};

}  // namespace dbb::storage
