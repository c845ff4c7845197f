#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "layer/layer_support.hpp"
#include "layer/tar_parser.hpp"
#include "layer/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::layer;
using namespace layer_test;

namespace {

struct Collector final : TarVisitor {
    std::vector<Member> members;
    bool open = false;
    void entry(const TarEntry& entry) override {
        REQUIRE_FALSE(open);
        open = true;
        members.push_back({entry, {}});
    }
    void data(std::string_view bytes) override {
        REQUIRE(open);
        members.back().data += bytes;
    }
    void end() override {
        REQUIRE(open);
        open = false;
        REQUIRE(members.back().data.size() == members.back().entry.size);
    }
};

std::vector<Member> parse(std::string_view bytes, std::size_t piece) {
    Collector collector;
    TarParser parser(collector);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) parser.feed(bytes.substr(0, piece));
    parser.finish();
    REQUIRE(parser.saw_end());
    return collector.members;
}

std::vector<Member> odd_members() {
    const std::string long_name = std::string(90, 'd') + "/" + std::string(99, 'n');
    std::vector<Member> members{folder("lib"),
                                file("lib/empty", ""),
                                file("lib/one", "x", 0600),
                                file("lib/block", std::string(512, 'b'), 0755),
                                file("lib/more", std::string(513, 'm')),
                                soft_link("lib/link", "../../nowhere"),
                                soft_link("lib/absolute", "/etc/alternatives/x"),
                                hard_link("lib/hard", "lib/one"),
                                file("with space and \xc3\xa9", "utf-8"),
                                file(long_name, "prefix and name"),
                                file(std::string(300, 'p'), "pax"),
                                file("a/" + std::string(120, 'q') + "/" + std::string(120, 'r'), "pax too"),
                                soft_link("long-link", std::string(200, 't')),
                                soft_link("\xe6\x97\xa5", "\xe6\x9c\xac"),
                                file("late", "8 GiB of seconds")};
    members.back().entry.mtime = 1LL << 34;
    members[2].entry.mtime = 1577836800;
    members[2].entry.uid = 1000;
    members[2].entry.gid = 3'000'000;
    return members;
}

}  // namespace

TEST_CASE("what TarWriter writes, libarchive reads back entry for entry") {
    const auto members = odd_members();
    REQUIRE(read_tar(make_tar(members)) == members);
}

TEST_CASE("what TarWriter writes, GNU tar lists without a warning") {
    const TempDir folder_("tar-test");
    const auto bytes = make_tar(odd_members());
    write_file_atomic(folder_.path() / "x.tar", bytes);
    const auto listed = run_tool({"tar", "-tf", (folder_.path() / "x.tar").string()});
    REQUIRE(std::ranges::count(listed, '\n') == static_cast<std::ptrdiff_t>(odd_members().size()));
}

TEST_CASE("TarParser reads its own writer's archives, in pieces of any size") {
    const auto members = odd_members();
    const auto bytes = make_tar(members);
    for (const std::size_t piece : {1, 7, 511, 512, 513, 1024, 100000}) {
        INFO(piece);
        REQUIRE(parse(bytes, piece) == members);
    }
}

TEST_CASE("TarParser reads the forms that other writers make") {
    auto members = odd_members();
    members[2].entry.gid = 7;
    members.pop_back();
    for (const std::string_view format : {"pax", "gnutar"}) {
        INFO(format);
        REQUIRE(parse(make_tar_with_libarchive(members, format), 1000) == members);
    }
    const std::vector<Member> plain(members.begin(), members.begin() + 8);
    for (const std::string_view format : {"ustar", "v7tar"}) {
        INFO(format);
        REQUIRE(parse(make_tar_with_libarchive(plain, format), 512) == plain);
    }
}

