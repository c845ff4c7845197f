// Truncation, flipped bits, false claims and bombs.
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "conda/archive.hpp"
#include "support/conda_package_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::testing;

namespace {

// "" when the archive is taken.
std::string read(const std::string& name, std::string bytes, const ArchiveLimits& limits = {}) {
    try {
        const auto archive = CondaArchive::open(name, ArchiveSource::from_bytes(std::move(bytes)), limits);
        (void)archive.visit(CondaArchive::Part::All, [](const auto&, auto& content) {
            std::array<char, 4096> buffer{};
            while (content.read(buffer) > 0) {
            }
            return true;
        });
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        return error.message();
    }
    return {};
}

std::string as_conda(std::string_view compressed_payload) {
    return ZipWriter()
        .add("metadata.json", R"({"conda_pkg_format_version": 2})")
        .add("pkg-d-1-0.tar.zst", std::string(compressed_payload))
        .add("info-d-1-0.tar.zst", zstd(TarWriter().file("info/index.json", "{}").finish()))
        .finish();
}

std::string sample() {
    TarWriter tar;
    tar.directory("lib").file("lib/a", std::string(1500, 'a'), 0755).symlink("lib/s", "a").hardlink("lib/h", "lib/a");
    tar.pax({{"path", "lib/long"}}).file("x", "long");
    return tar.finish();
}

}  // namespace

TEST_CASE("a tar cut at any 512-byte boundary, or anywhere else, is refused") {
    const std::string tar = sample();
    REQUIRE(read("d.tar.bz2", bzip2(tar)).empty());
    REQUIRE(read("d.conda", as_conda(zstd(tar))).empty());
    for (std::size_t size = 0; size < tar.size(); size += size % 512 == 0 ? 1 : 511) {
        CAPTURE(size);
        CHECK_THAT(read("d.tar.bz2", bzip2(tar.substr(0, size))), Catch::Contains("ends early"));
        CHECK_THAT(read("d.conda", as_conda(zstd(tar.substr(0, size)))), Catch::Contains("ends early"));
    }
}

TEST_CASE("a compressed stream cut anywhere is refused") {
    const std::string bz = bzip2(sample());
    for (std::size_t size = 0; size < bz.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(read("d.tar.bz2", bz.substr(0, size)).empty());
    }
    const std::string zs = zstd(sample());
    for (std::size_t size = 0; size < zs.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(read("d.conda", as_conda(std::string_view(zs).substr(0, size))).empty());
    }
}

TEST_CASE("a flipped bit in any header field is refused") {
    const std::string good = TarWriter()
                                 .add({.name = "name",
                                       .content = "content",
                                       .tamper =
                                           [](TarBlock& h) {
                                               h.replace(265, 4, "user");
                                               h.replace(297, 5, "group");
                                               h.replace(345, 6, "prefix");
                                           }})
                                 .finish();
    REQUIRE(read("d.tar.bz2", bzip2(good)).empty());
    for (const std::size_t at : {0,   3,   50,  100, 108, 116, 124, 134, 136, 148, 153, 156,
                                 157, 200, 257, 263, 265, 297, 329, 337, 345, 499, 511}) {
        for (int bit = 0; bit < 8; ++bit) {
            CAPTURE(at, bit);
            std::string bad = good;
            bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1U << bit));
            CHECK_FALSE(read("d.tar.bz2", bzip2(bad)).empty());
        }
    }
}

