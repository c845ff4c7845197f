// The .conda container: only what conda's own tools write is taken.
#include <catch2/catch.hpp>

#include "conda/archive.hpp"
#include "support/conda_package_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::testing;

namespace {

const std::string kMetadata = R"({"conda_pkg_format_version": 2})";

std::string payload() {
    return zstd(TarWriter().file("a").finish());
}
std::string info() {
    return zstd(TarWriter().file("info/index.json", "{}").finish());
}
ZipWriter good() {
    return ZipWriter()
        .add("metadata.json", kMetadata)
        .add("pkg-d-1-0.tar.zst", payload())
        .add("info-d-1-0.tar.zst", info());
}

std::string open(const std::string& bytes) {
    try {
        const auto archive = CondaArchive::open("d-1-0.conda", ArchiveSource::from_bytes(bytes));
        (void)archive.visit(CondaArchive::Part::All, [](const auto&, auto&) { return true; });
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.message(), Catch::StartsWith("package d-1-0.conda: "));
        return error.message();
    }
    return "accepted";
}

// A good container whose payload member has a fault.
std::string with(ZipMember member) {
    member.name = member.name.empty() ? "pkg-d-1-0.tar.zst" : member.name;
    member.data = member.data.empty() ? payload() : member.data;
    return open(
        ZipWriter().add("metadata.json", kMetadata).add(std::move(member)).add("info-d-1-0.tar.zst", info()).finish());
}

auto set(std::size_t at, std::uint64_t value, int width) {
    return [=](std::string& header) {
        header.replace(at, static_cast<std::size_t>(width), ZipWriter::number(value, width));
    };
}

}  // namespace

TEST_CASE("a good container is taken, its members in any order") {
    CHECK(open(good().finish()) == "accepted");
    CHECK(open(ZipWriter()
                   .add("info-d-1-0.tar.zst", info())
                   .add("pkg-d-1-0.tar.zst", payload())
                   .add("metadata.json", kMetadata)
                   .finish()) == "accepted");
}

TEST_CASE("members: one metadata.json, one pkg-, one info-, and nothing else") {
    CHECK_THAT(open(good().add("extra.txt", "x").finish()), Catch::Contains("4 members"));
    CHECK_THAT(open(good().add("pkg-other.tar.zst", payload()).finish()), Catch::Contains("4 members"));
    CHECK_THAT(open(ZipWriter().add("metadata.json", kMetadata).add("pkg-d-1-0.tar.zst", payload()).finish()),
               Catch::Contains("2 members"));
    const auto replaced = [](const std::string& name) {
        return open(
            ZipWriter().add("metadata.json", kMetadata).add("pkg-d-1-0.tar.zst", payload()).add(name, info()).finish());
    };
    for (const char* name : {"pkg-e-1-0.tar.zst", "extra.txt", "metadata.json", "x/info-d-1-0.tar.zst",
                             "info-d/1-0.tar.zst", "../info-d-1-0.tar.zst", "info-.tar.zst", "info-d-1-0.tar.bz2"}) {
        CAPTURE(name);
        CHECK_THAT(replaced(name), Catch::Contains("does not belong there") || Catch::Contains("metadata.json"));
    }
    CHECK_THAT(replaced("info-e-1-0.tar.zst"), Catch::Contains("different names"));
}

TEST_CASE("metadata.json says version 2") {
    const auto metadata = [](const std::string& text) {
        return open(ZipWriter()
                        .add("metadata.json", text)
                        .add("pkg-d-1-0.tar.zst", payload())
                        .add("info-d-1-0.tar.zst", info())
                        .finish());
    };
    CHECK_THAT(metadata(R"({"conda_pkg_format_version": 1})"), Catch::Contains("format version 1"));
    CHECK_THAT(metadata(R"({"conda_pkg_format_version": 3})"), Catch::Contains("format version 3"));
    CHECK_THAT(metadata(R"({"conda_pkg_format_version": "2"})"), Catch::Contains("without conda_pkg_format_version"));
    CHECK_THAT(metadata("{}"), Catch::Contains("without conda_pkg_format_version"));
    CHECK_THAT(metadata("[2]"), Catch::Contains("no JSON object"));
    CHECK_THAT(metadata("{"), Catch::Contains("no JSON object"));
    CHECK_THAT(metadata(std::string(5000, ' ')), Catch::Contains("too long"));
}

