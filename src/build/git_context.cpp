#include "build/git_context.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "build/git_source.hpp"
#include "spec/context_tree.hpp"

namespace envbuild::build {

namespace {

GitUrl url_of(const spec::GitLocation& location) {
    return {.repository = location.repository, .revision = location.revision, .ssh_user = location.ssh_user};
}

std::string digest_of(const spec::GitLocation& pinned) {
    Json json = Json::object();
    json.set("kind", "envbuild.git-context").set("v", 1);
    json.set("commit", pinned.revision).set("folder", pinned.folder);
    return sha256(json.canonical()).hex();
}

// What git keeps for itself differs from clone to clone. Those of submodules are files.
void remove_git_folders(const fs::path& tree) {
    std::vector<fs::path> found;
    for (auto it = fs::recursive_directory_iterator(tree); it != fs::recursive_directory_iterator(); ++it) {
        if (it->path().filename() != ".git") continue;
        found.push_back(it->path());
        it.disable_recursion_pending();
    }
    for (const auto& path : found) fs::remove_all(path);
}

// Where the checkout lies for a moment says nothing to anybody: files are named as in the repository.
Error without_checkout(const Error& error, const std::shared_ptr<GitTree>& tree, const std::string& name) {
    const auto plain = [&](std::string text) {
        if (!tree) return text;
        for (const auto& folder : {fs::weakly_canonical(tree->tree()).string(), tree->tree().string()})
            text = replace_all(replace_all(std::move(text), folder + "/", ""), folder, "its root");
        return text;
    };
    auto out =
        Error(error.kind(), plain(error.message())).with_hint(plain(error.hint())).with_details(plain(error.details()));
    for (const auto& frame : error.context()) out.add_context(plain(frame));
    return std::move(out).with_context("the build context " + name);
}

std::vector<layer::ContextFile> fetched_files(const spec::GitLocation& pinned, const std::string& dockerfile,
                                              std::shared_ptr<GitTree>& tree, const Workbench& bench) {
    const auto name = redact(pinned.to_string());
    try {
        const auto progress = bench.reporter().start(fmt::format("Fetching {}", name), Reporter::Unit::Items, 0);
        tree = std::make_shared<GitTree>(check_out(url_of(pinned), bench));
        remove_git_folders(tree->tree());
        const auto root = fs::weakly_canonical(tree->tree());
        const auto folder = fs::weakly_canonical(root / pinned.folder);
        const auto relative = folder.lexically_relative(root);
        if (relative.empty() || *relative.begin() == ".." || !fs::is_directory(folder)) {
            throw Error(ErrorKind::NotFound, fmt::format("the repository has no folder {}", pinned.folder))
                .with_hint("the folder behind the colon begins at the repository's root");
        }
        return context_files(spec::read_context(folder, dockerfile, bench.cancel()));
    } catch (const Error& error) {
        throw without_checkout(error, tree, name);
    }
}

}  // namespace

spec::GitLocation pin(spec::GitLocation location, const Workbench& bench) {
    if (!location.is_pinned()) location.revision = resolve_commit(url_of(location), bench);
    return location;
}

OwnContext git_context(const spec::GitLocation& location, const std::string& dockerfile, const Workbench& bench) {
    const auto pinned = pin(location, bench);
    auto digest = digest_of(pinned);
    // The checkout lives as long as the files that are read out of it.
    const auto tree = std::make_shared<std::shared_ptr<GitTree>>();
    return {{digest, dockerfile},
            [pinned, dockerfile, tree](const Workbench& at) { return fetched_files(pinned, dockerfile, *tree, at); },
            [digest](const Workbench&) { return digest; },
            nullptr};
}

}  // namespace envbuild::build
