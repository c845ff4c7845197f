#include "spec/inside_link.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "spec/source_access.hpp"

using namespace envbuild;
using namespace envbuild::spec;

namespace {

// A definition's folder with links of every kind, beside a file that is none of its.
struct Folder {
    TempDir home{"links"};
    fs::path root = home.path() / "own";

    Folder() {
        fs::create_directories(root / "sub");
        write_file_atomic(home.path() / "outside.yml", "outside");
        write_file_atomic(root / "file.yml", "inside");
        fs::create_symlink("file.yml", root / "within.yml");
        fs::create_symlink("../outside.yml", root / "out.yml");
        fs::create_symlink("out.yml", root / "chain.yml");
        fs::create_directory_symlink("..", root / "up");
    }

    [[nodiscard]] std::string refusal(const fs::path& path) const {
        try {
            refuse_link_out(path, root);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::InvalidInput);
            return error.message();
        }
        return "taken";
    }
};

}  // namespace

TEST_CASE("links that lead out of a definition's folder are refused, those that stay are followed") {
    const Folder folder;
    for (const auto* name : {"out.yml", "chain.yml", "up/outside.yml"}) {
        INFO(name);
        CHECK_THAT(folder.refusal(folder.root / name), Catch::Contains("leads out of the definition's folder"));
        CHECK_FALSE(lies_inside(folder.root / name, folder.root));
        CHECK_THROWS_AS(SourcesWithin(folder.root).read_text(folder.root / name), Error);
        CHECK_THROWS_AS(SourcesWithin(folder.root).digest_source(folder.root / name), Error);
    }
    for (const auto* name : {"file.yml", "within.yml", "sub/../file.yml", "up/own/file.yml"}) {
        INFO(name);
        CHECK(folder.refusal(folder.root / name) == "taken");
        CHECK(SourcesWithin(folder.root).read_text(folder.root / name) == "inside");
    }
    // What is written as a path out of it says so itself.
    CHECK(folder.refusal(folder.root / "../outside.yml") == "taken");
    CHECK(folder.refusal(folder.home.path() / "outside.yml") == "taken");
    // The folder itself may be reached by a link.
    fs::create_directory_symlink(folder.root, folder.home.path() / "link");
    CHECK_NOTHROW(refuse_link_out(folder.home.path() / "link/file.yml", folder.home.path() / "link"));
}
