#include "link/wheel_archive.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/strings.hpp"
#include "base/zip_stream.hpp"
#include "conda/archive_validator.hpp"

namespace envbuild::link {

namespace {

constexpr std::uint64_t kLocalHeader = 30;

// An archive's source as the zip reader takes it; a position is nobody's.
class SourceBytes final : public RandomBytes {
  public:
    explicit SourceBytes(const conda::ArchiveSource& source) : source_(source) {}
    [[nodiscard]] std::uint64_t size() const override { return source_.size(); }
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) override {
        std::string bytes(size, '\0');
        if (source_.read_at(offset, bytes) != size) throw Error(ErrorKind::Corrupt, "the file is shorter than it was");
        return bytes;
    }

  private:
    const conda::ArchiveSource& source_;
};

class MemberReader final : public conda::ContentReader {
  public:
    MemberReader(const conda::ArchiveSource& source, const ZipDirectory& directory, const ZipDirectory::Member& member)
        : bytes_(source), stream_(bytes_, directory, member) {}
    [[nodiscard]] std::size_t read(std::span<char> into) override { return stream_.read(into.data(), into.size()); }

  private:
    SourceBytes bytes_;
    ZipStream stream_;
};

// A tar header's letter for what the validator is to judge. Zip tools of other systems give no Unix mode.
char type_of(const ZipDirectory::Member& member) {
    const std::uint32_t mode = member.attributes >> 16;
    if (member.name.ends_with('/')) return '5';
    switch (mode & S_IFMT) {
        case 0:
        case S_IFREG:
            return '0';
        case S_IFLNK:
            return '2';
        case S_IFCHR:
            return '3';
        case S_IFBLK:
            return '4';
        case S_IFDIR:
            return '5';
        case S_IFIFO:
            return '6';
        default:
            return '?';
    }
}

conda::RawEntry raw_entry(const ZipDirectory::Member& member) {
    if (member.name.find('\\') != std::string::npos) throw Error(ErrorKind::Corrupt, "has a name with a backslash");
    conda::RawEntry raw;
    raw.path = member.name;
    raw.type = type_of(member);
    if (member.method != 0 && member.method != 8)
        throw Error(ErrorKind::Corrupt, fmt::format("is packed by method {}; deflate is known", member.method));
    if (raw.type == '2') throw Error(ErrorKind::Corrupt, "is a symlink, which a wheel cannot hold");
    raw.mode = member.attributes >> 16 & 07777U;
    raw.mtime = member.mtime;
    raw.size = member.size;
    return raw;
}

void check_sizes(const std::vector<ZipDirectory::Member>& members, std::uint64_t file_size,
                 const conda::ArchiveLimits& limits) {
    const std::uint64_t allowance =
        file_size > limits.max_unpacked / limits.max_ratio ? limits.max_unpacked : file_size * limits.max_ratio;
    const std::uint64_t budget = std::min(limits.max_unpacked, std::max(limits.free_unpacked, allowance));
    std::uint64_t total = 0;
    for (const auto& member : members) {
        if (member.size > budget || total > budget - member.size) {
            throw Error(
                ErrorKind::Corrupt,
                fmt::format("it would unpack to more than {}, the most allowed for its size", human_bytes(budget)));
        }
        total += member.size;
    }
    // Members that share their bytes are how a small archive becomes an endless one.
    std::vector<const ZipDirectory::Member*> sorted;
    sorted.reserve(members.size());
    for (const auto& member : members) sorted.push_back(&member);
    std::ranges::sort(sorted, {}, &ZipDirectory::Member::offset);
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        const auto& before = *sorted[i - 1];
        if (sorted[i]->offset - before.offset < kLocalHeader + before.name.size() + before.stored) {
            throw Error(ErrorKind::Corrupt, fmt::format("{} and {} share their bytes", conda::quoted_name(before.name),
                                                        conda::quoted_name(sorted[i]->name)));
        }
    }
}

}  // namespace

WheelArchive WheelArchive::open(std::string file_name, std::shared_ptr<const conda::ArchiveSource> source,
                                const conda::ArchiveLimits& limits) {
    WheelArchive archive;
    archive.file_name_ = std::move(file_name);
    archive.source_ = std::move(source);
    SourceBytes bytes(*archive.source_);
    archive.directory_ = ZipDirectory::read(bytes, "wheel " + archive.file_name_);
    std::string name;
    try {
        const auto& members = archive.directory_.members();
        check_sizes(members, archive.source_->size(), limits);
        conda::EntryValidator validator(limits);
        for (std::size_t i = 0; i < members.size(); ++i) {
            name = members[i].name;
            auto entry = validator.check(raw_entry(members[i]));
            if (!entry || entry->kind != conda::EntryKind::File) continue;
            // As pip: of other systems' tools the bits say nothing.
            const bool executable = S_ISREG(members[i].attributes >> 16) && (entry->mode & 0111U) != 0;
            archive.members_.push_back({std::move(*entry), i, executable});
        }
        name.clear();
        for (const auto& line : validator.warnings())
            archive.warnings_.push_back(fmt::format("{}: {}", archive.file_name_, line));
        std::ranges::sort(archive.members_, {}, [&](const Member& member) { return members[member.number].offset; });
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) throw;
        throw Error(ErrorKind::Corrupt,
                    fmt::format("wheel {}: {}{}{}", archive.file_name_, name.empty() ? "" : conda::quoted_name(name),
                                name.empty() ? "" : " ", error.message()));
    }
    for (std::size_t i = 0; i < archive.members_.size(); ++i)
        archive.by_path_.emplace(archive.members_[i].entry.path, i);
    return archive;
}

const WheelArchive::Member* WheelArchive::find(std::string_view path) const {
    const auto found = by_path_.find(std::string(path));
    return found == by_path_.end() ? nullptr : &members_[found->second];
}

std::unique_ptr<conda::ContentReader> WheelArchive::stream(const Member& member) const {
    return std::make_unique<MemberReader>(*source_, directory_, directory_.members().at(member.number));
}

std::string WheelArchive::read(const Member& member, std::uint64_t limit) const {
    if (member.entry.size > limit) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("wheel {}: {} has {}, more than {}", file_name_, conda::quoted_name(member.entry.path),
                                human_bytes(member.entry.size), human_bytes(limit)));
    }
    SourceBytes bytes(*source_);
    return directory_.unpack(bytes, directory_.members().at(member.number), limit);
}

}  // namespace envbuild::link
