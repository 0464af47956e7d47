#include "base/error.h"

#include <algorithm>

namespace dbb {

Error::Error(ErrorCode code, Parts parts) : code_(code), parts_(std::move(parts)) {
  what_ = parts_.message;
  if (!parts_.cause.empty()) what_ += ": " + parts_.cause;
}

void Error::add_context(std::string_view label, std::string value) {
  const bool known = std::ranges::any_of(context_, [&](const auto& entry) { return entry.first == label; });
  if (!known) context_.emplace_back(label, std::move(value));
}

Error cancelled() {
  return Error(ErrorCode::kCancelled, {.message = "Stopped on request before the work was done.",
                                       .solution = {"Run the same command again when it suits."}});
}

}  // namespace dbb
