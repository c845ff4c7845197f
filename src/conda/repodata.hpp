// One repodata.json: the index of a channel's subdir (CEP 36's classic form; CEP 15 for base_url).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/package_record.hpp"
#include "conda/subdir_records.hpp"

namespace envbuild::conda {

struct RepoDataFile;

// Names with the places of their records; a record is parsed when its name is asked for. Immutable once loaded and
// thread-safe. Files of 400 MB are fine: a file is passed over once, and then read where it is needed; no tree is made.
class RepoData : public SubdirRecords {
  public:
    // What a channel's records need to know of where they come from.
    struct Origin {
        std::string channel;  // canonical URL of the channel, without subdir or credentials
        std::string subdir;   // "linux-64", "noarch"; info.subdir of the file is not trusted over it
        std::string shown;    // where the bytes came from, for messages: a URL or a path, without credentials
    };

    // Error(Corrupt) with the place where the text stops being a repodata: truncated, empty, HTML, another JSON; (Io,
    // NotFound) where the file cannot be read.
    [[nodiscard]] static std::shared_ptr<const RepoData> load(const std::filesystem::path& file, Origin origin);
    // The same of a file that nobody changes any more, as envbuild's cache has them: its index is kept in
    // "<file>.index", and with one there only the records that are asked for are read.
    [[nodiscard]] static std::shared_ptr<const RepoData> load_indexed(const std::filesystem::path& file, Origin origin);
    [[nodiscard]] static std::shared_ptr<const RepoData> from_bytes(std::string bytes, Origin origin);
    // Of a subdir that a channel does not have.
    [[nodiscard]] static std::shared_ptr<const RepoData> empty(Origin origin);

    // Of what was scanned before. Internal to conda/.
    [[nodiscard]] static std::shared_ptr<const RepoData> make(std::shared_ptr<RepoDataFile> file);

    ~RepoData() override;
    RepoData(const RepoData&) = delete;

    // What cannot be a record (no version, a version that conda does not take, a wrong type) is left out.
    [[nodiscard]] std::shared_ptr<const NameRecords> open(std::string_view name) const override;
    [[nodiscard]] std::vector<std::string> names() const override;
    [[nodiscard]] bool has(std::string_view name) const override;
    [[nodiscard]] std::vector<std::string> needs(std::string_view name) const override;
    [[nodiscard]] bool is_sharded() const override { return false; }
    [[nodiscard]] std::size_t size() const;  // records, before the rules of records()
    [[nodiscard]] const Origin& origin() const;
    // Where archives are, as canonical URL: <channel>/<subdir>, or what the file's base_url says (CEP 15).
    [[nodiscard]] const Url& base_url() const;

  private:
    explicit RepoData(std::shared_ptr<const RepoDataFile> file);
    std::shared_ptr<const RepoDataFile> file_;
};

}  // namespace envbuild::conda
