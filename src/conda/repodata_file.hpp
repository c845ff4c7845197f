// One repodata.json with the places of its records, and the records of one name in it. Internal to conda/.
#pragma once

#include <deque>
#include <functional>
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

// Constant once loaded, but for an index that turned out to be damaged.
struct RepoDataFile {
    RepoDataFile(RepoData::Origin its_origin, std::optional<JsonBytes> text, UniqueFd descriptor, RepoDataIndex places)
        : origin(std::move(its_origin)),
          bytes(std::move(text)),
          file(std::move(descriptor)),
          index(std::move(places)) {}

    RepoData::Origin origin;
    std::optional<JsonBytes> bytes;  // all of it; none: the file is read where it is needed
    UniqueFd file;
    std::filesystem::path path;  // of the file, where its index is kept beside it
    RepoDataIndex index;
    Url base_url;

    mutable std::once_flag damaged;
    mutable std::optional<RepoDataIndex> made_again;

    // The name's entries. Where the index is damaged there, it is made again. Error(Corrupt) where the text is, too.
    [[nodiscard]] std::span<const RepoDataIndex::Entry> entries(std::string_view name) const;
};

// Of what is kept beside a file; a cache that cannot be written is slower, and no reason to fail.
void save_index_beside(const RepoDataIndex& index, const std::filesystem::path& file);
[[nodiscard]] std::filesystem::path index_path(const std::filesystem::path& file);
// All of an open file from its start, a piece after the other. Error(Io), and what `take` throws.
void read_in_pieces(const UniqueFd& file, const std::string& shown, const std::function<void(std::string_view)>& take);
// Passes over the text of an open file.
[[nodiscard]] RepoDataIndex index_of(const UniqueFd& file, const std::string& shown);

class RepoDataRecords : public NameRecords {
  public:
    // `entries` are the name's, of the file's index.
    RepoDataRecords(std::shared_ptr<const RepoDataFile> file, std::string_view name,
                    std::span<const RepoDataIndex::Entry> entries);

    [[nodiscard]] std::span<const RecordHead> heads() const override { return heads_; }
    [[nodiscard]] std::string_view channel() const override { return file_->origin.channel; }
    [[nodiscard]] Expected<PackageRecord> read(std::size_t place) const override;
    [[nodiscard]] bool may_hold(std::size_t place, std::string_view text) const override;
    [[nodiscard]] LeftOut left_out() const override { return left_out_; }

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
    LeftOut left_out_;
    mutable std::mutex mutex_;  // guards parser_
    mutable RecordParser parser_;
};

}  // namespace envbuild::conda
