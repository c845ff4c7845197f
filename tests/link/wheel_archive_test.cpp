#include "link/wheel_archive.hpp"

#include <catch2/catch.hpp>

#include "support/wheel_writer.hpp"

using namespace envbuild;
using namespace envbuild::link;
using testing::make_zip;
using testing::ZipPart;

namespace {

WheelArchive open(const std::string& bytes, const conda::ArchiveLimits& limits = {}) {
    return WheelArchive::open("x-1-py3-none-any.whl", conda::ArchiveSource::from_bytes(bytes), limits);
}

// All files and what they hold; of a Corrupt archive, why.
std::string content(const std::string& bytes, const conda::ArchiveLimits& limits = {}) {
    try {
        const auto archive = open(bytes, limits);
        std::string text;
        for (const auto& member : archive.members())
            text += member.entry.path + "=" + archive.stream(member)->read_all() + ";";
        return text;
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        return error.message();
    }
}

std::string with(ZipPart part) {
    return content(make_zip({std::move(part)}));
}

}  // namespace

TEST_CASE("a wheel's files stream out, stored or deflated, whatever their number and size") {
    const std::string large(3'000'000, 'x');
    const auto zip = make_zip({{.name = "a/"},
                               {.name = "a/b", .bytes = "stored", .deflated = false, .mode = 0100755},
                               {.name = "c", .bytes = large, .date = 41 << 9 | 2 << 5 | 3},
                               {.name = "empty"},
                               {.name = "empty too", .deflated = false}});
    const auto archive = open(zip);
    REQUIRE(archive.members().size() == 4);
    CHECK(archive.members()[0].executable);
    CHECK(archive.stream(archive.members()[0])->read_all() == "stored");
    const auto* c = archive.find("c");
    REQUIRE(c != nullptr);
    CHECK_FALSE(c->executable);
    CHECK(c->entry.mtime == 1612310400);  // 2021-02-03
    CHECK(archive.stream(*c)->read_all() == large);
    CHECK(archive.read(*c, large.size()) == large);
    CHECK(archive.stream(*archive.find("empty"))->read_all().empty());
    CHECK(archive.stream(*archive.find("empty too"))->read_all().empty());
    CHECK(archive.find("a/") == nullptr);
    // Two at once, a byte at a time.
    const auto one = archive.stream(*c);
    const auto two = archive.stream(archive.members()[0]);
    std::string byte(1, '\0');
    CHECK(one->read(byte) == 1);
    CHECK(two->read(byte) == 1);
    CHECK(byte == "s");
    CHECK(one->read(byte) == 1);
    CHECK(byte == "x");
}

TEST_CASE("zip64 fields are read") {
    CHECK(content(make_zip({{.name = "a", .bytes = "one", .zip64 = true}, {.name = "b", .bytes = "two", .zip64 = true}},
                           {.comment = "", .zip64 = true})) == "a=one;b=two;");
}

