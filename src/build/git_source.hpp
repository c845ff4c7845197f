// Repositories that pip lines name ("git+https://HOST/REPO.git@REVISION") and build contexts lie in, fetched by the
// machine's own git.
#pragma once

#include <filesystem>
#include <string>

#include "base/fs.hpp"
#include "base/url.hpp"
#include "build/source_archive.hpp"

namespace envbuild::build {

// A pip VCS URL taken apart (pip documentation, "VCS Support"): the last '@' of the path begins the revision.
struct GitUrl {
    Url repository;        // "https://HOST/REPO.git": without "git+", revision, fragment and user information
    std::string revision;  // branch, tag, commit or ref; "" for the repository's own HEAD
    std::string ssh_user;  // "git" of git+ssh://git@HOST/…: part of where to look, no secret

    // InvalidInput for other version control systems than git and a revision that no git takes.
    [[nodiscard]] static Expected<GitUrl> parse(const Url& url);
    // What git is told, and what a lock records: the ssh user, never a password.
    [[nodiscard]] std::string address() const;
};

struct GitCheckout {
    std::string commit;  // 40 hex digits (64 in a SHA-256 repository)
    CachedSource archive;
};

// Fetches one commit with its submodules, and packs its tree without `.git`. Line ends are as in the repository,
// whatever the user's git is set to. A credential that the file gave for this URL (or ~/.netrc has for its host) is
// handed to git in a file of its own, bound to the host; without one git asks the user's own helpers and never the
// terminal. Throws Error: NotFound for a revision or repository that is not there and where there is no git,
// Unauthorized, Transient.
[[nodiscard]] GitCheckout fetch_git(const GitUrl& url, const Workbench& bench);

// One commit's files on the disk, `.git` among them; removed with the object.
class GitTree {
  public:
    GitTree(std::string commit, TempDir folder) : commit_(std::move(commit)), folder_(std::move(folder)) {}
    [[nodiscard]] const std::string& commit() const { return commit_; }
    [[nodiscard]] std::filesystem::path tree() const { return folder_.path() / "tree"; }

  private:
    std::string commit_;
    TempDir folder_;
};

// As fetch_git, and leaves the files where they were checked out.
[[nodiscard]] GitTree check_out(const GitUrl& url, const Workbench& bench);
// The commit that the revision is now; of a branch or tag without fetching anything. Throws as fetch_git.
[[nodiscard]] std::string resolve_commit(const GitUrl& url, const Workbench& bench);

}  // namespace envbuild::build