TEST_CASE("a local header that contradicts the directory is refused") {
    CHECK_THAT(with({.tamper_local = set(18, 5, 4)}), Catch::Contains("contradicts"));
    CHECK_THAT(with({.tamper_local = set(22, 5, 4)}), Catch::Contains("contradicts"));
    CHECK_THAT(with({.tamper_local = set(14, 5, 4)}), Catch::Contains("contradicts"));
    CHECK_THAT(with({.tamper_local = set(8, 8, 2)}), Catch::Contains("contradicts"));
    CHECK_THAT(with({.tamper_local = set(0, 5, 4)}), Catch::Contains("no local header"));
    CHECK_THAT(with({.tamper_central = set(24, 5, 4)}), Catch::Contains("contradicts"));
    std::string renamed = good().finish();
    renamed.replace(renamed.find("pkg-d"), 5, "pkg-e");
    CHECK_THAT(open(renamed), Catch::Contains("contradicts"));
}

TEST_CASE("a stored size that is not the real one is refused") {
    const auto resize = [](int by) {
        const auto size = static_cast<std::uint64_t>(static_cast<int>(payload().size()) + by);
        return with({.tamper_local =
                         [=](std::string& h) {
                             set(18, size, 4)(h);
                             set(22, size, 4)(h);
                         },
                     .tamper_central =
                         [=](std::string& h) {
                             set(20, size, 4)(h);
                             set(24, size, 4)(h);
                         }});
    };
    CHECK_THAT(resize(-1), Catch::Contains("gap or an overlap"));
    CHECK_THAT(resize(1), Catch::Contains("gap or an overlap"));
    CHECK_THAT(resize(1 << 30), Catch::Contains("which it has not"));
    CHECK_THAT(open(good().finish("gap")), Catch::Contains("gap before its directory"));
    CHECK_THAT(open("prefix" + good().finish()), Catch::Contains("no valid end record"));
}

TEST_CASE("compressed members, data descriptors, encryption and spanning are refused") {
    const auto both = [](std::size_t local, std::size_t central, std::uint64_t value) {
        return with({.tamper_local = set(local, value, 2), .tamper_central = set(central, value, 2)});
    };
    CHECK_THAT(both(8, 10, 8), Catch::Contains("compressed"));
    CHECK_THAT(both(6, 8, 8), Catch::Contains("data descriptor"));
    CHECK_THAT(both(6, 8, 1), Catch::Contains("unknown flags"));
    CHECK_THAT(with({.tamper_central = set(34, 1, 2)}), Catch::Contains("several disks"));
    CHECK(both(6, 8, 0x800) == "accepted");
}

TEST_CASE("zip64 fields, as Python writes them for what may become large") {
    const std::string size = ZipWriter::number(payload().size(), 8);
    const std::string extra = ZipWriter::number(1, 2) + ZipWriter::number(16, 2) + size + size;
    const auto ones = [](std::size_t at) {
        return [at](std::string& header) { header.replace(at, 8, std::string(8, '\xff')); };
    };
    CHECK(with({.tamper_local = ones(18), .extra_local = extra}) == "accepted");
    CHECK(with({.tamper_local = ones(18), .tamper_central = ones(20), .extra_local = extra, .extra_central = extra}) ==
          "accepted");
    CHECK_THAT(with({.tamper_local = ones(18)}), Catch::Contains("lacks a zip64 field"));
    CHECK_THAT(with({.tamper_local = ones(18), .extra_local = extra + extra}), Catch::Contains("repeated zip64"));
    CHECK_THAT(with({.tamper_local = ones(18), .extra_local = ZipWriter::number(1, 2) + ZipWriter::number(99, 2)}),
               Catch::Contains("damaged extra"));
    CHECK_THAT(
        with({.tamper_local = ones(18), .extra_local = ZipWriter::number(1, 2) + ZipWriter::number(8, 2) + size}),
        Catch::Contains("too short"));
}

TEST_CASE("what is no zip file, or was cut off, is refused") {
    CHECK_THAT(open(""), Catch::Contains("too short"));
    CHECK_THAT(open(std::string(100, 'x')), Catch::Contains("no valid end record"));
    const std::string bytes = good().finish();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        CHECK(open(bytes.substr(0, size)) != "accepted");
    }
}
