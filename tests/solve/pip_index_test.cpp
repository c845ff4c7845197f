#include "solve/pip_index.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "support/wheel_writer.hpp"

using namespace envbuild;

TEST_CASE("pip: what is known of a file is known of its URL, name and hash together") {
    const TempDir folder("pip-index");
    HttpClient client{{}, CancelToken()};
    const Downloader wheels{client, folder.path() / "wheels", silent_reporter()};
    pypi::PackageIndex index(client, {.indexes = {}, .find_links = {}, .cache_directory = folder.path()},
                             silent_reporter());
    const pypi::MetadataSource source{client, wheels, folder.path() / "metadata", silent_reporter()};
    solve::PipIndex provider(index, source);

    const auto path = folder.path() / "file";
    write_file_atomic(path, testing::make_wheel("foo", "1.0"));
    const auto ask = [&](const std::string& filename) {
        pypi::IndexFile file;
        file.filename = filename;
        file.url = Url::from_path(path.string());
        return provider.metadata(file, value_or_throw(pypi::WheelName::parse(filename)));
    };
    // An index that has the wrong URL for bar leaves foo as it is.
    CHECK_FALSE(ask("bar-1.0-py3-none-any.whl"));
    const auto foo = ask("foo-1.0-py3-none-any.whl");
    REQUIRE(foo);
    CHECK(foo->name == "foo");
    // It is asked for once.
    fs::remove(path);
    CHECK(ask("foo-1.0-py3-none-any.whl"));
}
