#include "spec/source_tree.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "spec/ignore_rules.hpp"

namespace envbuild::spec {

namespace {

constexpr std::size_t kMaxFiles = 50'000;
constexpr std::uint64_t kMaxTotalBytes = 2ULL << 30U;

class Walk {
  public:
    Walk(const fs::path& root, LeftOut left_out, const CancelToken& cancel)
        : root_(root), left_out_(left_out), cancel_(cancel) {
        if (left_out == LeftOut::IgnoreRules) rules_ = IgnoreRules::of_folder(root);
    }

    std::vector<SourceFile> files() {
        walk(root_, "");
        std::ranges::sort(files_, {}, &SourceFile::path);
        return std::move(files_);
    }

  private:
    [[nodiscard]] bool left_out(const std::string& path, bool directory) const {
        if (left_out_ == LeftOut::IgnoreRules) return rules_.ignores(path, directory);
        return path == ".git" || path.ends_with("/.git");
    }

    void walk(const fs::path& folder, const std::string& prefix) {
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator(folder, failed)) {
            cancel_.throw_if_cancelled();
            SourceFile file{.path = prefix + entry.path().filename().string(), .on_disk = entry.path(), .target = {}};
            const auto status = entry.symlink_status();
            const bool directory = fs::is_directory(status);
            if (left_out(file.path, directory)) continue;
            if (directory) {
                walk(entry.path(), file.path + "/");
                continue;
            }
            file.link = fs::is_symlink(status);
            if (!fs::is_regular_file(status) && !file.link) continue;  // sockets and the like go nowhere
            if (file.link) {
                file.target = fs::read_symlink(entry.path()).generic_string();
            } else {
                file.executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
                file.size = entry.file_size();
                bytes_ += file.size;
            }
            if (files_.size() >= kMaxFiles || bytes_ > kMaxTotalBytes) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{}: the source folder holds too much ({} files, {} bytes so far)",
                                        root_.string(), files_.size(), bytes_))
                    .with_hint("name what does not belong to it in a .dockerignore there");
            }
            files_.push_back(std::move(file));
        }
        if (failed) throw Error(ErrorKind::Io, fmt::format("{}: {}", folder.string(), failed.message()));
    }

    fs::path root_;
    LeftOut left_out_;
    const CancelToken& cancel_;
    IgnoreRules rules_;
    std::vector<SourceFile> files_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

std::vector<SourceFile> source_files(const std::filesystem::path& root, LeftOut left_out, const CancelToken& cancel) {
    return Walk(root, left_out, cancel).files();
}

void TreeDigest::add(const SourceFile& file, std::string_view bytes) {
    tree_.emplace_back(file.path, Json(file.link ? std::vector<std::string>{"link", file.target}
                                                 : std::vector<std::string>{file.executable ? "executable" : "file",
                                                                            sha256(bytes).hex()}));
}

Digest TreeDigest::finish() const {
    return sha256(Json(tree_).canonical());
}

}  // namespace envbuild::spec
