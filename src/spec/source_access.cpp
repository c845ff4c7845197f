#include "spec/source_access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "pypi/requirements_file.hpp"
#include "spec/ignore_rules.hpp"

namespace envbuild::spec {

namespace {

constexpr std::size_t kMaxFiles = 50'000;
constexpr std::uint64_t kMaxTotalBytes = 2ULL << 30U;

bool is_executable(const fs::file_status& status) {
    return (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
}

// One entry of a tree: its kind and mode, and what it holds.
Json entry_json(const fs::path& path, const fs::file_status& status) {
    if (fs::is_symlink(status)) return Json(std::vector<std::string>{"link", fs::read_symlink(path).generic_string()});
    return Json(std::vector<std::string>{is_executable(status) ? "executable" : "file", sha256(read_file(path)).hex()});
}

class TreeDigest {
  public:
    explicit TreeDigest(const fs::path& root) : root_(root), rules_(IgnoreRules::of_folder(root)) {}

    Digest digest() {
        walk(root_, "");
        Json tree = Json::object();
        for (auto& [path, entry] : entries_) tree.set(path, std::move(entry));
        return sha256(tree.canonical());
    }

  private:
    void walk(const fs::path& folder, const std::string& prefix) {
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator(folder, failed)) {
            const std::string path = prefix + entry.path().filename().string();
            const auto status = entry.symlink_status();
            const bool directory = fs::is_directory(status);
            if (rules_.ignores(path, directory)) continue;
            if (directory) {
                walk(entry.path(), path + "/");
                continue;
            }
            if (!fs::is_regular_file(status) && !fs::is_symlink(status)) continue;  // sockets and the like go nowhere
            bytes_ += fs::is_regular_file(status) ? entry.file_size() : 0;
            if (entries_.size() >= kMaxFiles || bytes_ > kMaxTotalBytes) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{}: the source folder holds too much ({} files, {} bytes so far)",
                                        root_.string(), entries_.size(), bytes_))
                    .with_hint("name what does not belong to it in a .dockerignore there");
            }
            entries_.emplace(path, entry_json(entry.path(), status));
        }
        if (failed) throw Error(ErrorKind::Io, fmt::format("{}: {}", folder.string(), failed.message()));
    }

    fs::path root_;
    IgnoreRules rules_;
    std::map<std::string, Json> entries_;
    std::uint64_t bytes_ = 0;
};

class DiskSources final : public SourceAccess {
  public:
    std::string read_text(const std::filesystem::path& path) const override {
        return pypi::read_requirements_text(path);
    }

    Digest digest_source(const std::filesystem::path& path) const override {
        const auto status = fs::status(path);
        if (fs::is_directory(status)) return TreeDigest(path).digest();
        if (!fs::exists(status))
            throw Error(ErrorKind::NotFound, fmt::format("{}: there is no such file or folder", path.string()));
        return sha256(read_file(path, kMaxTotalBytes));
    }
};

}  // namespace

const SourceAccess& disk_sources() {
    static const DiskSources kSources;
    return kSources;
}

}  // namespace envbuild::spec
