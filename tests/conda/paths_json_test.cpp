#include "conda/paths_json.hpp"

#include <catch2/catch.hpp>

#include "conda/archive_info.hpp"
#include "conda/index_json.hpp"
#include "support/conda_package_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::testing;

namespace {

Expected<PathsJson> parse(const std::string& entries) {
    return PathsJson::parse(R"({"paths_version": 1, "paths": [)" + entries + "]}");
}

std::string complaint(const std::string& entries) {
    const auto result = parse(entries);
    if (result) return "accepted";
    CHECK(result.error().kind() == ErrorKind::Corrupt);
    return result.error().message();
}

template <class T>
std::string message(const Expected<T>& result) {
    return result ? "accepted" : result.error().message();
}

PackageInfo info_of(const PackageWriter& package) {
    return read_package_info(CondaArchive::open(package.dist() + ".conda", ArchiveSource::from_bytes(package.conda())));
}

}  // namespace

TEST_CASE("paths.json, every field") {
    const auto paths =
        parse(R"({"_path": "bin/x", "path_type": "hardlink", "sha256": ")" + std::string(64, 'a') +
              R"(", "size_in_bytes": 12, "prefix_placeholder": "/opt/place", "file_mode": "binary", "no_link": true},
           {"_path": "lib/s", "path_type": "softlink", "sha256": null},
           {"_path": "share/empty", "path_type": "directory"})");
    REQUIRE(paths);
    REQUIRE(paths->paths.size() == 3);
    const PathRecord& x = paths->paths[0];
    CHECK(x.path == "bin/x");
    CHECK(x.type == PathType::Hardlink);
    CHECK(x.sha256->hex() == std::string(64, 'a'));
    CHECK(x.size == 12U);
    CHECK(x.prefix_placeholder == "/opt/place");
    CHECK(x.file_mode == FileMode::Binary);
    CHECK(x.no_link);
    CHECK(paths->paths[1].type == PathType::Softlink);
    CHECK_FALSE(paths->paths[1].sha256);
    CHECK(paths->paths[2].type == PathType::Directory);
    CHECK_FALSE(paths->legacy);
}

TEST_CASE("paths.json that lies or is damaged is refused with the entry") {
    CHECK_THAT(message(PathsJson::parse("{")), Catch::Contains("info/paths.json"));
    CHECK_THAT(message(PathsJson::parse("[]")), Catch::Contains("no JSON object"));
    CHECK_THAT(message(PathsJson::parse(R"({"paths": [], "paths_version": 2})")), Catch::Contains("paths_version"));
    CHECK_THAT(message(PathsJson::parse(R"({"paths_version": 1})")), Catch::Contains("no list"));
    CHECK_THAT(complaint("7"), Catch::Contains("not an object"));
    CHECK_THAT(complaint(R"({"path_type": "hardlink"})"), Catch::Contains("no _path"));
    CHECK_THAT(complaint(R"({"_path": "a"})"), Catch::Contains("no path_type"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "fifo"})"), Catch::Contains("unknown path_type"));
    CHECK_THAT(complaint(R"({"_path": "../x", "path_type": "hardlink"})"),
               Catch::Contains("'../x'") && Catch::Contains("climbs"));
    CHECK_THAT(complaint(R"({"_path": "/x", "path_type": "hardlink"})"), Catch::Contains("absolute"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "hardlink", "sha256": "zz"})"), Catch::Contains("hex digits"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "hardlink", "size_in_bytes": -1})"),
               Catch::Contains("no size"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "hardlink", "file_mode": "ebcdic"})"),
               Catch::Contains("file_mode"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "hardlink", "prefix_placeholder": "a"})"),
               Catch::Contains("no absolute path"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "hardlink", "prefix_placeholder": "/"})"),
               Catch::Contains("no absolute path"));
    CHECK_THAT(complaint(R"({"_path": "a", "path_type": "hardlink", "no_link": 1})"), Catch::Contains("no_link"));
    const std::string twice = R"({"_path": "a", "path_type": "hardlink"})";
    CHECK_THAT(complaint(twice + "," + twice), Catch::Contains("named twice"));
}

TEST_CASE("info/files, has_prefix and no_link stand in for paths.json") {
    const auto paths = PathsJson::from_legacy(
        "bin/a\nlib/with space\nlib/c\r\n\nbin/d\n",
        "bin/a\n\"/long/placeholder\" binary \"lib/with space\"\n/other text lib/c\n", "bin/d\nmissing\n");
    REQUIRE(paths);
    CHECK(paths->legacy);
    REQUIRE(paths->paths.size() == 4);
    CHECK(paths->paths[0].prefix_placeholder == "/opt/anaconda1anaconda2anaconda3");
    CHECK(paths->paths[0].file_mode == FileMode::Text);
    CHECK(paths->paths[1].path == "lib/with space");
    CHECK(paths->paths[1].prefix_placeholder == "/long/placeholder");
    CHECK(paths->paths[1].file_mode == FileMode::Binary);
    CHECK(paths->paths[2].prefix_placeholder == "/other");
    CHECK(paths->paths[3].no_link);
    CHECK_THAT(message(PathsJson::from_legacy("../x", "", "")), Catch::Contains("climbs"));
    CHECK_THAT(message(PathsJson::from_legacy("x\nx", "", "")), Catch::Contains("twice"));
    CHECK_THAT(message(PathsJson::from_legacy("x", "y", "")), Catch::Contains("not in info/files"));
    CHECK_THAT(message(PathsJson::from_legacy("x", "/p ascii x", "")), Catch::Contains("placeholder mode path"));
    CHECK_THAT(message(PathsJson::from_legacy("x", "\"/p text x", "")), Catch::Contains("does not end"));
}

