#include "build/git_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/fs.hpp"
#include "base/process.hpp"
#include "base/strings.hpp"
#include "spec/git_location.hpp"

namespace envbuild::build {

namespace {

constexpr std::chrono::minutes kTimeout{15};

class Git {
  public:
    Git(const GitUrl& url, const Workbench& bench)
        : url_(url), bench_(bench), folder_("git", bench.cache_folder("tmp")) {
        write_credential();
    }

    GitTree check_out() && {
        const auto commit = find_commit();
        make_repository();
        const auto full = commit ? fetch(*commit) : fetch_all();
        must({"-C", tree(), "checkout", "--quiet", "--detach", full}, "checking out");
        must({"-C", tree(), "submodule", "--quiet", "update", "--init", "--recursive"}, "fetching the submodules");
        const auto head = std::string(trim(must({"-C", tree(), "rev-parse", "HEAD"}, "reading the commit")));
        if (!spec::is_git_commit(head)) throw Error(ErrorKind::Corrupt, fmt::format("git calls its commit '{}'", head));
        if (!credential_.empty()) std::filesystem::remove(credential_);
        return {head, std::move(folder_)};
    }

    [[nodiscard]] std::string resolve() const {
        if (const auto commit = find_commit()) return *commit;
        make_repository();
        return fetch_all();
    }

  private:
    void make_repository() const {
        must({"init", "--quiet", tree()}, "making a repository");
        must({"-C", tree(), "remote", "add", "origin", url_.address()}, "naming the repository");
    }

    [[nodiscard]] std::string tree() const { return (folder_.path() / "tree").string(); }
    [[nodiscard]] std::string name() const { return redact(url_.address()); }

    // Git's own store helper reads it and gives it to that host alone; the command line holds only the file's name.
    void write_credential() {
        const auto& store = bench_.http().credentials();
        // As the line spelled it: a credential holds below the path that it was written with.
        const auto revision = url_.revision.empty() ? "" : "@" + percent_encode(url_.revision, "/");
        const auto vcs = Url::parse("git+" + url_.repository.to_string() + revision);
        auto found = vcs ? store.find(*vcs) : std::nullopt;
        if (!found || !found->basic) found = store.find(url_.repository);
        if (!found || !found->basic || !url_.repository.scheme().starts_with("http")) return;
        const auto origin = url_.repository.origin().to_string();
        const auto host = origin.find("://") + 3;
        credential_ = folder_.path() / "credential";
        write_file_atomic(credential_,
                          fmt::format("{}{}:{}@{}\n", origin.substr(0, host), percent_encode(found->basic->user),
                                      percent_encode(found->basic->password.reveal()), origin.substr(host)),
                          fs::perms(0600));
    }

    ProcessResult git(const std::vector<std::string>& arguments) const {
        // A hook or a wrapper that runs envbuild may have set these for its own repository. Nobody sits at a terminal.
        std::vector<std::string> argv{"env",
                                      "-u",
                                      "GIT_DIR",
                                      "-u",
                                      "GIT_WORK_TREE",
                                      "-u",
                                      "GIT_INDEX_FILE",
                                      "-u",
                                      "GIT_OBJECT_DIRECTORY",
                                      "-u",
                                      "GIT_COMMON_DIR",
                                      "GIT_TERMINAL_PROMPT=0",
                                      "LC_ALL=C",
                                      "git",
                                      "-c",
                                      "core.autocrlf=false",
                                      "-c",
                                      "core.eol=lf",
                                      "-c",
                                      "core.symlinks=true",
                                      "-c",
                                      "core.hooksPath=/dev/null",
                                      "-c",
                                      "gc.auto=0",
                                      "-c",
                                      "init.defaultBranch=main",
                                      "-c",
                                      "init.templateDir="};
        if (!credential_.empty()) {
            const auto quoted = "'" + replace_all(credential_.string(), "'", "'\\''") + "'";
            argv.insert(argv.end(),
                        {"-c", "credential.helper=", "-c", fmt::format("credential.helper=store --file={}", quoted)});
        }
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        auto result = run_process(argv, "", kTimeout, bench_.cancel(), std::size_t{16} << 20U);
        if (result.exit_code == 127) {
            throw Error(ErrorKind::NotFound, fmt::format("{} needs git, and there is none on this machine", name()))
                .with_hint("install git; in a pip section a wheel or a source archive does instead of the repository");
        }
        return result;
    }

    std::string must(const std::vector<std::string>& arguments, std::string_view doing) const {
        auto result = git(arguments);
        if (result.exit_code != 0) throw failure(result, doing);
        return std::move(result.out);
    }

