#include "spec/context_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/file_digest.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "spec/context_ignore.hpp"
#include "spec/inside_link.hpp"

namespace envbuild::spec {

namespace {

constexpr std::size_t kMaxFiles = 50'000;
constexpr std::uint64_t kMaxTotalBytes = 2ULL << 30U;

class ContextWalk {
  public:
    ContextWalk(const fs::path& root, ContextIgnore ignore, std::set<std::string> always, const CancelToken& cancel)
        : root_(root), ignore_(std::move(ignore)), always_(std::move(always)), cancel_(cancel) {}

    std::vector<ContextEntry> take() {
        walk(root_, "");
        std::vector<ContextEntry> out;
        out.reserve(entries_.size());
        for (auto& [path, entry] : entries_) out.push_back(std::move(entry));
        return out;
    }

  private:
    void walk(const fs::path& folder, const std::string& prefix) {
        std::error_code failed;
        for (const auto& found : fs::directory_iterator(folder, failed)) {
            cancel_.throw_if_cancelled();
            const std::string path = prefix + found.path().filename().string();
            if (has_control_character(path)) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{}: the name {} below it holds a control character", folder.string(),
                                        json_quote(found.path().filename().string())))
                    .with_hint("rename the file, or exclude its folder in .dockerignore");
            }
            if (!is_valid_utf8(path)) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{}: a file's name below it is no UTF-8", folder.string()))
                    .with_hint("rename it, or exclude its folder in .dockerignore");
            }
            const auto status = found.symlink_status();
            const bool excluded = !always_.contains(path) && ignore_.excludes(path);
            if (fs::is_directory(status)) {
                if (excluded && !ignore_.has_exceptions() && !holds_needed(path)) continue;
                const auto before = entries_.size();
                walk(found.path(), path + "/");
                if (!excluded && entries_.size() == before)
                    add({ContextEntry::Kind::Folder, path, found.path(), 0755, "", 0});
            } else if (!excluded && fs::is_symlink(status)) {
                add({ContextEntry::Kind::Link, path, found.path(), 0777, target_of(found.path(), path), 0});
            } else if (!excluded && fs::is_regular_file(status)) {
                const bool runs = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
                add({ContextEntry::Kind::File, path, found.path(), runs ? 0755U : 0644U, "", found.file_size()});
            }
        }
        if (failed) throw Error(ErrorKind::Io, fmt::format("{}: cannot read: {}", folder.string(), failed.message()));
    }

    // What a registered definition may not hold is not taken from the disk either.
    static std::string target_of(const fs::path& link, const std::string& path) {
        auto target = fs::read_symlink(link).string();
        if (link_stays_inside(path, target)) return target;
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is a link to {}, which leads out of the build context",
                                                         link.string(), json_quote(target)))
            .with_hint("put the file itself there, link within the context, or exclude the link in .dockerignore");
    }

    [[nodiscard]] bool holds_needed(const std::string& folder) const {
        return std::ranges::any_of(always_, [&](const auto& path) { return path.starts_with(folder + "/"); });
    }

    void add(ContextEntry entry) {
        bytes_ += entry.size;
        if (entries_.size() >= kMaxFiles || bytes_ > kMaxTotalBytes) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: the build context holds too much ({} files, {} so far)", root_.string(),
                                    entries_.size(), human_bytes(bytes_)))
                .with_hint("name what the image does not need in a .dockerignore there");
        }
        std::string path = entry.path;
        entries_.emplace(std::move(path), std::move(entry));
    }

    fs::path root_;
    ContextIgnore ignore_;
    std::set<std::string> always_;
    const CancelToken& cancel_;
    std::map<std::string, ContextEntry> entries_;
    std::uint64_t bytes_ = 0;
};

Digest digest_of(const std::vector<ContextEntry>& entries, const CancelToken& cancel) {
    Json::Object members;
    members.reserve(entries.size());
    for (const auto& entry : entries) {
        cancel.throw_if_cancelled();
        std::vector<std::string> what;
        switch (entry.kind) {
            case ContextEntry::Kind::File:
                what = {entry.mode == 0755 ? "executable" : "file", sha256_file(entry.source).hex()};
                break;
            case ContextEntry::Kind::Link:
                what = {"link", entry.target};
                break;
            case ContextEntry::Kind::Folder:
                what = {"folder"};
                break;
        }
        members.emplace_back(entry.path, Json(what));
    }
    Json tree = Json::object();
    tree.set("kind", "envbuild.context").set("v", 1).set("files", Json(std::move(members)));
    return sha256(tree.canonical());
}

}  // namespace

ContextTree read_context(const std::filesystem::path& directory, const std::string& dockerfile,
                         const CancelToken& cancel) {
    std::error_code failed;
    if (!fs::is_directory(directory, failed)) {
        throw Error(ErrorKind::NotFound, fmt::format("{}: there is no such folder", directory.string()))
            .with_hint("a build context is a folder with a Dockerfile");
    }
    const std::string name = fs::path(dockerfile).lexically_normal().generic_string();
    if (fs::path(name).is_absolute() || name == ".." || name.starts_with("../")) {
        throw Error(ErrorKind::InvalidInput, fmt::format("the Dockerfile {} lies outside of the build context {}",
                                                         dockerfile, directory.string()))
            .with_hint("copy it into the context");
    }
    if (!fs::is_regular_file(directory / name, failed)) {
        throw Error(ErrorKind::NotFound, fmt::format("{}: there is no such file", (directory / name).string()))
            .with_hint("name the Dockerfile of the build context, relative to " + directory.string());
    }
    ContextIgnore ignore;
    std::set<std::string> always = {name};
    for (const auto& file : {name + ".dockerignore", std::string(".dockerignore")}) {
        const auto text = read_file_if_exists(directory / file);
        if (!text) continue;
        ignore = value_or_throw(ContextIgnore::parse(*text, (directory / file).string()));
        always.insert(file);
        break;
    }
    ContextTree tree;
    tree.entries = ContextWalk(directory, std::move(ignore), std::move(always), cancel).take();
    tree.digest = digest_of(tree.entries, cancel);
    return tree;
}

}  // namespace envbuild::spec
