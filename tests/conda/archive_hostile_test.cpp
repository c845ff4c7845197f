// Every refusal of the contract in conda/archive.hpp, as .tar.bz2 and as .conda.
#include <catch2/catch.hpp>

#include "conda/archive.hpp"
#include "support/conda_package_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::testing;

namespace {

void visit_all(const std::string& name, std::string bytes) {
    (void)CondaArchive::open(name, ArchiveSource::from_bytes(std::move(bytes)))
        .visit(CondaArchive::Part::All, [](const auto&, auto& content) {
            (void)content.read_all();
            return true;
        });
}

std::string refusal(const std::string& name, std::string bytes) {
    try {
        visit_all(name, std::move(bytes));
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.message(), Catch::Contains(name));
        return error.message();
    }
    return "accepted";
}

// Refused in both formats, with a reason and with the entry's name.
void refused(const TarWriter& tar, const std::string& reason, const std::string& entry = "") {
    CAPTURE(reason, entry);
    const std::string info = TarWriter().file("info/index.json", "{}").finish();
    for (const std::string& message : {refusal("bad-1.0-0.tar.bz2", bzip2(tar.finish())),
                                       refusal("bad-1.0-0.conda", conda_container(tar.finish(), info))}) {
        CHECK_THAT(message, Catch::Contains(reason));
        if (!entry.empty()) CHECK_THAT(message, Catch::Contains("entry '" + entry + "'"));
    }
}

}  // namespace

TEST_CASE("names that escape or cannot be are refused") {
    refused(TarWriter().file("../x"), "climbs out", "../x");
    refused(TarWriter().file("a/../../x"), "climbs out", "a/../../x");
    refused(TarWriter().file("a/../b"), "climbs out");
    refused(TarWriter().file("a/.."), "climbs out");
    refused(TarWriter().file(".."), "climbs out");
    refused(TarWriter().file("/abs"), "absolute", "/abs");
    refused(TarWriter().file("//abs"), "absolute");
    refused(TarWriter().file(".//abs"), "absolute");
    refused(TarWriter().file("C:\\x"), "drive letter");
    refused(TarWriter().file("c:/x"), "drive letter");
    refused(TarWriter().file("\\\\server\\share"), "network share");
    refused(TarWriter().file(""), "no name");
    refused(TarWriter().file("."), "'.' component");
    refused(TarWriter().file("./"), "no name");
    refused(TarWriter().file("a//b"), "empty component");
    refused(TarWriter().file("a/./b"), "'.' component");
    refused(TarWriter().file("a/"), "empty component");
    refused(TarWriter().file("bad\xff"), "not UTF-8", "bad\\xff");
    refused(TarWriter().file("\xed\xa0\x80"), "not UTF-8");
    refused(TarWriter().file(std::string("nul\0inside", 10)), "holds a NUL");
    refused(TarWriter().pax({{"path", std::string("nul\0inside", 10)}}).file("x"), "NUL in its name");
    refused(TarWriter().pax({{"path", std::string(256, 'c')}}).file("x"), "component over 255 bytes");
    std::string deep;
    while (deep.size() <= 4096) deep += "abcdefg/";
    refused(TarWriter().pax({{"path", deep + "f"}}).file("x"), "over 4096 bytes");
}

TEST_CASE("extension headers that escape are refused") {
    refused(TarWriter().pax({{"path", "../evil"}}).file("good"), "climbs out", "../evil");
    refused(TarWriter().pax({{"path", "/evil"}}).file("good"), "absolute", "/evil");
    refused(TarWriter().gnu_long('L', "../evil").file("good"), "climbs out", "../evil");
    refused(TarWriter().file("a").pax({{"linkpath", "../evil"}}).hardlink("good", "a"), "climbs out", "good");
    refused(TarWriter().file("a").gnu_long('K', "/evil").hardlink("good", "a"), "absolute", "good");
    refused(TarWriter().pax({{"path", "x"}}, 'g').file("good"), "global pax header");
    refused(TarWriter().pax({{"path", "x"}}).pax({{"path", "y"}}).file("good"), "two pax headers");
    refused(TarWriter().gnu_long('L', "x").gnu_long('L', "y").file("good"), "two GNU long names");
    refused(TarWriter().pax({{"path", "x"}}), "ends after an extension header");
    refused(TarWriter().add({.name = "p", .type = 'x', .content = "99 path=x\n"}).file("good"), "wrong length");
    refused(TarWriter().add({.name = "p", .type = 'x', .content = "path=x\n"}).file("good"), "no length");
    refused(TarWriter().pax({{"size", "12x"}}).file("good"), "not a number");
    refused(TarWriter().add({.name = "p", .type = 'x', .content = std::string((1 << 20) + 1, 'x')}).file("good"),
            "larger than 1 MiB");
    refused(TarWriter().pax({{"GNU.sparse.major", "1"}}).file("good"), "sparse");
}

