#include "base/zip_directory.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/wheel_writer.hpp"

using namespace envbuild;
using testing::make_zip;

namespace {

class MemoryBytes final : public RandomBytes {
  public:
    explicit MemoryBytes(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) override {
        if (offset > bytes_.size() || size > bytes_.size() - offset) throw std::logic_error("read past the end");
        return bytes_.substr(offset, size);
    }

  private:
    std::string bytes_;
};

// What the member holds, or why not.
std::string member(const std::string& zip, std::string_view name, std::uint64_t limit = 1 << 20) {
    MemoryBytes bytes(zip);
    try {
        const auto directory = ZipDirectory::read(bytes, "x.whl");
        const auto* found = directory.find(name);
        return found == nullptr ? "absent" : directory.unpack(bytes, *found, limit);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        return error.message();
    }
}

}  // namespace

TEST_CASE("a member is found in the directory and unpacked") {
    const std::string zip = make_zip({{.name = "a/b.txt", .bytes = "stored", .deflated = false},
                                      {.name = "c.txt", .bytes = std::string(100'000, 'x')},
                                      {.name = "empty", .bytes = ""}});
    CHECK(member(zip, "a/b.txt") == "stored");
    CHECK(member(zip, "c.txt") == std::string(100'000, 'x'));
    CHECK(member(zip, "empty").empty());
    CHECK(member(zip, "d") == "absent");
    MemoryBytes bytes(zip);
    const auto directory = ZipDirectory::read(bytes, "x.whl");
    REQUIRE(directory.members().size() == 3);
    CHECK(directory.members()[0].attributes >> 16 == 0100644);
}

TEST_CASE("comments, zip64 records and empty archives are read") {
    CHECK(member(make_zip({{.name = "a", .bytes = "x"}}, {.comment = "PK\x05\x06 is no end"}), "a") == "x");
    CHECK(member(make_zip({{.name = "a", .bytes = "x"}}, {.zip64 = true}), "a") == "x");
    CHECK(member(make_zip({}), "a") == "absent");
}

TEST_CASE("an archive that was cut off or damaged anywhere is refused, and nothing past its end is read") {
    const std::string zip = make_zip({{.name = "a", .bytes = "some text, some text"}, {.name = "b", .bytes = "more"}});
    for (std::size_t n = 0; n < zip.size(); ++n) {
        INFO(n);
        CHECK(member(zip.substr(0, n), "a").find("x.whl: the zip archive ") == 0);
    }
    for (std::size_t at = 0; at < zip.size(); ++at) {
        for (const int bit : {0, 3, 7}) {
            std::string damaged = zip;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            INFO(at << " " << bit);
            // Times, modes and versions may change; the text never does unseen.
            const std::string text = member(damaged, "a");
            CHECK((text == "some text, some text" || text == "absent" || text.find("x.whl: ") == 0));
        }
    }
}

TEST_CASE("lies of an archive are refused") {
    CHECK(member(make_zip({{.name = "a", .bytes = "x"}, {.name = "a", .bytes = "y"}}), "a") ==
          "x.whl: the zip archive holds 'a' twice");
    CHECK(member(make_zip({{.name = "a", .bytes = "x", .flags = 1}}), "a") ==
          "x.whl: the zip archive holds 'a' encrypted");
    CHECK(member(make_zip({{.name = "a", .bytes = "x", .local_name = "b"}}), "a") ==
          "x.whl: the zip archive has a local header for 'a' that contradicts the directory");
    CHECK(member(make_zip({{.name = "a", .bytes = "x", .crc = 1}}), "a") == "x.whl: the zip archive holds 'a' damaged");
    CHECK(member(make_zip({{.name = "a", .bytes = std::string(5000, 'x'), .size = 4999}}), "a") ==
          "x.whl: the zip archive holds 'a' damaged");
    CHECK(member(make_zip({{.name = "a", .bytes = "x", .deflated = false, .size = 2}}), "a") ==
          "x.whl: the zip archive holds 'a' damaged");
    CHECK(member(make_zip({{.name = "\xff\n", .bytes = "x"}}), "a") ==
          "x.whl: the zip archive holds a name that is not UTF-8: '?"
          "?'");
    CHECK(member("<html>" + std::string(1000, ' '), "a") ==
          "x.whl: the zip archive has no valid end record: it is no zip file, or was cut off");
    CHECK(member("junk" + make_zip({{.name = "a", .bytes = "x"}}), "a").find("no valid end record") !=
          std::string::npos);
}

TEST_CASE("a member that would unpack to more than is allowed is not unpacked") {
    const std::string bomb = make_zip({{.name = "a", .bytes = std::string(2 << 20, '\0')}});
    CHECK(bomb.size() < 4000);
    CHECK(member(bomb, "a") == "x.whl: the zip archive holds 'a' with 2.1 MB, more than 1.0 MB");
    // One that lies about it gives no more than it says.
    CHECK(member(make_zip({{.name = "a", .bytes = std::string(2 << 20, '\0'), .size = 10}}), "a") ==
          "x.whl: the zip archive holds 'a' damaged");
}
