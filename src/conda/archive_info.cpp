#include "conda/archive_info.hpp"

#include <fmt/format.h>

#include <map>

namespace envbuild::conda {

namespace {

constexpr std::uint64_t kMaxInfoFile = std::uint64_t{256} << 20;

template <class T>
T named(const std::string& file_name, Expected<T> value) {
    if (value) return std::move(*value);
    throw Error(ErrorKind::Corrupt, fmt::format("package {}: {}", file_name, value.error().message()));
}

}  // namespace

PackageInfo read_package_info(const CondaArchive& archive) {
    std::map<std::string, std::string> files;
    PackageInfo info;
    info.warnings = archive.visit(CondaArchive::Part::Info, [&](const ArchiveEntry& entry, ContentReader& content) {
        for (const char* wanted : {"info/index.json", "info/paths.json", "info/link.json", "info/files",
                                   "info/has_prefix", "info/no_link"}) {
            if (entry.path != wanted) continue;
            if (entry.kind != EntryKind::File) throw Error(ErrorKind::Corrupt, "is not a regular file");
            files[entry.path] = content.read_all(kMaxInfoFile);
        }
        return true;
    });
    const std::string& name = archive.file_name();
    if (!files.contains("info/index.json"))
        throw Error(ErrorKind::Corrupt, fmt::format("package {} has no info/index.json", name));
    info.index = named(name, IndexJson::parse(files["info/index.json"]));
    if (files.contains("info/paths.json")) {
        info.paths = named(name, PathsJson::parse(files["info/paths.json"]));
    } else if (files.contains("info/files")) {
        info.paths =
            named(name, PathsJson::from_legacy(files["info/files"], files["info/has_prefix"], files["info/no_link"]));
    } else {
        throw Error(ErrorKind::Corrupt, fmt::format("package {} has neither info/paths.json nor info/files", name));
    }
    if (files.contains("info/link.json")) info.link = named(name, LinkJson::parse(files["info/link.json"]));
    return info;
}

void check_identity(const PackageInfo& info, std::string_view file_name, std::string_view name,
                    std::string_view version, std::string_view build) {
    const auto compare = [&](std::string_view what, std::string_view promised, std::string_view found) {
        if (promised == found) return;
        throw Error(ErrorKind::Corrupt,
                    fmt::format("package {}: info/index.json has {} {}, but the channel promised {}", file_name, what,
                                found, promised));
    };
    compare("the name", name, info.index.name);
    compare("the version", version, info.index.version);
    compare("the build", build, info.index.build);
}

}  // namespace envbuild::conda
