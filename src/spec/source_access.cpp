#include "spec/source_access.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"
#include "pypi/requirements_file.hpp"
#include "spec/inside_link.hpp"
#include "spec/source_tree.hpp"

namespace envbuild::spec {

namespace {

constexpr std::uint64_t kMaxFileBytes = 2ULL << 30U;

class DiskSources final : public SourceAccess {
  public:
    std::string read_text(const std::filesystem::path& path) const override {
        return pypi::read_requirements_text(path);
    }

    Digest digest_source(const std::filesystem::path& path) const override {
        const auto status = fs::status(path);
        if (fs::is_directory(status)) {
            TreeDigest tree;
            for (const auto& file : source_files(path)) tree.add(file, file.link ? "" : read_file(file.on_disk));
            return tree.finish();
        }
        if (!fs::exists(status))
            throw Error(ErrorKind::NotFound, fmt::format("{}: there is no such file or folder", path.string()));
        return sha256(read_file(path, kMaxFileBytes));
    }
};

}  // namespace

std::string SourcesWithin::read_text(const std::filesystem::path& path) const {
    refuse_link_out(path, root_);
    return disk_sources().read_text(path);
}

Digest SourcesWithin::digest_source(const std::filesystem::path& path) const {
    refuse_link_out(path, root_);
    return disk_sources().digest_source(path);
}

const SourceAccess& disk_sources() {
    static const DiskSources kSources;
    return kSources;
}

}  // namespace envbuild::spec