    [[nodiscard]] Error failure(const ProcessResult& result, std::string_view doing) const {
        // Where it lies on this machine for a moment says nothing to anybody.
        auto said = replace_all(redact(trim(result.err)), tree(), "the clone");
        said = replace_all(said, folder_.path().string(), "the clone's folder");
        const auto says = [&](std::string_view words) { return said.find(words) != std::string::npos; };
        const auto message = fmt::format("git failed at {} of {}:\n{}", doing, name(), said);
        if (says("Authentication failed") || says("could not read Username") || says("could not read Password") ||
            says("Permission denied") || says("403")) {
            return Error(ErrorKind::Unauthorized, message)
                .with_hint(
                    "write the credential in ~/.netrc, or give it to a credential helper of git's; a pip line's URL "
                    "takes it "
                    "as ${VARIABLE} too");
        }
        if (says("not found") || says("does not exist") || says("does not appear to be a git repository") ||
            says("No such file") || says("is this a git repository"))
            return Error(ErrorKind::NotFound, message).with_hint("is the URL right, and may you read it?");
        if (says("Could not resolve host") || says("Failed to connect") || says("Connection") || says("timed out") ||
            says("unexpected disconnect") || says("returned error: 5"))
            return {ErrorKind::Transient, message};
        return {ErrorKind::Io, message};
    }

    // The revision as the remote names it; nothing where only a whole clone can tell (an abbreviated commit).
    [[nodiscard]] std::optional<std::string> find_commit() const {
        std::map<std::string, std::string, std::less<>> refs;
        const auto listed = must({"ls-remote", "--", url_.address()}, "asking for the branches and tags");
        for (const auto line : split(listed, '\n')) {
            const auto tab = line.find('\t');
            if (tab != std::string_view::npos) refs.emplace(trim(line.substr(tab + 1)), line.substr(0, tab));
        }
        const auto& wanted = url_.revision;
        if (wanted.empty()) {
            if (const auto head = refs.find("HEAD"); head != refs.end()) return head->second;
            throw Error(ErrorKind::NotFound, fmt::format("{} has no commit to build", name()));
        }
        // pip's order: a branch before a tag; of an annotated tag, the commit that it names.
        for (const auto& ref : {"refs/heads/" + wanted, "refs/tags/" + wanted + "^{}", "refs/tags/" + wanted,
                                "refs/" + wanted, wanted + "^{}", wanted}) {
            if (const auto found = refs.find(ref); found != refs.end()) return found->second;
        }
        if (spec::is_git_commit(wanted)) return wanted;
        return std::nullopt;
    }

    [[nodiscard]] std::string fetch(const std::string& commit) const {
        // Servers may refuse a commit that no branch ends at, and plain web servers know no shallow fetch.
        const auto shallow = git({"-C", tree(), "fetch", "--quiet", "--depth", "1", "origin", commit});
        if (shallow.exit_code == 0) return commit;
        bench_.cancel().throw_if_cancelled();
        (void)fetch_refs();
        if (git({"-C", tree(), "cat-file", "-e", commit + "^{commit}"}).exit_code == 0) return commit;
        throw missing();
    }

    [[nodiscard]] std::string fetch_all() const {
        (void)fetch_refs();
        const auto found = git({"-C", tree(), "rev-parse", "--verify", "--quiet", url_.revision + "^{commit}"});
        if (found.exit_code != 0) throw missing();
        return std::string(trim(found.out));
    }

    std::string fetch_refs() const {
        return must({"-C", tree(), "fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"},
                    "fetching");
    }

    [[nodiscard]] Error missing() const {
        return Error(ErrorKind::NotFound, fmt::format("{} has no branch, tag or commit '{}'", name(), url_.revision))
            .with_hint("`git ls-remote` shows what there is");
    }

    const GitUrl& url_;
    const Workbench& bench_;
    TempDir folder_;
    std::filesystem::path credential_;
};

}  // namespace

Expected<GitUrl> GitUrl::parse(const Url& url) {
    if (!url.scheme().starts_with("git+")) {
        return std::unexpected(
            Error(ErrorKind::InvalidInput,
                  fmt::format("{}: repositories are fetched with git alone", redact(url.to_string())))
                .with_hint("build a wheel of it, put it on an index or a web server, and name that"));
    }
    GitUrl out;
    auto text = url.without_fragment().to_string().substr(4);
    const auto path = text.find('/', text.find("://") + 3);
    if (const auto at = text.rfind('@'); at != std::string::npos && path != std::string::npos && at > path) {
        out.revision = percent_decode(std::string_view(text).substr(at + 1));
        text.resize(at);
    }
    if (!out.revision.empty() && !spec::is_git_revision(out.revision)) {
        return std::unexpected(Error(ErrorKind::InvalidInput, fmt::format("'{}' is no revision of git's", out.revision))
                                   .with_hint("a branch, a tag or a commit stands behind the last '@'"));
    }
    auto repository = Url::parse(text);
    if (!repository) return std::unexpected(repository.error());
    out.repository = std::move(*repository);
    if (url.scheme().ends_with("ssh") && url.user_info()) out.ssh_user = url.user_info()->user;
    return out;
}

std::string GitUrl::address() const {
    auto text = repository.to_string();
    if (!ssh_user.empty()) text.insert(text.find("://") + 3, percent_encode(ssh_user) + "@");
    return text;
}

GitCheckout fetch_git(const GitUrl& url, const Workbench& bench) {
    const auto tree = check_out(url, bench);
    return {tree.commit(), pack_folder(tree.tree(), spec::LeftOut::RepositoryFolder, std::nullopt, bench)};
}

GitTree check_out(const GitUrl& url, const Workbench& bench) {
    return Git(url, bench).check_out();
}

std::string resolve_commit(const GitUrl& url, const Workbench& bench) {
    return Git(url, bench).resolve();
}

}  // namespace envbuild::build
