// Wheels as archives of validated entries (PEP 427): zip, read at any place, unpacked nowhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/zip_directory.hpp"
#include "conda/archive.hpp"

namespace envbuild::link {

// A wheel's directory, after the same validator that conda's packages go through. It refuses (Error Corrupt, naming
// wheel and member): names that CondaArchive refuses, or with a backslash; members that are neither file nor folder by
// their Unix mode (a symlink's target would be its content, which pip writes as a file); encryption; methods other than
// "stored" and deflate; members that overlap; more members or bytes than ArchiveLimits allow, by what the directory
// says, which reading then holds each member to. Immutable and thread-safe; `source` may be shared.
class WheelArchive {
  public:
    struct Member {
        conda::ArchiveEntry entry;  // a File
        std::size_t number = 0;     // in the zip's directory
        bool executable = false;
    };

    [[nodiscard]] static WheelArchive open(std::string file_name, std::shared_ptr<const conda::ArchiveSource> source,
                                           const conda::ArchiveLimits& limits = {});

    [[nodiscard]] const std::string& file_name() const { return file_name_; }
    // Files alone, in the order in which they lie in the archive.
    [[nodiscard]] const std::vector<Member>& members() const { return members_; }
    [[nodiscard]] const Member* find(std::string_view path) const;
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    // The member's content; Corrupt, as the reader's read(), where it is damaged. Each reader has a position of its
    // own. The archive outlives it.
    [[nodiscard]] std::unique_ptr<conda::ContentReader> stream(const Member& member) const;
    // All of it. Corrupt where it has more than `limit` bytes.
    [[nodiscard]] std::string read(const Member& member, std::uint64_t limit) const;

  private:
    WheelArchive() = default;

    std::string file_name_;
    std::shared_ptr<const conda::ArchiveSource> source_;
    ZipDirectory directory_;
    std::vector<Member> members_;
    std::unordered_map<std::string, std::size_t> by_path_;
    std::vector<std::string> warnings_;
};

}  // namespace envbuild::link
