#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "layer/elf_banner.hpp"
#include "layer/image_files.hpp"
#include "layer/layer_support.hpp"

using namespace envbuild;
using namespace envbuild::layer;
using namespace layer_test;

namespace {

// A shared library's first bytes with a banner behind them.
std::string libc(std::string_view version, unsigned machine = 62, bool wide = true) {
    std::string bytes(
        "\x7f"
        "ELF\x02\x01\x01",
        7);
    if (!wide) bytes[4] = 1;
    bytes.resize(18);
    bytes += static_cast<char>(machine & 0xffU);
    bytes += static_cast<char>(machine >> 8U);
    bytes += sample(5000);
    if (!version.empty())
        bytes += fmt::format("GNU C Library (Ubuntu GLIBC {}-0ubuntu3.4) stable release version {}.\nCopyright",
                             version, version);
    return bytes + std::string(100, '\0');
}

LayerScan scan(const std::string& bytes, std::size_t piece = 10'000) {
    LayerScanner scanner;
    std::string_view rest = bytes;
    for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) scanner.feed(rest.substr(0, piece));
    return scanner.finish();
}

Expected<BaseFacts> facts_of(const std::vector<std::vector<Member>>& layers, std::string_view architecture = "amd64") {
    std::vector<LayerScan> scans;
    for (const auto& layer : layers) scans.push_back(scan(make_tar(layer)));
    return base_facts(scans, architecture, "example.org/base:1");
}

std::vector<Member> ubuntu() {
    return {soft_link("bin", "usr/bin"),
            soft_link("lib", "usr/lib"),
            folder("etc"),
            soft_link("etc/os-release", "../usr/lib/os-release"),
            folder("usr"),
            file("usr/bin/dash", "ELF", 0755),
            soft_link("usr/bin/sh", "dash"),
            file("usr/lib/os-release", "NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID=\"22.04\"\n"),
            file("usr/lib/x86_64-linux-gnu/libc.so.6", libc("2.35"), 0755)};
}

}  // namespace

TEST_CASE("facts of an image like Ubuntu's, from plain, gzip and zstd layers") {
    const auto tar = make_tar(ubuntu());
    for (const auto& bytes : {tar, compress(tar, {Codec::Format::Gzip, 6}), compress(tar, {Codec::Format::Zstd, 3})}) {
        for (const std::size_t piece : {100, 1'000'000}) {
            const std::vector<LayerScan> scans{scan(bytes, piece)};
            const auto facts = value_or_throw(base_facts(scans, "amd64", "x"));
            CHECK(facts.glibc == "2.35");
            CHECK(facts.os_id == "ubuntu");
            CHECK(facts.os_version == "22.04");
            CHECK(facts.has_shell);
            CHECK(facts.layers == std::vector<LayerFacts>{{sha256(tar), tar.size()}});
            CHECK(value_or_throw(BaseFacts::from_json(value_or_throw(Json::parse(facts.to_json().dump())))) == facts);
        }
    }
}

TEST_CASE("glibc in the places where distributions keep it") {
    const auto glibc = [](const std::vector<Member>& layer, std::string_view architecture = "amd64") {
        return value_or_throw(facts_of({layer}, architecture)).glibc;
    };
    CHECK(glibc({file("lib64/libc-2.17.so", libc("2.17")), soft_link("lib64/libc.so.6", "libc-2.17.so")}) == "2.17");
    CHECK(glibc({file("lib/x86_64-linux-gnu/libc-2.31.so", libc("")),
                 soft_link("lib/x86_64-linux-gnu/libc.so.6", "libc-2.31.so")}) == "2.31");
    CHECK(glibc({soft_link("lib64", "usr/lib64"), file("usr/lib64/libc.so.6", libc("2.34"))}) == "2.34");
    CHECK(glibc({file("usr/lib/libc.so.6", libc("2.40"))}) == "2.40");
    CHECK(glibc({file("lib/aarch64-linux-gnu/libc.so.6", libc("2.36", 183))}, "arm64") == "2.36");
    CHECK(glibc({file("usr/lib/a", libc("2.41")), hard_link("usr/lib/libc.so.6", "usr/lib/a"),
                 file("lib64/libc.so.6", libc("2.28"))}) == "2.28");
    // Of two architectures' libraries the asked one's counts, and a cross compiler's does not.
    CHECK(glibc({file("lib/i386-linux-gnu/libc.so.6", libc("2.30", 3, false)),
                 file("usr/aarch64-linux-gnu/lib/libc.so.6", libc("2.10", 183)),
                 file("lib/x86_64-linux-gnu/libc.so.6", libc("2.31"))}) == "2.31");
}

