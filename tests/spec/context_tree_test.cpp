#include "spec/context_tree.hpp"

#include <sys/stat.h>
#include <catch2/catch.hpp>

#include "spec/context_ignore.hpp"
#include "spec/definition_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using namespace envbuild::spec::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> paths_of(const fs::path& directory, const std::string& dockerfile = "Dockerfile") {
    std::vector<std::string> out;
    for (const auto& entry : read_context(directory, dockerfile).entries) {
        out.push_back(entry.path + (entry.kind == ContextEntry::Kind::Folder ? "/" : ""));
    }
    return out;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("dockerignore: what each pattern excludes") {
    struct Case {
        std::string_view rules, path;
        bool excluded;
    };
    const std::vector<Case> cases = {
        // Patterns begin at the root.
        {"foo", "foo", true},
        {"foo", "foo/bar", true},
        {"foo", "sub/foo", false},
        {"/foo", "foo", true},
        {"foo/", "foo", true},
        {"./foo", "foo", true},
        {"a//b", "a/b", true},
        {"a/../b", "b", true},
        {"foo", "foobar", false},
        // One segment.
        {"*.md", "README.md", true},
        {"*.md", "docs/README.md", false},
        {"*/*.md", "docs/README.md", true},
        {"*/*.md", "docs/x/README.md", false},
        {"*", "anything", true},
        {"*", "any/thing", true},
        {"temp?", "tempa", true},
        {"temp?", "temp", false},
        {"temp?", "temp/", false},
        {"temp?", "temp\xC3\xBC", true},
        {"a*c", "abbc", true},
        {"a*c", "a/c", false},
        // Any number of them.
        {"**/*.go", "main.go", true},
        {"**/*.go", "a/b/main.go", true},
        {"**/*.go", "a/b/main.gox", false},
        {"**/node_modules", "node_modules", true},
        {"**/node_modules", "a/node_modules/x", true},
        {"**/node_modules", "a/xnode_modules", false},
        {"**foo", "barfoo", true},
        {"**foo", "a/barfoo", true},
        {"**fo?", "barfoo", false},
        {"**fo?", "bar/foo", true},
        {"**", "a/b", true},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"a/**", "ab", false},
        {"a/**/z", "a/z", true},
        {"a/**/z", "a/b/c/z", true},
        {"a/**/z", "a/bz", false},
        {"**/a/**", "x/a/y", true},
        {"**/a/**", "x/a", false},
        {"abc**", "abcd/e", true},
        // Classes and escapes.
        {"[a-c].txt", "b.txt", true},
        {"[a-c].txt", "d.txt", false},
        {"[^a-c].txt", "d.txt", true},
        {"[^a-c].txt", "a.txt", false},
        {"\\*.txt", "*.txt", true},
        {"\\*.txt", "a.txt", false},
        {"[\\]x]", "]", true},
        {"a.b", "axb", false},
        {"a$", "a$", true},
        // The last that matches wins.
        {"*.md\n!README.md", "README.md", false},
        {"*.md\n!README.md", "other.md", true},
        {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
        {"*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false},
        {"foo\n!foo/keep", "foo/keep", false},
        {"foo\n!foo/keep", "foo/other", true},
        {"foo\n!foo/keep\nfoo/keep/not", "foo/keep/not", true},
        {"*\n!src", "src/a/b", false},
        {"!foo", "foo", false},
        {"foo\n! foo", "foo", false},
        // Comments, white space, line ends.
        {"# foo\nfoo", "foo", true},
        {"#foo", "#foo", false},
        {" #foo", "#foo", true},
        {"  foo  ", "foo", true},
        {"foo\r\nbar\r\n", "bar", true},
        {"\xEF\xBB\xBF"
         "foo",
         "foo", true},
        {".\n/\n\n", "foo", false},
        {"../foo", "foo", false},
    };
    for (const auto& [rules, path, excluded] : cases) {
        INFO("rules: " << rules << "  path: " << path);
        CHECK(ContextIgnore::parse(rules, "x").value().excludes(path) == excluded);
    }
}

TEST_CASE("dockerignore: what Docker refuses") {
    const auto refused = [](std::string_view text) {
        const auto parsed = ContextIgnore::parse(text, "ctx/.dockerignore");
        return parsed ? std::string("taken") : parsed.error().message();
    };
    CHECK_THAT(refused("a\n!\n"), Contains("ctx/.dockerignore:2: '!'"));
    CHECK_THAT(refused("[a\n"), Contains(":1: ") && Contains("not closed"));
    CHECK_THAT(refused("[]x]\n"), Contains("names no character"));
    CHECK_THAT(refused("[b-a]\n"), Contains("range"));
    CHECK_THAT(refused("x\\\n"), Contains("nothing to escape"));
}

TEST_CASE("dockerignore: a pattern of many stars ends soon") {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "*a";
    CHECK_FALSE(ContextIgnore::parse(pattern + "b", "x").value().excludes(std::string(1000, 'a')));
}

TEST_CASE("a build context: files, links, empty folders, sorted") {
    Folder folder;
    folder.file("Dockerfile", "FROM x\n")
        .file("b/run.sh", "#!/bin/sh\n", fs::perms(0700))
        .file("a.txt", "hello")
        .file("b-c", "")
        .file("gone/x.log", "")
        .file(".dockerignore", "**/*.log\n");
    fs::create_directories(folder.path("empty/inner"));
    fs::create_symlink("a.txt", folder.path("link"));
    fs::create_symlink("nowhere", folder.path("b/dangling"));
    fs::create_directory_symlink("b", folder.path("folder-link"));
    REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
    CHECK(paths_of(folder.path()) == Paths{".dockerignore", "Dockerfile", "a.txt", "b-c", "b/dangling", "b/run.sh",
                                           "empty/inner/", "folder-link", "gone/", "link"});
    const auto tree = read_context(folder.path());
    const auto entry = [&](std::string_view path) {
        for (const auto& one : tree.entries) {
            if (one.path == path) return one;
        }
        throw std::runtime_error("no entry " + std::string(path));
    };
    CHECK(entry("b/run.sh").mode == 0755);
    CHECK(entry("a.txt").mode == 0644);
    CHECK(entry("a.txt").size == 5);
    CHECK(entry("link").kind == ContextEntry::Kind::Link);
    CHECK(entry("link").target == "a.txt");
    CHECK(entry("folder-link").kind == ContextEntry::Kind::Link);
}

TEST_CASE("a build context: exceptions below what is excluded") {
    Folder folder;
    folder.file("Dockerfile", "FROM x\n").file("src/keep/a", "").file("src/b", "").file("other/c", "");
    folder.file(".dockerignore", "*\n!src/keep\n");
    CHECK(paths_of(folder.path()) == Paths{".dockerignore", "Dockerfile", "src/keep/a"});
}

TEST_CASE("a build context: the Dockerfile and its ignore file always go along") {
    Folder folder;
    folder.file("docker/gpu/Dockerfile", "FROM x\n").file("docker/x", "").file("a", "").file(".dockerignore", "**\n");
    CHECK(paths_of(folder.path(), "docker/gpu/Dockerfile") == Paths{".dockerignore", "docker/gpu/Dockerfile"});
    // BuildKit's own name is preferred, and then the usual one is a file like others.
    folder.file("docker/gpu/Dockerfile.dockerignore", "a\ndocker\n.dockerignore\n").file("b", "");
    CHECK(paths_of(folder.path(), "./docker/gpu/Dockerfile") ==
          Paths{"b", "docker/gpu/Dockerfile", "docker/gpu/Dockerfile.dockerignore"});
}

TEST_CASE("the digest of a build context") {
    const auto make = [](Folder& folder) {
        folder.file("Dockerfile", "FROM x\n").file("a", "1").file("sub/b", "2").file(".dockerignore", "*.log\n");
        fs::create_symlink("a", folder.path("l"));
    };
    Folder one;
    Folder two;
    make(one);
    make(two);
    const Digest digest = read_context(one.path()).digest;
    CHECK(read_context(two.path()).digest == digest);
    const auto digest_now = [&] { return read_context(two.path()).digest; };
    SECTION("times, other modes and what is excluded do not count") {
        fs::last_write_time(two.path("a"), fs::file_time_type::clock::now() - std::chrono::hours(1000));
        fs::permissions(two.path("a"), fs::perms(0600));
        two.file("x.log", "noise");
        CHECK(digest_now() == digest);
    }
    SECTION("bytes count") {
        two.file("a", "3");
        CHECK(digest_now() != digest);
    }
    SECTION("names count") {
        fs::rename(two.path("a"), two.path("A"));
        CHECK(digest_now() != digest);
    }
    SECTION("the executable bit counts") {
        fs::permissions(two.path("a"), fs::perms(0755));
        CHECK(digest_now() != digest);
    }
    SECTION("a link's target counts, and is not followed") {
        fs::remove(two.path("l"));
        fs::create_symlink("sub/b", two.path("l"));
        CHECK(digest_now() != digest);
    }
    SECTION("a link is not its file") {
        fs::remove(two.path("l"));
        two.file("l", "1");
        CHECK(digest_now() != digest);
    }
    SECTION("an empty folder counts") {
        fs::create_directory(two.path("new"));
        CHECK(digest_now() != digest);
    }
    SECTION("the ignore file counts") {
        two.file(".dockerignore", "*.log\n# note\n");
        CHECK(digest_now() != digest);
    }
}

TEST_CASE("the digest of a build context stays the same over versions") {
    Folder folder;
    folder.file("Dockerfile", "FROM x\n").file("run", "#!/bin/sh\n", fs::perms(0755));
    fs::create_symlink("run", folder.path("l"));
    fs::create_directory(folder.path("e"));
    const auto hex = [](std::string_view bytes) { return sha256(bytes).hex(); };
    CHECK(read_context(folder.path()).digest == sha256(R"({"files":{"Dockerfile":["file",")" + hex("FROM x\n") +
                                                       R"("],"e":["folder"],"l":["link","run"],"run":["executable",")" +
                                                       hex("#!/bin/sh\n") + R"("]},"kind":"envbuild.context","v":1})"));
}

