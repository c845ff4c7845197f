#include "spec/git_location.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/credential_name.hpp"
#include "base/fs.hpp"
#include "base/strings.hpp"

namespace envbuild::spec {

namespace {

constexpr std::array<std::string_view, 5> kSchemes = {"https", "http", "ssh", "git", "file"};

std::unexpected<Error> refuse(const std::string& message, const std::string& hint) {
    return std::unexpected(Error(ErrorKind::InvalidInput, message).with_hint(hint));
}

}  // namespace

std::string url_of_scp(std::string_view text) {
    const auto colon = text.find(':');
    const auto at = text.find('@');
    if (at == 0 || at == std::string_view::npos || colon == std::string_view::npos || colon <= at + 1) return "";
    if (text.substr(0, colon).contains('/') || text.substr(colon).starts_with("://")) return "";
    auto path = text.substr(colon + 1);
    while (path.starts_with('/')) path.remove_prefix(1);
    return path.empty() ? "" : fmt::format("ssh://{}/{}", text.substr(0, colon), path);
}

bool is_git_revision(std::string_view text) {
    return !text.empty() && !text.starts_with('-') && !has_control_character(text) &&
           text.find_first_of(" :?*[\\^~") == std::string_view::npos && !text.contains("..");
}

bool is_git_commit(std::string_view text) {
    return (text.size() == 40 || text.size() == 64) &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Expected<GitLocation> GitLocation::parse(std::string_view text) {
    if (const auto url = url_of_scp(text); !url.empty()) {
        return refuse(fmt::format("'{}' is git's short form of an address, which names no scheme", text),
                      fmt::format("write {}, or the repository's https URL", url));
    }
    const auto url = Url::parse(text);
    if (!url) return std::unexpected(url.error());
    if (query_holds_credential(url->query())) {
        return refuse("the URL of the build context holds a credential in its query",
                      "take it out of the URL: ~/.netrc and git's own credential helpers are asked");
    }
    if (std::ranges::find(kSchemes, url->scheme()) == kSchemes.end()) {
        return refuse(fmt::format("a build context cannot be had from {}", redact(text)),
                      "name a folder beside the definition, or a git URL: https://host/repository.git#ref:folder");
    }
    const auto& user = url->user_info();
    if (user && (url->scheme() != "ssh" || !user->password.empty())) {
        return refuse("the URL of the build context holds a user or a password",
                      "take it out of the URL: ~/.netrc and git's own credential helpers are asked");
    }
    GitLocation out;
    out.repository = url->without_fragment().without_user_info();
    if (user) out.ssh_user = user->user;
    const auto fragment = percent_decode(url->fragment());
    const auto colon = fragment.find(':');
    out.revision = fragment.substr(0, colon);
    if (has_control_character(fragment) || (!out.revision.empty() && !is_git_revision(out.revision))) {
        return refuse(
            fmt::format("{}: what stands behind '#' is no revision of git's", redact(out.repository.to_string())),
            "a branch, a tag or a commit, and a folder behind a colon: #main:docker");
    }
    if (colon == std::string::npos) return out;
    auto folder = fragment.substr(colon + 1);
    while (folder.starts_with('/')) folder.erase(0, 1);
    folder = fs::path(folder).lexically_normal().generic_string();
    while (folder.ends_with('/')) folder.pop_back();
    if (folder == "..") folder += "/";
    if (folder.starts_with("../")) {
        return refuse(fmt::format("{}: its folder leads out of the repository", redact(text)),
                      "the folder behind the colon begins at the repository's root");
    }
    out.folder = folder == "." ? "" : folder;
    return out;
}

bool GitLocation::is_pinned() const {
    return is_git_commit(revision);
}

std::string GitLocation::to_string() const {
    auto text = repository.to_string();
    if (!ssh_user.empty()) text.insert(text.find("://") + 3, percent_encode(ssh_user) + "@");
    if (!revision.empty() || !folder.empty()) text += "#" + percent_encode(revision, "/+@");
    if (!folder.empty()) text += ":" + percent_encode(folder, "/+@");
    return text;
}

}  // namespace envbuild::spec
