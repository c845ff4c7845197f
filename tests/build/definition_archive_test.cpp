// Definitions as archives: the same content gives the same bytes, and nothing leads out of a folder.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "build/names_support.hpp"
#include "layer/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;
using envbuild::layer::TarEntry;

namespace {

std::string tar_of(const std::vector<std::pair<TarEntry, std::string>>& entries) {
    std::string bytes;
    layer::TarWriter tar([&](std::string_view part) { bytes += part; });
    for (auto [entry, data] : entries) {
        entry.size = data.size();
        tar.add(entry, data);
    }
    tar.finish();
    return bytes;
}

TarEntry entry(const std::string& path, TarEntry::Type type = TarEntry::Type::File, const std::string& link = "") {
    return {.path = path, .type = type, .link_target = link};
}

void unpack(const std::string& bytes, const fs::path& directory) {
    unpack_definition(*oci::bytes_source(bytes)->open(), directory);
}

}  // namespace

TEST_CASE("archives of definitions: what a registration says itself is not content") {
    const Folder one;
    const auto digest = one.digest();
    const Folder same;
    same.write("azureml_environment.json",
               R"({"python": {"condaDependenciesFile": "conda_dependencies.yml"},
                   "environmentVariables": {"A": "one"}, "name": "other", "version": "7", "description": "d",
                   "tags": {"a": "b"}, "assetId": "azureml://x"})");
    CHECK(same.digest() == digest);
    CHECK(Folder("two").digest() != digest);
    const Folder file;
    file.write("conda_dependencies.yml", "dependencies: [python=3.12]\n");
    CHECK(file.digest() != digest);
    const Folder executable;
    executable.write("setup.sh", "x", 0755);
    const Folder plain;
    plain.write("setup.sh", "x", 0600);
    CHECK(executable.digest() != plain.digest());
    const Folder readable;
    readable.write("setup.sh", "x", 0664);
    CHECK(readable.digest() == plain.digest());
    const Folder folder;
    fs::create_directory(folder.path() / "empty");
    CHECK(folder.digest() != digest);
}

TEST_CASE("archives of definitions: a registry's password stays out") {
    const Folder folder;
    folder.write(
        "azureml_environment.json",
        R"({"docker": {"baseImage": "r/x", "baseImageRegistry": {"address": "r", "username": "u", "password": "hunter2"}}})");
    const auto bytes = read_file(folder.archive());
    CHECK(bytes.find("hunter2") == std::string::npos);
    CHECK(bytes.find(R"("address":"r","password":null,"username":"u")") != std::string::npos);
}

TEST_CASE("archives of definitions: there and back") {
    const Folder folder;
    folder.write("context/src/deep/module.py", std::string(200'000, 'x'));
    folder.write("context/run.sh", "#!/bin/sh\n", 0755);
    fs::create_directories(folder.path() / "context/empty");
    fs::create_symlink("../run.sh", folder.path() / "context/src/link");
    fs::create_symlink("context", folder.path() / "dirlink");
    fs::create_symlink("nowhere/at/all", folder.path() / "dangling");
    const TempDir target("unpacked");
    const auto archive = folder.archive();
    unpack(read_file(archive), target.path());
    CHECK(read_file(target.path() / "context/src/deep/module.py") == std::string(200'000, 'x'));
    CHECK(fs::read_symlink(target.path() / "context/src/link") == "../run.sh");
    CHECK(fs::is_directory(target.path() / "context/empty"));
    struct stat status{};
    REQUIRE(::stat((target.path() / "context/run.sh").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0755);
    const auto json = value_or_throw(Json::parse(read_file(target.path() / "azureml_environment.json")));
    CHECK(json.find("name") == nullptr);
    CHECK(json["environmentVariables"].string_or("A", "") == "one");
    const TempDir scratch("again");
    CHECK(pack_definition(target.path(), scratch.path() / "a.tar") == sha256(read_file(archive)));
    CHECK(read_file(scratch.path() / "a.tar") == read_file(archive));
}

TEST_CASE("archives of definitions: what cannot be kept is refused where it stands") {
    const TempDir none("none");
    const TempDir scratch("scratch");
    const auto refused = [&](const fs::path& directory) {
        const auto error = error_of([&] { (void)pack_definition(directory, scratch.path() / "a.tar"); });
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK(fs::is_empty(scratch.path()));
        return error.message();
    };
    CHECK_THAT(refused(none.path()), Catch::Contains("it has no azureml_environment.json"));
    CHECK_THAT(refused(none.path() / "absent"), Catch::Contains("is no definition"));
    const Folder broken;
    broken.write("azureml_environment.json", "{");
    CHECK_THAT(refused(broken.path()), Catch::Contains("azureml_environment.json"));
    broken.write("azureml_environment.json", "[]");
    CHECK_THAT(refused(broken.path()), Catch::Contains("not a JSON object"));
    for (const auto* target : {"/etc/passwd", "../x", "a/../../x", "context/../x"}) {
        const Folder folder;
        fs::create_directory(folder.path() / "context");
        fs::create_symlink(target, folder.path() / "link");
        INFO(target);
        CHECK_THAT(refused(folder.path()), Catch::Contains("leads out of the definition"));
    }
    const Folder pipe;
    REQUIRE(::mkfifo((pipe.path() / "pipe").c_str(), 0600) == 0);
    CHECK_THAT(refused(pipe.path()), Catch::Contains("pipe is no file, folder or symlink"));
}

TEST_CASE("archives of definitions: nothing is unpacked outside, nor through a link") {
    using Type = TarEntry::Type;
    const auto refused = [](const std::vector<std::pair<TarEntry, std::string>>& entries) {
        const TempDir outer("outer");
        const auto inner = outer.path() / "inner";
        fs::create_directory(inner);
        const auto error = error_of([&] { unpack(tar_of(entries), inner); });
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK(std::distance(fs::directory_iterator(outer.path()), fs::directory_iterator()) == 1);
        return error.message();
    };
    CHECK_THAT(refused({{entry("../evil"), "x"}}), Catch::Contains("'../evil'"));
    CHECK_THAT(refused({{entry("a", Type::Directory), ""}, {entry("a/../../evil"), "x"}}),
               Catch::Contains("not plain"));
    CHECK_THAT(refused({{entry("evil/file"), "x"}}), Catch::Contains("folder does not come before"));
    CHECK_THAT(refused({{entry("link", Type::Symlink, ".."), ""}}), Catch::Contains("leads out"));
    CHECK_THAT(refused({{entry("link", Type::Symlink, "/tmp"), ""}}), Catch::Contains("leads out"));
    CHECK_THAT(refused({{entry("link", Type::Symlink, "."), ""}, {entry("link/file"), "x"}}),
               Catch::Contains("folder does not come before"));
    CHECK_THAT(refused({{entry("d", Type::Directory), ""},
                        {entry("d/up", Type::Symlink, ".."), ""},
                        {entry("out", Type::Symlink, "d/up/../x"), ""}}),
               Catch::Contains("leads out"));
    CHECK_THAT(refused({{entry("a"), "x"}, {entry("a"), "y"}}), Catch::Contains("comes twice"));
    CHECK_THAT(refused({{entry("a"), "x"}, {entry("b", Type::Hardlink, "a"), ""}}), Catch::Contains("no file, folder"));
    const TempDir target("short");
    CHECK(error_of([&] {
              unpack(tar_of({{entry("a"), std::string(2000, 'x')}}).substr(0, 1500), target.path());
          }).kind() == ErrorKind::Corrupt);
}
