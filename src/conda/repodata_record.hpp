// One record of a repodata.json. Internal to conda/.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "conda/package_record.hpp"
#include "conda/repodata.hpp"

namespace envbuild::conda {

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

  private:
    struct State;
    const RepoData::Origin& origin_;
    const Url& base_url_;
    std::unique_ptr<State> state_;
};

}  // namespace envbuild::conda