TEST_CASE("a build context: what is wrong") {
    Folder folder;
    folder.file("Dockerfile", "FROM x\n");
    CHECK_THROWS_WITH(read_context(folder.path("none")), Contains("no such folder"));
    CHECK_THROWS_WITH(read_context(folder.path("Dockerfile")), Contains("no such folder"));
    CHECK_THROWS_WITH(read_context(folder.path(), "Other"), Contains("no such file"));
    CHECK_THROWS_WITH(read_context(folder.path(), "../Dockerfile"), Contains("outside of the build context"));
    CHECK_THROWS_WITH(read_context(folder.path(), "/Dockerfile"), Contains("outside of the build context"));
    folder.file(".dockerignore", "x\n[\n");
    CHECK_THROWS_WITH(read_context(folder.path()), Contains(".dockerignore:2: "));
    folder.file(".dockerignore", "");
    folder.file("bad\xFFname", "");
    CHECK_THROWS_WITH(read_context(folder.path()), Contains("no UTF-8"));
    folder.file(".dockerignore", "bad*\n");
    CHECK_THROWS_WITH(read_context(folder.path()), Contains("no UTF-8"));
}

TEST_CASE("a build context: links stay within it") {
    Folder folder;
    folder.file("ctx/Dockerfile", "FROM x\n").file("ctx/sub/a", "1").file("outside", "2");
    fs::create_symlink("../sub/a", folder.path("ctx/sub/good"));
    CHECK(read_context(folder.path("ctx")).entries.size() == 3);
    for (const auto* target : {"../outside", "/etc/passwd", "sub/../../outside", "sub/../Dockerfile"}) {
        INFO(target);
        fs::create_symlink(target, folder.path("ctx/bad"));
        CHECK_THROWS_WITH(read_context(folder.path("ctx")),
                          Contains(folder.path("ctx/bad").string() + " is a link to \"" + target + "\"") &&
                              Contains("leads out of the build context"));
        folder.file("ctx/.dockerignore", "bad\n");
        CHECK(read_context(folder.path("ctx")).entries.size() == 4);
        fs::remove(folder.path("ctx/.dockerignore"));
        fs::remove(folder.path("ctx/bad"));
    }
}

TEST_CASE("a build context: a cancelled walk ends") {
    Folder folder;
    folder.file("Dockerfile", "FROM x\n");
    const CancelToken cancel;
    cancel.cancel();
    try {
        (void)read_context(folder.path(), "Dockerfile", cancel);
        FAIL("was not cancelled");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Cancelled);
    }
}
