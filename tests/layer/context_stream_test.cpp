#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "layer/context_stream.hpp"
#include "layer/layer_support.hpp"

using namespace envbuild;
using namespace envbuild::layer;
using namespace layer_test;

namespace {

std::string drain(ByteSource& source, std::size_t piece) {
    std::string bytes, buffer(piece, '\0');
    while (const auto got = source.read(buffer.data(), buffer.size())) bytes.append(buffer, 0, got);
    return bytes;
}

ErrorKind kind_of(std::vector<ContextFile> files) {
    try {
        ContextStream stream(std::move(files));
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::Bug;
}

ContextFile memory(std::string path, std::string bytes = "x") {
    return {.path = std::move(path), .bytes = std::move(bytes), .file = {}};
}

}  // namespace

TEST_CASE("a context streams sorted, with its folders, files from memory and from the disk") {
    const TempDir dir("context");
    const std::string big = sample(1'500'000);
    write_file_atomic(dir.path() / "pkg", big);
    const std::vector<ContextFile> files{
        {.path = "envbuild/packages/big.conda", .bytes = {}, .file = dir.path() / "pkg"},
        memory("envbuild/install.json", "{}"),
        memory("envbuild-x", "sorts behind envbuild/"),
        {.path = "envbuild/envbuild-install", .bytes = "ELF", .file = {}, .mode = 0755},
        memory("Dockerfile", "FROM x\n")};
    ContextStream stream(files, 1577836800);
    const auto bytes = drain(stream, 64 * 1024);
    REQUIRE(stream.size() == bytes.size());

    const auto members = read_tar(bytes);
    std::vector<std::string> names;
    for (const auto& member : members) {
        names.push_back(member.entry.path);
        CHECK(member.entry.mtime == 1577836800);
        CHECK(member.entry.uid == 0);
    }
    CHECK(names == std::vector<std::string>{"Dockerfile", "envbuild", "envbuild/envbuild-install",
                                            "envbuild/install.json", "envbuild/packages", "envbuild/packages/big.conda",
                                            "envbuild-x"});
    CHECK(members[2].entry.mode == 0755);
    CHECK(members[3].entry.mode == 0644);
    CHECK(members[5].data == big);

    SECTION("the order of the list and the size of reads change nothing; rewind starts over, also in the middle") {
        ContextStream reversed({files.rbegin(), files.rend()}, 1577836800);
        CHECK(drain(reversed, 4097) == bytes);
        REQUIRE(reversed.rewind());
        std::string some(700'001, '\0');
        CHECK(reversed.read(some.data(), some.size()) == some.size());
        REQUIRE(reversed.rewind());
        CHECK(drain(reversed, 1'000'003) == bytes);
    }
    SECTION("a file that changed its size since is an error, not a broken stream") {
        write_file_atomic(dir.path() / "pkg", big + "more");
        REQUIRE(stream.rewind());
        CHECK_THROWS_WITH(drain(stream, 65536), Catch::Contains("changed while the build context was sent"));
    }
}

TEST_CASE("a context may hold symbolic links and empty folders") {
    ContextStream stream({{.path = "src/latest", .bytes = "../v2", .file = {}, .kind = ContextFile::Kind::Symlink},
                          {.path = "empty", .bytes = {}, .file = {}, .kind = ContextFile::Kind::Folder},
                          {.path = "src", .bytes = {}, .file = {}, .kind = ContextFile::Kind::Folder},
                          memory("src/a.txt")});
    const auto members = read_tar(drain(stream, 1000));
    REQUIRE(members.size() == 4);
    CHECK(members[0].entry.path == "empty");
    CHECK(members[0].entry.type == TarEntry::Type::Directory);
    CHECK(members[1].entry.path == "src");
    CHECK(members[2].entry.path == "src/a.txt");
    CHECK(members[3].entry.type == TarEntry::Type::Symlink);
    CHECK(members[3].entry.link_target == "../v2");

    const ContextFile folder{.path = "a", .bytes = {}, .file = {}, .kind = ContextFile::Kind::Folder};
    CHECK(kind_of({folder, memory("a")}) == ErrorKind::InvalidInput);
    CHECK(kind_of({memory("a"), folder}) == ErrorKind::InvalidInput);
}

TEST_CASE("an empty context is an empty archive") {
    ContextStream stream({});
    CHECK(drain(stream, 10) == std::string(1024, '\0'));
}

TEST_CASE("improper paths of a context are refused") {
    for (const std::string path : {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "a/"}) {
        INFO(path);
        CHECK(kind_of({memory(path)}) == ErrorKind::InvalidInput);
    }
    CHECK(kind_of({memory("a"), memory("a")}) == ErrorKind::InvalidInput);
    CHECK(kind_of({memory("a/b"), memory("a-b"), memory("a")}) == ErrorKind::InvalidInput);
    CHECK(kind_of({{.path = "a", .bytes = {}, .file = "/nonexistent/x"}}) == ErrorKind::NotFound);
    CHECK(kind_of({{.path = "a", .bytes = {}, .file = "/tmp"}}) == ErrorKind::Io);
}
