#include "cli/redaction.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace dbb::cli {
namespace {

constexpr std::string_view kMask = "***";
constexpr size_t kShortestSecret = 4;
constexpr size_t kMd5Digits = 32;
constexpr std::array<std::string_view, 6> kWords = {"sslpassword", "password", "passwd",
                                                    "passphrase",  "pwd",      "secret"};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_quote(char c) { return c == '\'' || c == '"'; }

bool begins_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::ranges::equal(text.substr(0, word.size()), word,
                            [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

void replace_all(std::string& text, std::string_view what) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + kMask.size()))
    text.replace(at, what.size(), kMask);
}

// The end of the value that begins at `at`, behind a quote, or up to what cannot be in a bare one. Quotes may
// be doubled (SQL) or escaped (documents, connection strings); a quote that is escaped itself ends at the
// same.
size_t end_of_quoted(std::string_view text, size_t at, char quote, bool escaped) {
  for (; at < text.size(); ++at) {
    if (escaped) {
      if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == quote) return at;
      continue;
    }
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (at + 1 >= text.size() || text[at + 1] != quote) return at;
      ++at;
    }
  }
  return text.size();
}

size_t end_of_bare(std::string_view text, size_t at) {
  static constexpr std::string_view kEnds = "&,;'\"\\)}]";
  while (at < text.size() && !is_space(text[at]) && kEnds.find(text[at]) == std::string_view::npos) ++at;
  return at;
}

// What stands behind a word that announces a secret: copies up to it, masks it, and returns where to go on.
size_t mask_behind(std::string_view text, size_t at, std::string& out) {
  const size_t begin = at;
  bool assigned = false;
  // A document's key ends with a quote of its own: "password": "..."
  const size_t key_end = at + (at < text.size() && text[at] == '\\' ? 1 : 0);
  if (key_end < text.size() && text[key_end] == '"') {
    size_t colon = key_end + 1;
    while (colon < text.size() && is_space(text[colon])) ++colon;
    if (colon < text.size() && text[colon] == ':') at = key_end + 1;
  }
  while (at < text.size() && (is_space(text[at]) || text[at] == '=' || text[at] == ':')) {
    assigned = assigned || !is_space(text[at]);
    ++at;
  }
  const bool escaped = at + 1 < text.size() && text[at] == '\\' && is_quote(text[at + 1]);
  const size_t opening = at + (escaped ? 1 : 0);
  const bool quoted = opening < text.size() && is_quote(text[opening]);
  if (!quoted && !assigned) return begin;  // "password authentication failed"
  const size_t value = quoted ? opening + 1 : at;
  const size_t end = quoted ? end_of_quoted(text, value, text[opening], escaped) : end_of_bare(text, value);
  out += text.substr(begin, value - begin);
  if (end > value) out += kMask;
  return end;
}

// "://user:password@host": the end of the password, or nothing.
size_t password_end(std::string_view text, size_t colon) {
  for (size_t at = colon + 1; at < text.size() && !is_space(text[at]) && text[at] != '/'; ++at) {
    if (text[at] == '@') return at;
  }
  return std::string_view::npos;
}

// At the beginning of a user in a URI: copies up to the password, masks it, and returns where to go on.
size_t mask_in_uri(std::string_view text, size_t at, std::string& out) {
  for (size_t colon = at; colon < text.size() && !is_space(text[colon]); ++colon) {
    if (text[colon] == '/' || text[colon] == '@') break;
    if (text[colon] != ':') continue;
    const size_t end = password_end(text, colon);
    if (end == std::string_view::npos) break;
    out += text.substr(at, colon + 1 - at);
    out += kMask;
    return end;
  }
  return at;
}

// The hash of a password as the server stores it.
size_t end_of_hash(std::string_view text, size_t at) {
  static constexpr std::string_view kScram = "scram-sha-256$";
  if (begins_with(text.substr(at), kScram)) return end_of_bare(text, at);
  if (!begins_with(text.substr(at), "md5")) return at;
  size_t end = at + 3;
  while (end < text.size() && std::isxdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  return end == at + 3 + kMd5Digits ? end : at;
}

}  // namespace

void Redaction::add_secret(std::string value) {
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  if (value.size() < kShortestSecret || std::ranges::find(values_, value) != values_.end()) return;
  values_.push_back(std::move(value));
  std::ranges::stable_sort(values_, std::ranges::greater{}, &std::string::size);
}

std::string Redaction::clean(std::string_view given) const {
  std::string known(given);
  for (const std::string& value : values_) replace_all(known, value);
  const std::string_view text = known;
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (begins_with(text.substr(at), "://")) {
      out += text.substr(at, 3);
      at = mask_in_uri(text, at + 3, out);
      continue;
    }
    const bool begins_word = at == 0 || !is_word(text[at - 1]);
    if (begins_word) {
      if (const size_t end = end_of_hash(text, at); end != at) {
        out += kMask;
        at = end;
        continue;
      }
    }
    const auto word = std::ranges::find_if(kWords, [&](std::string_view one) {
      return begins_with(text.substr(at), one) &&
             (at + one.size() >= text.size() || !is_word(text[at + one.size()]));
    });
    if (word == kWords.end()) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, word->size());
    at = mask_behind(text, at + word->size(), out);
  }
  return out;
}

}  // namespace dbb::cli
