// The rules that every entry of a package has to keep. Used by archive.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "conda/archive.hpp"
#include "conda/archive_tar.hpp"

namespace envbuild::conda {

// Remembers what an archive has brought so far. Not thread-safe.
class EntryValidator {
  public:
    explicit EntryValidator(const ArchiveLimits& limits) : limits_(limits) {}

    // The entry as the rest of envbuild may see it; nothing for the archive's own top folder ("./"). Throws
    // Error(Corrupt) with the reason alone: the caller names package and entry.
    [[nodiscard]] std::optional<ArchiveEntry> check(RawEntry raw);
    // A line for each kind of oddity, with its first entry and their number.
    [[nodiscard]] std::vector<std::string> warnings() const;

  private:
    struct Oddity {
        std::string what, first;
        std::uint64_t count = 0;
    };

    void admit(const std::string& path, EntryKind kind);
    void admit_parents(const std::string& path);
    void note_case(std::string_view path);
    void odd(std::string_view what, std::string_view path);

    ArchiveLimits limits_;
    std::uint64_t entries_ = 0;
    struct Known {
        EntryKind kind;
        bool implied;  // a folder that only follows from the entries in it
    };
    std::unordered_map<std::string, Known> known_;
    std::unordered_set<std::uint64_t> folded_;  // hashes of the names in lower case
    std::string last_parent_;
    std::vector<Oddity> oddities_;
};

// The name in quotes, safe to print: control characters and what is no UTF-8 escaped, cut at 200 bytes.
[[nodiscard]] std::string quoted_name(std::string_view name);

}  // namespace envbuild::conda
