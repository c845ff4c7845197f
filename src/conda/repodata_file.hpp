// One repodata.json with the places of its records, and the records of one name in it. Internal to conda/.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.hpp"
#include "conda/name_records.hpp"
#include "conda/repodata.hpp"
#include "conda/repodata_index.hpp"
#include "conda/repodata_record.hpp"

namespace envbuild::conda {

// Constant once loaded, but for what was skipped.
struct RepoDataFile {
    RepoDataFile(RepoData::Origin its_origin, std::optional<JsonBytes> text, UniqueFd descriptor, RepoDataIndex places)
        : origin(std::move(its_origin)),
          bytes(std::move(text)),
          file(std::move(descriptor)),
          index(std::move(places)) {}

    RepoData::Origin origin;
    std::optional<JsonBytes> bytes;  // all of it; none: the file is read where it is needed
    UniqueFd file;
    RepoDataIndex index;
    Url base_url;
    mutable std::mutex mutex;  // guards `skipped`
    mutable RepoData::Skipped skipped;

    void skip(const Error& reason) const;
};

class RepoDataRecords : public NameRecords {
  public:
    // `entries` are the name's, of the file's index.
    RepoDataRecords(std::shared_ptr<const RepoDataFile> file, std::string_view name,
                    std::span<const RepoDataIndex::Entry> entries);

    [[nodiscard]] std::span<const RecordHead> heads() const override { return heads_; }
    [[nodiscard]] std::string_view channel() const override { return file_->origin.channel; }
    [[nodiscard]] Expected<PackageRecord> read(std::size_t place) const override;
    [[nodiscard]] bool may_hold(std::size_t place, std::string_view text) const override;

  private:
    // Where one record's text is.
    struct Text {
        std::string_view file_name, json;
        std::size_t capacity = 0;  // readable bytes from json's start
    };
    [[nodiscard]] std::vector<Text> texts(std::span<const RepoDataIndex::Entry> entries);
    [[nodiscard]] std::string_view piece(std::uint32_t begin, std::uint32_t end);

    std::shared_ptr<const RepoDataFile> file_;
    std::deque<std::string> pieces_;  // what was read of the file; stays where it is
    std::vector<Text> texts_;         // a head each
    HeadStorage storage_;
    std::vector<RecordHead> heads_;
    mutable std::mutex mutex_;  // guards parser_
    mutable RecordParser parser_;
};

}  // namespace envbuild::conda
