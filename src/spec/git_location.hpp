// Where a build context in git is, as Docker writes it: URL[#REF[:FOLDER]].
#pragma once

#include <string>
#include <string_view>

#include "base/url.hpp"

namespace envbuild::spec {

struct GitLocation {
    Url repository;        // "https://HOST/REPO.git": without user information and fragment
    std::string ssh_user;  // of ssh://git@HOST/…: part of where to look, no secret
    std::string revision;  // branch, tag or commit; "" for the repository's own HEAD
    std::string folder;    // that is the context, below the root; "" for the root

    // InvalidInput: a credential in the URL, a scheme that git fetches nothing by, a revision that no git takes, a
    // folder outside of the repository. The message holds no credential.
    [[nodiscard]] static Expected<GitLocation> parse(std::string_view text);
    // Names one commit for all time.
    [[nodiscard]] bool is_pinned() const;
    [[nodiscard]] std::string to_string() const;
};

// "ssh://git@host/a/b.git" of git's short form "git@host:a/b.git"; "" where it is none.
[[nodiscard]] std::string url_of_scp(std::string_view text);

// What may be asked for as a branch, tag or commit: nothing that git would read as an option or an expression.
[[nodiscard]] bool is_git_revision(std::string_view text);
// 40 hex digits, or 64 in a SHA-256 repository.
[[nodiscard]] bool is_git_commit(std::string_view text);

}  // namespace envbuild::spec