TEST_CASE("TarParser reads GNU tar's sparse files and its long names and passes over what follows") {
    const TempDir folder_("tar-test");
    const auto root = folder_.path();
    write_file_atomic(root / "in/dense", "data");
    run_tool({"sh", "-c", "cd " + (root / "in").string() + R"( && for i in 1 2 3 4 5 6 7 8; do
        printf x | dd of=holes bs=1 seek=${i}0000000 conv=notrunc status=none; done; echo z > zz)"});
    for (const std::string format : {"gnu", "posix"}) {
        const auto bytes = run_tool(
            {"tar", "--sparse", "--sort=name", "--format=" + format, "-C", (root / "in").string(), "-cf", "-", "."});
        const auto members = parse(bytes, 4000);
        INFO(format);
        REQUIRE(members.size() == 4);
        CHECK(members.back().entry.path == "zz");
        CHECK(members.back().data == "z\n");
    }
}

TEST_CASE("an archive that is cut anywhere is Corrupt, or lacks its end") {
    const auto bytes =
        make_tar({file("a", std::string(700, 'a')), soft_link("b", std::string(150, 'l')), file("c", "c")});
    for (std::size_t size = 0; size < bytes.size(); size += 64) {
        Collector collector;
        TarParser parser(collector);
        INFO(size);
        bool corrupt = false;
        try {
            parser.feed(std::string_view(bytes).substr(0, size));
            parser.finish();
        } catch (const Error& error) {
            corrupt = error.kind() == ErrorKind::Corrupt;
        }
        CHECK((corrupt || !parser.saw_end()));
    }
}

TEST_CASE("a flipped bit in a header is noticed") {
    const auto bytes = make_tar({file("name", "content")});
    for (std::size_t i = 0; i < kTarBlock; ++i) {
        if (i == 148 || i == 155) continue;  // a leading zero that becomes a space, and what follows the number
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        Collector collector;
        TarParser parser(collector);
        INFO(i);
        CHECK_THROWS_AS(parser.feed(damaged), Error);
    }
}

TEST_CASE("odd headers: what is refused and what is read") {
    Collector collector;
    TarParser parser(collector);
    SECTION("a pax header with nothing behind it") {
        auto bytes = make_tar({file(std::string(200, 'p'), "")});
        bytes.resize(1024);
        parser.feed(bytes);
        CHECK_THROWS_WITH(parser.finish(), Catch::Contains("cut short"));
    }
    SECTION("an entry between the two zero blocks") {
        const auto one = make_tar({file("a", "")}).substr(0, 512);
        CHECK_THROWS_WITH(parser.feed(one + std::string(512, '\0') + one), Catch::Contains("after the end"));
    }
    SECTION("garbage after the end is not looked at") {
        parser.feed(make_tar({file("a", "")}) + "garbage");
        parser.finish();
        CHECK(collector.members.size() == 1);
    }
    SECTION("text that is no tar") {
        CHECK_THROWS_AS(parser.feed(std::string(512, 'x')), Error);
    }
}

TEST_CASE("normal_tar_path") {
    CHECK(normal_tar_path("./a//b/") == "a/b");
    CHECK(normal_tar_path("/") == "");
    CHECK(normal_tar_path("././") == "");
    CHECK(normal_tar_path("../a") == "../a");
}

TEST_CASE("entries that tar cannot hold are refused") {
    CHECK_THROWS_AS((void)tar_header({.path = "", .link_target = {}}), Error);
    CHECK_THROWS_AS((void)tar_header({.path = std::string("a\0b", 3), .link_target = {}}), Error);
    CHECK_THROWS_AS((void)tar_header({.path = "a", .type = TarEntry::Type::Symlink, .link_target = {}}), Error);
    CHECK_THROWS_AS((void)tar_header({.path = "a", .type = TarEntry::Type::Symlink, .size = 3, .link_target = "b"}),
                    Error);
    CHECK_THROWS_AS((void)tar_header({.path = "a", .type = TarEntry::Type::Other, .link_target = {}}), Error);
    TarWriter writer([](std::string_view) {});
    writer.begin({.path = "a", .size = 5, .link_target = {}});
    CHECK_THROWS_AS(writer.data("123456"), Error);
    CHECK_THROWS_AS(writer.finish(), Error);
}

TEST_CASE("pax records count their own length, also where that needs one more digit") {
    for (std::size_t size = 101; size < 1100; ++size) {
        const std::vector<Member> members{file(std::string(size, 'x'), "")};
        REQUIRE(parse(make_tar(members), 4096) == members);
    }
}

TEST_CASE("sizes and times beyond octal go into pax and come back") {
    Collector collector;
    TarParser parser(collector);
    parser.feed(tar_header({.path = "huge", .size = 1ULL << 40, .link_target = {}, .mtime = -5}));
    REQUIRE(collector.members.size() == 1);
    CHECK(collector.members[0].entry.size == 1ULL << 40);
    CHECK(collector.members[0].entry.mtime == -5);
}
