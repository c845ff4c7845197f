#include "oci/blob.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "oci/manifest.hpp"

using namespace envbuild;
using namespace envbuild::oci;

namespace {

Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error came");
}

std::string verified(const std::string& content, const Descriptor& expected) {
    VerifyingReader reader(bytes_source(content)->open(), expected, "the layer");
    return read_all(reader, 1 << 20);
}

}  // namespace

TEST_CASE("a verifying reader passes what is right", "[oci]") {
    const std::string content(100000, 'x');
    CHECK(verified(content, describe("t", content)) == content);
    CHECK(verified("", describe("t", "")).empty());
}

TEST_CASE("a verifying reader tells short, long and other content before the end", "[oci]") {
    const auto expected = describe("t", "content");
    CHECK_THAT(error_of([&] { (void)verified("conten", expected); }).message(),
               Catch::Contains("ended after 6 of 7 bytes"));
    CHECK_THAT(error_of([&] { (void)verified("contents", expected); }).message(),
               Catch::Contains("longer than the 7 bytes"));
    CHECK_THAT(error_of([&] { (void)verified("Content", expected); }).message(),
               Catch::Contains(expected.digest.to_string()));
    CHECK(error_of([&] { (void)verified("Content", expected); }).kind() == ErrorKind::Corrupt);
}

TEST_CASE("a source opens again and again", "[oci]") {
    const TempDir folder("blob");
    write_file_atomic(folder.path() / "f", "file");
    for (const auto& source : {bytes_source("file"), file_source(folder.path() / "f")}) {
        CHECK(read_all(*source->open(), 100) == "file");
        CHECK(read_all(*source->open(), 100) == "file");
        CHECK(error_of([&] { (void)read_all(*source->open(), 3); }).kind() == ErrorKind::Corrupt);
    }
    CHECK(error_of([&] { (void)file_source(folder.path() / "absent")->open(); }).kind() == ErrorKind::NotFound);
}
