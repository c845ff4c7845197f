// Where each record of a repodata.json lies: made in one pass over the text, kept beside it. Internal to conda/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conda/json_bytes.hpp"

namespace envbuild::conda {

struct RepoDataScan;

// Flat, so that a file of it is used where it is mapped. Immutable, thread-safe.
class RepoDataIndex {
  public:
    // Places in the text: offsets from its start.
    struct Entry {
        std::uint32_t key_offset = 0, json_offset = 0, json_length = 0;
        std::uint16_t key_length = 0, unused = 0;
        [[nodiscard]] std::uint32_t end() const { return json_offset + json_length; }
    };
    // Which text an index is of.
    struct Stamp {
        std::uint64_t size = 0;
        std::int64_t modified = 0;  // nanoseconds
        [[nodiscard]] static std::optional<Stamp> of(const std::filesystem::path& file);
    };

    [[nodiscard]] static RepoDataIndex make(const RepoDataScan& scan);
    // Nothing where the file is not there, of another version of envbuild, of another text, or damaged anywhere but in
    // the entries.
    [[nodiscard]] static std::optional<RepoDataIndex> open(const std::filesystem::path& file, const Stamp& stamp);
    // Atomic. Errors are AtomicFile's.
    void save(const std::filesystem::path& file, const Stamp& stamp) const;

    // In the order of the text, none for a name that is not there; nothing where they are damaged.
    [[nodiscard]] std::optional<std::span<const Entry>> entries(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> names() const;  // sorted
    [[nodiscard]] bool is_removed(std::string_view file_name) const;
    [[nodiscard]] std::string_view base_url() const;  // info.base_url, "" where absent
    [[nodiscard]] std::string_view subdir() const;    // info.subdir, "" where absent
    [[nodiscard]] std::size_t count() const;          // entries, and what is no object or has no name

  private:
    struct Header;
    struct Row;
    struct Text;
    explicit RepoDataIndex(JsonBytes bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] const Header& header() const;
    [[nodiscard]] std::uint64_t sum_with(const Header& header) const;
    [[nodiscard]] std::span<const Row> rows() const;
    [[nodiscard]] const Row* row(std::string_view name) const;
    [[nodiscard]] std::span<const Entry> all_entries() const;
    [[nodiscard]] std::span<const Text> removed() const;
    [[nodiscard]] std::string_view text(const Text& text) const;

    JsonBytes bytes_;
};

}  // namespace envbuild::conda