TEST_CASE("upper layers win, and whiteouts hide") {
    const auto upgraded = facts_of({ubuntu(), {file("usr/lib/x86_64-linux-gnu/libc.so.6", libc("2.39"))}});
    CHECK(value_or_throw(upgraded).glibc == "2.39");
    CHECK(value_or_throw(upgraded).layers.size() == 2);

    const auto no_shell = facts_of({ubuntu(), {file("usr/bin/.wh.sh", "")}});
    CHECK_FALSE(value_or_throw(no_shell).has_shell);
    const auto shell_again = facts_of({ubuntu(), {file("usr/bin/.wh.sh", ""), file("usr/bin/sh", "busybox")}});
    CHECK(value_or_throw(shell_again).has_shell);
    const auto opaque = facts_of({ubuntu(), {folder("usr/bin"), file("usr/bin/.wh..wh..opq", "")}});
    CHECK_FALSE(value_or_throw(opaque).has_shell);
    const auto folder_gone = facts_of({ubuntu(), {file("usr/.wh.bin", "")}});
    CHECK_FALSE(value_or_throw(folder_gone).has_shell);
    const auto replaced = facts_of({ubuntu(), {soft_link("usr/bin", "/nowhere")}});
    CHECK_FALSE(value_or_throw(replaced).has_shell);
    const auto libc_gone = facts_of({ubuntu(), {file("usr/lib/x86_64-linux-gnu/.wh.libc.so.6", "")}});
    REQUIRE_FALSE(libc_gone.has_value());
}

TEST_CASE("images without glibc are errors that say what they have") {
    const auto musl =
        facts_of({{file("lib/ld-musl-x86_64.so.1", libc("")),
                   soft_link("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"), file("bin/busybox", "x")}});
    REQUIRE_FALSE(musl.has_value());
    CHECK(musl.error().kind() == ErrorKind::InvalidInput);
    CHECK_THAT(musl.error().to_string(),
               Catch::Contains("musl") && Catch::Contains("glibc") && Catch::Contains("example.org/base:1"));

    const auto none = facts_of({{file("app", "static")}});
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().kind() == ErrorKind::NotFound);

    const auto other = facts_of({ubuntu()}, "arm64");
    REQUIRE_FALSE(other.has_value());
    CHECK_THAT(other.error().to_string(), Catch::Contains("for amd64, none for arm64"));

    const auto dangling = facts_of({{soft_link("lib64/libc.so.6", "libc-2.17.so")}});
    CHECK_FALSE(dangling.has_value());
    const auto loop = facts_of({{soft_link("lib", "lib"), soft_link("lib64/libc.so.6", "/lib/libc.so.6")}});
    CHECK_FALSE(loop.has_value());
}

TEST_CASE("an image with glibc and musl has glibc") {
    auto layer = ubuntu();
    layer.push_back(file("usr/lib/ld-musl-x86_64.so.1", libc("")));
    CHECK(value_or_throw(facts_of({layer})).glibc == "2.35");
}

TEST_CASE("a layer without shell and os-release has neither") {
    const auto facts = value_or_throw(facts_of({{file("usr/lib/libc.so.6", libc("2.36"))}}));
    CHECK_FALSE(facts.has_shell);
    CHECK(facts.os_id.empty());
}

TEST_CASE("os-release values with single quotes and none") {
    const auto facts = value_or_throw(facts_of(
        {{file("usr/lib/libc.so.6", libc("2.36")), file("usr/lib/os-release", "# c\nVERSION_ID='9.3'\nID=rhel\n")}}));
    CHECK(facts.os_id == "rhel");
    CHECK(facts.os_version == "9.3");
}

TEST_CASE("a layer that is cut short is Corrupt") {
    const auto packed = compress(make_tar(ubuntu()), {Codec::Format::Gzip, 6});
    CHECK_THROWS_AS(scan(packed.substr(0, packed.size() / 2)), Error);
    CHECK_THROWS_AS(scan(make_tar(ubuntu()).substr(0, 5000)), Error);
}

TEST_CASE("cached facts that are damaged are Corrupt") {
    for (const std::string_view text :
         {"{}", "[]", R"({"glibc":"","os_id":"","os_version":"","has_shell":true,"layers":[]})",
          R"({"glibc":"2.1","os_id":"","os_version":"","has_shell":true,"layers":[{"diff_id":"x"}]})"}) {
        const auto facts = BaseFacts::from_json(value_or_throw(Json::parse(text)));
        INFO(text);
        REQUIRE_FALSE(facts.has_value());
        CHECK(facts.error().kind() == ErrorKind::Corrupt);
    }
}

TEST_CASE("this machine's own C library states its version") {
    const auto ldd = run_tool({"getconf", "GNU_LIBC_VERSION"});  // "glibc 2.36"
    for (const char* path :
         {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6"}) {
        if (!fs::exists(path)) continue;
        const auto bytes = read_file(path);
        CHECK("glibc " + glibc_version_in(bytes) + "\n" == ldd);
        const auto machine = run_tool({"uname", "-m"});
        CHECK(elf_architecture(bytes) == (machine == "x86_64\n"    ? "amd64"
                                          : machine == "aarch64\n" ? "arm64"
                                                                   : elf_architecture(bytes)));
        return;
    }
    FAIL("no C library found where this test looks");
}

TEST_CASE("banners of old and odd C libraries") {
    CHECK(glibc_version_in("GNU C Library (GNU libc) stable release version 2.17, by Roland McGrath et al.") == "2.17");
    CHECK(glibc_version_in("GNU C Library (crosstool) development release version 2.25.90.") == "2.25");
    CHECK(glibc_version_in("GNU C Library (x) and nothing else") == "");
    CHECK(glibc_version_in("GNU C Library (x) release version 2") == "");
    CHECK(elf_architecture("not an ELF file at all") == "");
}