TEST_CASE("hard links lead to an earlier regular file of the archive or are refused") {
    refused(TarWriter().hardlink("x", "../y"), "climbs out", "x");
    refused(TarWriter().hardlink("x", "/etc/passwd"), "absolute", "x");
    refused(TarWriter().hardlink("x", "missing"), "no earlier regular file", "x");
    refused(TarWriter().hardlink("x", "later").file("later"), "no earlier regular file", "x");
    refused(TarWriter().hardlink("x", "x"), "no earlier regular file", "x");
    refused(TarWriter().symlink("s", "/etc/shadow").hardlink("x", "s"), "no earlier regular file", "x");
    refused(TarWriter().directory("d").hardlink("x", "d"), "no earlier regular file", "x");
    refused(TarWriter().file("a").add({.name = "x", .type = '1', .content = "data", .link = "a"}),
            "hard link with content", "x");
}

TEST_CASE("nothing is written through a symlink of the archive") {
    refused(TarWriter().symlink("s", "/etc").file("s/passwd"), "through the symlink 's'", "s/passwd");
    refused(TarWriter().symlink("s", "..").symlink("s/t", "..").file("s/t/x"), "through the symlink 's'", "s/t");
    refused(TarWriter().symlink("a/one", "..").symlink("a/two", "one/..").file("a/two/x"),
            "through the symlink 'a/two'", "a/two/x");
    refused(TarWriter().symlink("s", "d").directory("d").file("s/x"), "through the symlink 's'", "s/x");
    refused(TarWriter().symlink("s", "d").directory("s/sub"), "through the symlink 's'", "s/sub");
    refused(TarWriter().file("f").file("f/x"), "below 'f'", "f/x");
}

TEST_CASE("devices, FIFOs, sockets and unknown kinds are refused") {
    refused(TarWriter().add({.name = "c", .type = '3'}), "character device", "c");
    refused(TarWriter().add({.name = "b", .type = '4'}), "block device", "b");
    refused(TarWriter().add({.name = "p", .type = '6'}), "FIFO", "p");
    refused(TarWriter().add({.name = "s", .type = 's'}), "unknown type", "s");
    refused(TarWriter().add({.name = "s", .type = '7'}), "unknown type", "s");
    refused(TarWriter().add({.name = "s", .type = 'S'}), "sparse", "s");
    refused(TarWriter().add({.name = "s", .type = '2', .content = "data", .link = "x"}), "symlink with content", "s");
    refused(TarWriter().add({.name = "s", .type = '2'}), "symlink to nothing", "s");
    refused(TarWriter().add({.name = "d", .type = '5', .content = "data"}), "directory with content", "d");
    refused(TarWriter().add({.name = "f", .link = "x"}), "file with a link name", "f");
}

TEST_CASE("whiteouts are refused at any depth") {
    refused(TarWriter().file(".wh.libc.so"), "whiteout", ".wh.libc.so");
    refused(TarWriter().file("lib/.wh.libc.so"), "whiteout");
    refused(TarWriter().file("lib/.wh..wh..opq"), "whiteout");
    refused(TarWriter().directory(".wh.lib"), "whiteout");
    refused(TarWriter().file(".wh.lib/x"), "whiteout");
    refused(TarWriter().symlink("lib/.wh.x", "y"), "whiteout");
}

TEST_CASE("an entry never replaces another") {
    refused(TarWriter().file("a").file("a"), "twice", "a");
    refused(TarWriter().file("a").file("./a"), "twice", "./a");
    refused(TarWriter().directory("d").directory("d"), "twice", "d");
    refused(TarWriter().directory("d").file("d"), "replaces a directory", "d");
    refused(TarWriter().file("d/x").file("d"), "replaces a directory", "d");
    refused(TarWriter().file("d/x").symlink("d", "/etc"), "replaces a directory", "d");
    refused(TarWriter().file("a").symlink("a", "/etc"), "twice", "a");
    refused(TarWriter().symlink("a", "b").file("a"), "twice", "a");
    refused(TarWriter().file("a").directory("a"), "twice", "a");
}

TEST_CASE("info and payload stay apart in a .conda") {
    const std::string info = TarWriter().file("info/index.json", "{}").finish();
    CHECK_THAT(refusal("bad-1.0-0.conda", conda_container(TarWriter().file("info/index.json").finish(), info)),
               Catch::Contains("pkg- member"));
    CHECK_THAT(
        refusal("bad-1.0-0.conda", conda_container(TarWriter().file("a").finish(), TarWriter().file("bin/x").finish())),
        Catch::Contains("info- member"));
}
