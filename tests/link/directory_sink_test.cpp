#include "link/directory_sink.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/parallel.hpp"

using namespace envbuild;
using namespace envbuild::link;

namespace {

void put(DirectorySink& sink, const std::string& path, const std::string& text, std::uint32_t mode = 0644) {
    conda::StringReader reader(text);
    sink.file(path, mode, 1000, text.size(), reader);
}

struct stat stat_of(const fs::path& path) {
    struct stat result{};
    REQUIRE(::lstat(path.c_str(), &result) == 0);
    return result;
}

}  // namespace

TEST_CASE("entries are written with their modes and times, whatever the umask") {
    const TempDir temp("sink");
    const auto old = ::umask(077);
    DirectorySink sink(temp.path() / "a/b");
    sink.directory("lib", 0755, 500);
    sink.directory("lib", 0755, 500);
    put(sink, "lib/x", "text", 0755);
    sink.symlink("lib/s", "/nowhere", 1000);
    sink.hardlink("lib/h", "lib/x");
    put(sink, "top", "");
    sink.finish();
    ::umask(old);
    const auto root = temp.path() / "a/b";
    CHECK(read_file(root / "lib/x") == "text");
    CHECK((stat_of(root / "lib/x").st_mode & 07777) == 0755);
    CHECK(stat_of(root / "lib/x").st_mtim.tv_sec == 1000);
    CHECK(stat_of(root / "lib/x").st_ino == stat_of(root / "lib/h").st_ino);
    CHECK(fs::read_symlink(root / "lib/s") == "/nowhere");
    CHECK(stat_of(root / "lib/s").st_mtim.tv_sec == 1000);
    CHECK((stat_of(root / "lib").st_mode & 07777) == 0755);
    CHECK(stat_of(root / "lib").st_mtim.tv_sec == 500);
    CHECK(stat_of(root).st_mtim.tv_sec == 500);
    CHECK(stat_of(root / "top").st_size == 0);
}

TEST_CASE("nothing is written through a symlink, out of the root, or over what is there") {
    const TempDir temp("sink");
    fs::create_directories(temp.path() / "outside");
    fs::create_directories(temp.path() / "root/real");
    fs::create_directory_symlink(temp.path() / "outside", temp.path() / "root/out");
    fs::create_symlink(temp.path() / "outside/target", temp.path() / "root/link");
    DirectorySink sink(temp.path() / "root");
    CHECK_THROWS_WITH(put(sink, "out/x", "x"), Catch::Contains("out: cannot open the folder"));
    CHECK_THROWS_AS(sink.directory("out", 0755, 1), Error);
    CHECK_THROWS_AS(sink.directory("out/deeper", 0755, 1), Error);
    CHECK_THROWS_AS(sink.symlink("out/s", "x", 1), Error);
    CHECK_THROWS_WITH(put(sink, "link", "x"), Catch::Contains("link: cannot make the file"));
    put(sink, "real/x", "1");
    CHECK_THROWS_WITH(put(sink, "real/x", "2"), Catch::Contains("real/x: cannot make the file"));
    CHECK_THROWS_AS(sink.hardlink("real/h", "out/x"), Error);
    for (const char* bad : {"../x", "/x", "a/../../x", "", "a//b", "."}) {
        CAPTURE(bad);
        try {
            put(sink, bad, "x");
            FAIL("written");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Bug);
        }
    }
    CHECK(fs::is_empty(temp.path() / "outside"));
    CHECK(read_file(temp.path() / "root/real/x") == "1");
}

TEST_CASE("content of another size than was told is a bug that is found") {
    const TempDir temp("sink");
    DirectorySink sink(temp.path() / "root");
    conda::StringReader reader("four");
    CHECK_THROWS_AS(sink.file("x", 0644, 0, 5, reader), Error);
}

TEST_CASE("several threads write into the same folders") {
    const TempDir temp("sink");
    DirectorySink sink(temp.path() / "root");
    parallel_for(8, 8, [&](std::size_t thread) {
        for (int i = 0; i < 200; ++i) {
            const std::string folder = "d" + std::to_string(i);
            sink.directory(folder, 0755, 7);
            sink.directory(folder + "/sub", 0755, 7);
            put(sink, folder + "/sub/" + std::to_string(thread), "x");
        }
    });
    sink.finish();
    for (int i = 0; i < 200; ++i) {
        const auto folder = temp.path() / "root" / ("d" + std::to_string(i)) / "sub";
        CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 8);
        CHECK(stat_of(folder).st_mtim.tv_sec == 7);
    }
}
