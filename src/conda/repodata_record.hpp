// One record of a repodata.json. Internal to conda/.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"
#include "conda/name_records.hpp"
#include "conda/repodata.hpp"

namespace envbuild::conda {

// What heads point to where it is not in the text itself.
struct HeadStorage {
    std::deque<Version> versions;  // each text once
    std::unordered_map<std::string_view, const Version*> by_text;
    std::deque<std::string> escaped;  // texts, without their escapes
};

// Parses records of one repodata.json. Not thread-safe; keeps its memory from one record to the next.
class RecordParser {
  public:
    // Both outlive this.
    RecordParser(const RepoData::Origin& origin, const Url& base_url);
    ~RecordParser();
    RecordParser(const RecordParser&) = delete;

    // `json` is the record's object; `capacity` bytes are readable from its start, 64 or more beyond its end. Corrupt
    // with the reason where it is no usable record. Unknown fields and null are passed over.
    [[nodiscard]] Expected<PackageRecord> parse(std::string_view file_name, std::string_view json,
                                                std::size_t capacity);
    // Only its head; nothing where the record is revoked. The head points into `json` and `file_name`, and into
    // `storage`. Corrupt too where the record is of another name.
    [[nodiscard]] Expected<std::optional<RecordHead>> parse_head(std::string_view name, std::string_view file_name,
                                                                 std::string_view json, std::size_t capacity,
                                                                 HeadStorage& storage);

  private:
    struct State;
    const RepoData::Origin& origin_;
    const Url& base_url_;
    std::unique_ptr<State> state_;
};

}  // namespace envbuild::conda