TEST_CASE("index.json says who a package is") {
    const auto index = IndexJson::parse(
        R"({"name": "x", "version": "1!2.0+local", "build": "py311_0", "build_number": 3, "noarch": "python",
                                            "python_site_packages_path": "lib/python3.13t/site-packages", "depends": ["y"]})");
    REQUIRE(index);
    CHECK(index->version == "1!2.0+local");
    CHECK(index->build_number == 3);
    CHECK(index->noarch == "python");
    CHECK(index->python_site_packages_path == "lib/python3.13t/site-packages");
    CHECK(index->document["depends"].as_array().size() == 1);
    CHECK(IndexJson::parse(R"({"name": "x", "version": "1", "build": "0", "noarch": true})")->noarch == "generic");
    CHECK_THAT(message(IndexJson::parse(R"({"name": "x", "version": "1"})")), Catch::Contains("no build"));
    CHECK_THAT(message(IndexJson::parse(R"({"name": "x", "version": 1, "build": "0"})")),
               Catch::Contains("no version"));
    CHECK_THAT(message(IndexJson::parse(R"({"name": "x", "version": "1", "build": "../../x"})")),
               Catch::Contains("file name"));
    CHECK_THAT(message(IndexJson::parse(R"({"name": "x/y", "version": "1", "build": "0"})")),
               Catch::Contains("file name"));
    CHECK_THAT(message(IndexJson::parse(R"({"name": "x", "version": "1", "build": "0", "noarch": "ruby"})")),
               Catch::Contains("noarch"));
    CHECK_THAT(message(IndexJson::parse(
                   R"({"name": "x", "version": "1", "build": "0", "python_site_packages_path": "../x"})")),
               Catch::Contains("climbs"));
    CHECK_THAT(message(IndexJson::parse("nonsense")), Catch::Contains("index.json"));
}

TEST_CASE("entry points, good and hostile") {
    const auto point = EntryPoint::parse("f2py = numpy.f2py.f2py2e:main.inner [extra]");
    REQUIRE(point);
    CHECK(*point == EntryPoint{"f2py", "numpy.f2py.f2py2e", "main.inner"});
    CHECK(EntryPoint::parse("x-y.z=a:b")->command == "x-y.z");
    for (const char* bad :
         {"../x = m:f", "a/b = m:f", ".. = m:f", " = m:f", "x = m", "x", "x = :f", "x = m:", "x = m;import os:f",
          "x = m:f()", "x = m:f\nimport os", "x\ny = m:f", ".wh.x = m:f", "a b = m:f", "x = 1m:f", "x = m..n:f"}) {
        CAPTURE(bad);
        CHECK_THAT(message(EntryPoint::parse(bad)), Catch::Contains("entry point"));
    }
    const auto link = LinkJson::parse(
        R"({"noarch": {"type": "python", "entry_points": ["a = m:f", "b = m:g"]}, "package_metadata_version": 1})");
    REQUIRE(link);
    CHECK(link->noarch == "python");
    CHECK(link->entry_points.size() == 2);
    CHECK_THAT(message(LinkJson::parse(R"({"noarch": {"type": "python", "entry_points": ["a = m:f", "a = m:g"]}})")),
               Catch::Contains("twice"));
    CHECK_THAT(message(LinkJson::parse(R"({"package_metadata_version": 9})")),
               Catch::Contains("package_metadata_version"));
    CHECK_THAT(message(LinkJson::parse(R"({"noarch": {"type": "python", "entry_points": "a"}})")),
               Catch::Contains("no list"));
}

TEST_CASE("a package's info is read in one pass and held against its record") {
    PackageWriter package;
    package.file("bin/x", "x");
    package.noarch = "python";
    package.entry_points = {"x = m:f"};
    const PackageInfo info = info_of(package);
    CHECK(info.is_noarch_python());
    CHECK(info.paths.paths.size() == 1);
    CHECK(info.link.entry_points.size() == 1);
    CHECK_NOTHROW(check_identity(info, "f", "demo", "1.0", "0"));
    CHECK_THROWS_WITH(check_identity(info, "f", "other", "1.0", "0"),
                      Catch::Contains("the name demo") && Catch::Contains("promised other"));
    CHECK_THROWS_WITH(check_identity(info, "f", "demo", "1.1", "0"), Catch::Contains("the version 1.0"));
    CHECK_THROWS_WITH(check_identity(info, "f", "demo", "1.0", "1"), Catch::Contains("the build 0"));

    const auto bare = [](const TarWriter& tar) {
        return read_package_info(CondaArchive::open("d.tar.bz2", ArchiveSource::from_bytes(bzip2(tar.finish()))));
    };
    CHECK_THROWS_WITH(bare(TarWriter().file("a")),
                      Catch::Contains("d.tar.bz2") && Catch::Contains("no info/index.json"));
    const std::string index = R"({"name": "d", "version": "1", "build": "0"})";
    CHECK_THROWS_WITH(bare(TarWriter().file("info/index.json", index)),
                      Catch::Contains("neither info/paths.json nor info/files"));
    CHECK_THROWS_WITH(bare(TarWriter().file("a").symlink("info/index.json", "../a")),
                      Catch::Contains("not a regular file"));
    CHECK(bare(TarWriter().file("info/index.json", index).file("info/files", "a\n")).paths.legacy);
}
