#include "conda/archive.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conda/archive_decompress.hpp"
#include "conda/archive_tar.hpp"
#include "conda/archive_validator.hpp"
#include "conda/archive_zip.hpp"

namespace envbuild::conda {

namespace {

class TarContent final : public ContentReader {
  public:
    explicit TarContent(TarReader& tar) : tar_(tar) {}
    std::size_t read(std::span<char> into) override { return tar_.read(into); }

  private:
    TarReader& tar_;
};

bool is_info(const std::string& path) {
    return path == "info" || path.starts_with("info/");
}

}  // namespace

CondaArchive CondaArchive::open(const std::filesystem::path& file, const ArchiveLimits& limits) {
    return open(file.filename().string(), ArchiveSource::from_file(file), limits);
}

CondaArchive CondaArchive::open(std::string file_name, std::shared_ptr<const ArchiveSource> source,
                                const ArchiveLimits& limits) {
    CondaArchive archive;
    archive.file_name_ = std::move(file_name);
    archive.source_ = std::move(source);
    archive.limits_ = limits;
    if (archive.file_name_.ends_with(".tar.bz2")) {
        archive.extents_.push_back({Compression::Bzip2, Part::All, 0, archive.source_->size()});
    } else if (archive.file_name_.ends_with(".conda")) {
        try {
            CondaContainer container = CondaContainer::read(*archive.source_);
            archive.extents_.push_back(
                {Compression::Zstd, Part::Payload, container.payload.offset, container.payload.size});
            archive.extents_.push_back({Compression::Zstd, Part::Info, container.info.offset, container.info.size});
            for (const auto& warning : container.warnings) {
                archive.container_warnings_.push_back(fmt::format("{}: {}", archive.file_name_, warning));
            }
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Corrupt) throw;
            throw Error(ErrorKind::Corrupt, fmt::format("package {}: {}", archive.file_name_, error.message()));
        }
    } else {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is no conda package: its name ends neither in .conda nor in .tar.bz2",
                                quoted_name(archive.file_name_)));
    }
    return archive;
}

std::vector<std::string> CondaArchive::visit(Part part, const Visitor& visitor) const {
    EntryValidator validator(limits_);
    bool garbage = false;
    for (const Extent& extent : extents_) {
        if (part != Part::All && extent.holds != Part::All && extent.holds != part) continue;
        std::string entry_name;
        bool between = true;  // two entries, not within one
        try {
            const std::uint64_t allowance = extent.size > limits_.max_unpacked / limits_.max_ratio
                                                ? limits_.max_unpacked
                                                : extent.size * limits_.max_ratio;
            const std::uint64_t budget = std::min(limits_.max_unpacked, std::max(limits_.free_unpacked, allowance));
            const auto stream = extent.compression == Compression::Bzip2
                                    ? ByteStream::bzip2(*source_, extent.offset, extent.size, budget)
                                    : ByteStream::zstd(*source_, extent.offset, extent.size, budget);
            TarReader tar(*stream);
            TarContent content(tar);
            bool go_on = true;
            while (go_on) {
                between = true;
                auto raw = tar.next();
                if (!raw) break;
                between = false;
                entry_name = tar.last_path();
                if (raw->size > budget) {
                    throw Error(ErrorKind::Corrupt,
                                fmt::format("claims {} bytes, more than the archive can hold", raw->size));
                }
                const auto entry = validator.check(std::move(*raw));
                if (!entry) continue;
                const bool info = is_info(entry->path);
                if (extent.holds == Part::Info && !info)
                    throw Error(ErrorKind::Corrupt, "does not belong into the info- member");
                if (extent.holds == Part::Payload && info)
                    throw Error(ErrorKind::Corrupt, "does not belong into the pkg- member");
                if (part == Part::All || info == (part == Part::Info)) {
                    go_on = visitor(*entry, content);
                }
            }
            if (!go_on) break;
            garbage = garbage || tar.trailing_garbage() || stream->trailing_garbage();
        } catch (const Error& error) {
            // What a visitor throws names what it was about; a fault in the archive itself gets its name here.
            if (error.kind() != ErrorKind::Corrupt || error.message().starts_with("package ")) throw;
            const std::string where =
                entry_name.empty() ? "" : fmt::format("{}entry {}: ", between ? "after " : "", quoted_name(entry_name));
            throw Error(ErrorKind::Corrupt, fmt::format("package {}: {}{}", file_name_, where, error.message()));
        }
    }
    std::vector<std::string> warnings = container_warnings_;
    for (const auto& line : validator.warnings()) warnings.push_back(fmt::format("{}: {}", file_name_, line));
    if (garbage) warnings.push_back(fmt::format("{}: there are bytes after the archive's end", file_name_));
    return warnings;
}

}  // namespace envbuild::conda
