#include "conda/archive.hpp"

#include <catch2/catch.hpp>

#include "support/conda_package_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::testing;

namespace {

struct Seen {
    std::vector<ArchiveEntry> entries;
    std::map<std::string, std::string> contents;
    std::vector<std::string> warnings;

    [[nodiscard]] const ArchiveEntry& at(const std::string& path) const {
        for (const auto& entry : entries) {
            if (entry.path == path) return entry;
        }
        throw std::runtime_error("no entry " + path);
    }
};

Seen read(const CondaArchive& archive, CondaArchive::Part part = CondaArchive::Part::All) {
    Seen seen;
    seen.warnings = archive.visit(part, [&](const ArchiveEntry& entry, ContentReader& content) {
        seen.entries.push_back(entry);
        seen.contents[entry.path] = content.read_all();
        return true;
    });
    return seen;
}

// The payload as both formats have it.
std::vector<CondaArchive> both(const TarWriter& tar) {
    const std::string info = TarWriter().file("info/index.json", "{}").finish();
    return {CondaArchive::open("demo-1.0-0.tar.bz2", ArchiveSource::from_bytes(bzip2(tar.finish()))),
            CondaArchive::open("demo-1.0-0.conda", ArchiveSource::from_bytes(conda_container(tar.finish(), info)))};
}

}  // namespace

TEST_CASE("an archive is streamed entry by entry, in both formats") {
    TarWriter tar;
    tar.directory("lib/")
        .file("lib/a.txt", "hello", 0755)
        .file("lib/empty", "")
        .symlink("lib/link", "a.txt")
        .hardlink("lib/hard", "lib/a.txt");
    for (const auto& archive : both(tar)) {
        const Seen seen = read(archive, CondaArchive::Part::Payload);
        REQUIRE(seen.entries.size() == 5);
        CHECK(seen.at("lib").kind == EntryKind::Directory);
        CHECK(seen.at("lib/a.txt").mode == 0755);
        CHECK(seen.at("lib/a.txt").size == 5);
        CHECK(seen.at("lib/a.txt").mtime == 1700000000);
        CHECK(seen.contents.at("lib/a.txt") == "hello");
        CHECK(seen.contents.at("lib/empty").empty());
        CHECK(seen.at("lib/link").kind == EntryKind::Symlink);
        CHECK(seen.at("lib/link").link_target == "a.txt");
        CHECK(seen.at("lib/hard").kind == EntryKind::Hardlink);
        CHECK(seen.at("lib/hard").link_target == "lib/a.txt");
        CHECK(seen.warnings.empty());
    }
}

TEST_CASE("parts, early stops and content left unread") {
    PackageWriter package;
    package.file("bin/x", std::string(1 << 20, 'x')).file("bin/y", "y");
    for (const auto& [name, bytes] :
         {std::pair{"demo-1.0-0.conda", package.conda()}, {"demo-1.0-0.tar.bz2", package.tar_bz2()}}) {
        const auto archive = CondaArchive::open(name, ArchiveSource::from_bytes(bytes));
        CHECK(read(archive, CondaArchive::Part::Info).entries.size() == 2);
        CHECK(read(archive, CondaArchive::Part::Payload).entries.size() == 2);
        CHECK(read(archive).entries.size() == 4);
        std::vector<std::string> paths;
        (void)archive.visit(CondaArchive::Part::Payload, [&](const auto& entry, auto& content) {
            std::array<char, 10> some{};
            CHECK(content.read(some) > 0);
            paths.push_back(entry.path);
            return entry.path != "bin/x";
        });
        CHECK(paths == std::vector<std::string>{"bin/x"});
    }
    CHECK_THROWS_WITH(CondaArchive::open("demo.zip", ArchiveSource::from_bytes("")),
                      Catch::Contains("no conda package"));
    CHECK_THROWS_AS(CondaArchive::open("/nowhere/demo.conda"), Error);
}

TEST_CASE("symlinks are leaves: absolute, dangling and climbing ones pass as they are") {
    TarWriter tar;
    tar.symlink("a", "/etc/passwd").symlink("b", "nowhere").symlink("c", "../../x").symlink("d/e", "../d");
    for (const auto& archive : both(tar)) {
        const Seen seen = read(archive, CondaArchive::Part::Payload);
        CHECK(seen.at("a").link_target == "/etc/passwd");
        CHECK(seen.at("b").link_target == "nowhere");
        CHECK(seen.at("c").link_target == "../../x");
        CHECK(seen.at("d/e").link_target == "../d");
    }
}