TEST_CASE("fields that are no numbers and unknown formats are refused, also with a good checksum") {
    const auto with = [](std::size_t at, std::string text) {
        return read("d.tar.bz2",
                    bzip2(TarWriter()
                              .add({.name = "f", .tamper = [=](TarBlock& h) { h.replace(at, text.size(), text); }})
                              .finish()));
    };
    CHECK_THAT(with(124, "0000000008x"), Catch::Contains("size is not a number"));
    CHECK_THAT(with(100, "rw-r--r"), Catch::Contains("mode is not a number"));
    CHECK_THAT(with(136, "yesterday"), Catch::Contains("mtime is not a number"));
    CHECK_THAT(with(108, "root"), Catch::Contains("owner is not a number"));
    CHECK_THAT(with(124, std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12)),
               Catch::Contains("size is negative"));
    CHECK_THAT(with(124, std::string("\x81\0\0\0\0\0\0\0\0\0\0\0", 12)), Catch::Contains("out of range"));
    CHECK_THAT(with(124, std::string("\x80\0\0\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 12)),
               Catch::Contains("out of range") || Catch::Contains("claims"));
    CHECK_THAT(with(257, std::string(8, '\0')), Catch::Contains("neither POSIX nor GNU"));
    CHECK_THAT(read("d.tar.bz2",
                    bzip2(TarWriter().add({.name = "f", .tamper_late = [](TarBlock& h) { h[150] ^= 1; }}).finish())),
               Catch::Contains("wrong checksum"));
}

TEST_CASE("an entry that claims 8 TiB is refused at its header") {
    TarWriter tar;
    tar.file("before").add({.name = "huge", .tamper = [](TarBlock& h) {
                                h.replace(124, 12, std::string("\x80\0\0\0\0\0\x08\0\0\0\0\0", 12));
                            }});
    CHECK_THAT(read("d.tar.bz2", bzip2(tar.finish())),
               Catch::Contains("entry 'huge'") && Catch::Contains("claims 8796093022208 bytes"));
    CHECK_THAT(read("d.conda", as_conda(zstd(tar.finish()))), Catch::Contains("claims 8796093022208 bytes"));
    TarWriter pax;
    pax.pax({{"size", "8796093022208"}}).file("huge", "x");
    CHECK_THAT(read("d.tar.bz2", bzip2(pax.finish())), Catch::Contains("claims 8796093022208 bytes"));
}

TEST_CASE("bombs are stopped at the cap") {
    // As many zeros as make a file of the claimed size, many times what such a small archive may hold.
    constexpr std::size_t kSize = std::size_t{256} << 20;
    TarWriter head;
    head.add({.name = "zeros", .claimed_size = kSize});
    const std::string tar = head.unfinished() + std::string(kSize, '\0') + std::string(1024, '\0');
    const std::string zs = zstd(tar);
    REQUIRE(zs.size() < 50'000);
    CHECK_THAT(read("d.conda", as_conda(zs)), Catch::Contains("more than the archive can hold"));

    // The same without telling: an extension of the stream after a small file.
    const std::string after = TarWriter().file("a").finish() + std::string(kSize, '\0');
    CHECK_THAT(read("d.conda", as_conda(zstd(after))), Catch::Contains("unpacks to more than"));
    const std::string bz = bzip2(after);
    CHECK_THAT(read("d.tar.bz2", bz), Catch::Contains("unpacks to more than"));

    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    ArchiveLimits tight;
    tight.free_unpacked = 1 << 20;
    tight.max_ratio = 1;
    CHECK_THAT(read("d.tar.bz2", bz, tight), Catch::Contains("unpacks to more than 1048576 bytes"));
    rusage later{};
    getrusage(RUSAGE_SELF, &later);
    CHECK(later.ru_maxrss - usage.ru_maxrss < 16 << 10);  // kB: nothing was held whole
}

TEST_CASE("millions of empty entries are stopped at the cap") {
    TarWriter tar;
    for (int i = 0; i < 20'000; ++i) tar.file("e" + std::to_string(i), "");
    CHECK(read("d.conda", as_conda(zstd(tar.finish()))).empty());
    ArchiveLimits limits;
    CHECK(limits.max_entries <= 500'000);
    limits.max_entries = 1000;
    CHECK_THAT(read("d.conda", as_conda(zstd(tar.finish())), limits), Catch::Contains("more than 1000 entries"));
}

TEST_CASE("chains of extension headers end") {
    TarWriter tar;
    for (int i = 0; i < 100'000; ++i) tar.pax({{"comment", "x"}}, 'g');
    tar.file("a");
    CHECK_THAT(read("d.conda", as_conda(zstd(tar.finish()))), Catch::Contains("unpacks to more than"));
}

TEST_CASE("data that is damaged within is refused") {
    std::string bz = bzip2(sample());
    bz[bz.size() / 2] ^= 0x10;
    CHECK_THAT(read("d.tar.bz2", bz), Catch::Contains("bzip2 data is damaged"));
    CHECK_THAT(read("d.tar.bz2", "not bzip2"), Catch::Contains("is not bzip2 data"));
    CHECK_THAT(read("d.conda", as_conda("not zstd")), Catch::Contains("is not zstd data"));
}