TEST_CASE("names and kinds that no wheel may have") {
    const auto refused = [&](const std::string& name, std::uint32_t mode = 0100644) {
        return with({.name = name, .bytes = "x", .mode = mode});
    };
    CHECK_THAT(refused("../x"), Catch::Contains("climbs out with '..'"));
    CHECK_THAT(refused("a/../../x"), Catch::Contains("climbs out with '..'"));
    CHECK_THAT(refused("/etc/passwd"), Catch::Contains("absolute name"));
    CHECK_THAT(refused("a\\..\\x"), Catch::Contains("backslash"));
    CHECK_THAT(refused("C:/x"), Catch::Contains("drive letter"));
    CHECK_THAT(refused("a//b"), Catch::Contains("empty component"));
    CHECK_THAT(refused(".wh.x"), Catch::Contains("whiteout"));
    CHECK_THAT(refused(std::string("a\0b", 3)), Catch::Contains("NUL"));
    CHECK_THAT(refused("link", 0120777), Catch::Contains("'link' is a symlink, which a wheel cannot hold"));
    CHECK_THAT(refused("pipe", 0010644), Catch::Contains("FIFO"));
    CHECK_THAT(refused("device", 0020644), Catch::Contains("character device"));
    CHECK_THAT(refused("folder/"), Catch::Contains("directory with content"));
    CHECK_THAT(content(make_zip({{.name = "a", .bytes = "1"}, {.name = "a/b", .bytes = "2"}})),
               Catch::Contains("lies below 'a', which is a file"));
    CHECK_THAT(content(make_zip({{.name = "a", .bytes = "1"}, {.name = "./a", .bytes = "2"}})),
               Catch::Contains("in the archive twice"));
    CHECK_THAT(with({.name = "a", .bytes = "x", .flags = 1}), Catch::Contains("encrypted"));
    CHECK_THAT(with({.name = "a", .bytes = "x", .deflated = false, .method = 12}),
               Catch::Contains("'a' is packed by method 12; deflate is known"));
    CHECK(refused("set-id", 0104755) == "set-id=x;");
    CHECK_THAT(open(make_zip({{.name = "set-id", .bytes = "x", .mode = 0104755}})).warnings().at(0),
               Catch::Contains("set-id bits were dropped"));
}

TEST_CASE("bombs: what is declared is the limit, and the sum of it is capped") {
    const std::string zeros(2 << 20, '\0');
    // One that says less than it has gives no more than it says.
    CHECK_THAT(with({.name = "a", .bytes = zeros, .size = 10}), Catch::Contains("holds 'a' damaged"));
    CHECK_THAT(with({.name = "a", .bytes = "xyz", .size = 4}), Catch::Contains("holds 'a' damaged"));
    CHECK_THAT(with({.name = "a", .bytes = "xyz", .deflated = false, .size = 4}), Catch::Contains("holds 'a' damaged"));
    conda::ArchiveLimits limits;
    limits.free_unpacked = 1 << 20;
    limits.max_ratio = 100;
    CHECK_THAT(content(make_zip({{.name = "a", .bytes = zeros}}), limits),
               Catch::Contains("it would unpack to more than 1.0 MB"));
    CHECK_THAT(content(make_zip({{.name = "a", .size = 600'000}, {.name = "b", .size = 600'000}}), limits),
               Catch::Contains("it would unpack to more than"));
    CHECK_THAT(with({.name = "a", .bytes = "x", .size = 0xfffffff0}), Catch::Contains("it would unpack to more than"));
    // Members over each other.
    CHECK_THAT(content(make_zip({{.name = "a", .bytes = "x"}, {.name = "b", .bytes = "x", .offset = 0}})),
               Catch::Contains("share their bytes"));
    CHECK_THAT(content(make_zip({{.name = "a", .bytes = "x"}, {.name = "b", .bytes = "x", .offset = 5}})),
               Catch::Contains("share their bytes"));
    limits = {};
    limits.max_entries = 2;
    CHECK_THAT(content(make_zip({{.name = "a"}, {.name = "b"}, {.name = "c"}}), limits),
               Catch::Contains("more than 2 entries"));
    const auto archive = open(make_zip({{.name = "a", .bytes = "12345"}}));
    CHECK_THROWS_WITH(archive.read(archive.members()[0], 4), Catch::Contains("'a' has 5 B, more than 4 B"));
}

TEST_CASE("a wheel that is cut off or changed anywhere gives what it held, or an error") {
    const std::string zip =
        make_zip({{.name = "a", .bytes = "some text, some text"}, {.name = "b", .bytes = "more", .deflated = false}});
    for (std::size_t n = 0; n < zip.size(); ++n) {
        INFO(n);
        CHECK_THAT(content(zip.substr(0, n)), Catch::StartsWith("wheel x-1-py3-none-any.whl: "));
    }
    for (std::size_t at = 0; at < zip.size(); ++at) {
        for (const int bit : {0, 2, 5, 7}) {
            std::string damaged = zip;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            // Names and data may be others unseen here: RECORD tells.
            (void)content(damaged);
        }
    }
}