TEST_CASE("names: spaces, other scripts, ./ and long ones by pax and by GNU tar") {
    std::string deep;
    while (deep.size() < 4000) deep += std::string(80, 'd') + "/";
    deep += "file";
    TarWriter tar;
    tar.file("with space").file("žluťoučký kůň").file("./dotted").add({.name = "./", .type = '5', .mode = 0755});
    tar.pax({{"path", deep}}).file("short");
    tar.gnu_long('L', deep + "2").file("short2");
    tar.gnu_long('K', deep).add({.name = "hard", .type = '1'});
    tar.pax({{"linkpath", "/" + deep}, {"mtime", "1600000000.75"}, {"comment", "x"}}).symlink("soft", "y");
    tar.add({.name = "file", .tamper = [](TarBlock& header) {
                 header.replace(345, 4, "pre/");
                 header[348] = '\0';
             }});
    for (const auto& archive : both(tar)) {
        const Seen seen = read(archive, CondaArchive::Part::Payload);
        CHECK(seen.contents.contains("with space"));
        CHECK(seen.contents.contains("žluťoučký kůň"));
        CHECK(seen.contents.contains("dotted"));
        CHECK(seen.contents.contains(deep));
        CHECK(seen.contents.contains(deep + "2"));
        CHECK(seen.at("hard").link_target == deep);
        CHECK(seen.at("soft").link_target == "/" + deep);
        CHECK(seen.at("soft").mtime == 1600000000);
        CHECK(seen.contents.contains("pre/file"));
    }
}

TEST_CASE("a large file and GNU's base-256 numbers") {
    const std::string large(3 << 20, 'z');
    TarWriter tar;
    tar.add({.name = "large", .content = large, .tamper = [&](TarBlock& header) {
                 header.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\x30\0\0", 12));
             }});
    for (const auto& archive : both(tar))
        CHECK(read(archive, CondaArchive::Part::Payload).contents.at("large") == large);
}

TEST_CASE("bits, attributes and owners are stripped, with a warning that names the entry") {
    TarWriter tar;
    tar.file("bin/su", "x", 06755).file("bin/tmp", "x", 01777);
    tar.pax({{"SCHILY.xattr.security.capability", std::string("\1\0\0", 3)}}).file("bin/ping");
    tar.pax({{"SCHILY.xattr.trusted.overlay.opaque", "y"}}).file("bin/opaque");
    tar.pax({{"SCHILY.acl.access", "user::rwx"}, {"uid", "1000"}}).file("bin/acl");
    for (const auto& archive : both(tar)) {
        const Seen seen = read(archive, CondaArchive::Part::Payload);
        CHECK(seen.at("bin/su").mode == 0755);
        CHECK(seen.at("bin/tmp").mode == 0777);
        REQUIRE(seen.warnings.size() == 3);
        CHECK_THAT(seen.warnings[0],
                   Catch::Contains("demo-1.0-0") && Catch::Contains("'bin/su': set-id bits were dropped"));
        CHECK_THAT(seen.warnings[1], Catch::Contains("'bin/tmp': a sticky bit"));
        CHECK_THAT(seen.warnings[2],
                   Catch::Contains("'bin/ping': extended attributes or ACLs were dropped (and 2 more"));
    }
}

TEST_CASE("names that differ only in case are told, files and folders") {
    for (const auto& archive : both(TarWriter().file("Readme").file("README"))) {
        const Seen seen = read(archive, CondaArchive::Part::Payload);
        REQUIRE(seen.warnings.size() == 1);
        CHECK_THAT(seen.warnings[0], Catch::Contains("'README'") && Catch::Contains("only in case"));
    }
    for (const auto& archive : both(TarWriter().file("Lib/a").file("lib/b"))) {
        CHECK(read(archive, CondaArchive::Part::Payload).warnings.size() == 1);
    }
}

TEST_CASE("garbage after the end is told, wherever it is") {
    const std::string tar = TarWriter().file("a").finish();
    const std::string info = TarWriter().file("info/index.json", "{}").finish();
    const auto warns = [](const std::string& name, std::string bytes) {
        const Seen seen = read(CondaArchive::open(name, ArchiveSource::from_bytes(std::move(bytes))));
        CHECK(seen.contents.at("a") == "x\n");
        return seen.warnings.size() == 1 && seen.warnings[0].find("after the") != std::string::npos;
    };
    CHECK(warns("d.tar.bz2", bzip2(tar) + "garbage"));
    CHECK(warns("d.tar.bz2", bzip2(tar + "garbage")));
    CHECK(warns("d.tar.bz2", bzip2(tar + std::string(512, 'x'))));
    CHECK(warns("d.conda", conda_container(tar, info) + "garbage"));
    CHECK(warns("d.conda", conda_container(tar + "garbage", info)));
    const Seen padded =
        read(CondaArchive::open("d.tar.bz2", ArchiveSource::from_bytes(bzip2(tar + std::string(9000, '\0')))));
    CHECK(padded.warnings.empty());
}

TEST_CASE("concatenated streams are one archive") {
    const std::string tar = TarWriter().file("a").file("b", std::string(2000, 'b')).finish();
    const auto half = std::string_view(tar).substr(0, 700);
    const auto rest = std::string_view(tar).substr(700);
    const Seen bz = read(CondaArchive::open("d.tar.bz2", ArchiveSource::from_bytes(bzip2(half) + bzip2(rest))));
    CHECK(bz.contents.at("b").size() == 2000);
    CHECK(bz.warnings.empty());
}
