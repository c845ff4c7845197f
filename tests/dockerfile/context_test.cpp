#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "dockerfile/context.hpp"

using namespace envbuild;
using namespace envbuild::dockerfile;

namespace {

struct Site {
    TempDir dir{"dockerfile-context"};
    Templates templates = Templates::load(fs::path(ENVBUILD_SOURCE_DIR) / "templates");
    RenderInput input;

    Site() {
        input.base = "debian@sha256:" + std::string(64, 'b');
        input.install_json = R"({"version":1})";
        input.installer = dir.path() / "bin/envbuild-install";
        write_file_atomic(input.installer, "#!/bin/true\n", fs::perms(0755));
        input.packages = {{"numpy-1.24.conda", cached("numpy.conda", "numpy's bytes")},
                          {"a-1.tar.bz2", cached("a.bz2", "a's bytes")}};
        input.packages.push_back({"torch-2-py3-none-any.whl", cached("torch.whl", "torch's bytes")});
    }
    fs::path cached(const std::string& name, std::string_view bytes) {
        const auto path = dir.path() / "cache" / name;
        write_file_atomic(path, bytes);
        return path;
    }
};

std::vector<std::string> names(const Context& context) {
    std::vector<std::string> list;
    for (const auto& file : context.files) list.push_back(file.path);
    return list;
}

ino_t inode(const fs::path& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_ino;
}

}  // namespace

TEST_CASE("a context holds all that the Dockerfile takes") {
    Site site;
    const auto context = render(site.templates, site.input);
    CHECK(names(context) == std::vector<std::string>{"Dockerfile", "envbuild/envbuild-install", "envbuild/install.json",
                                                     "envbuild/packages/a-1.tar.bz2",
                                                     "envbuild/packages/numpy-1.24.conda",
                                                     "envbuild/packages/torch-2-py3-none-any.whl"});
    CHECK(context.dockerfile() == render_dockerfile(site.templates, site.input));
    layer::ContextStream stream(context.files);
    CHECK(stream.size() > 0);
}

TEST_CASE("file names that are no names, or come twice, are refused") {
    for (const std::string name : {"", ".", "..", "../x", "a/b", "a\nb", "\xff"}) {
        Site site;
        site.input.packages[0].name = name;
        INFO(name);
        CHECK_THROWS_AS(render(site.templates, site.input), Error);
    }
    Site site;
    site.input.packages[0].name = site.input.packages[1].name;
    CHECK_THROWS_WITH(render(site.templates, site.input), Catch::Contains("a-1.tar.bz2"));
}

TEST_CASE("a context is written as a folder: packages are copies, what is there already is replaced or refused") {
    Site site;
    const auto out = site.dir.path() / "out/deep";
    const auto context = render(site.templates, site.input);
    write_context(context, out);
    CHECK(read_file(out / "Dockerfile") == context.dockerfile());
    CHECK(read_file(out / "envbuild/packages/numpy-1.24.conda") == "numpy's bytes");
    CHECK(inode(out / "envbuild/packages/numpy-1.24.conda") != inode(site.dir.path() / "cache/numpy.conda"));
    CHECK(std::distance(fs::directory_iterator(out), fs::directory_iterator()) == 2);
    CHECK(fs::status(out / "envbuild/envbuild-install").permissions() == fs::perms(0755));

    SECTION("an earlier export is replaced, with what it had and this one has not") {
        site.input.packages.erase(site.input.packages.begin() + 1);
        write_context(render(site.templates, site.input), out);
        CHECK_FALSE(fs::exists(out / "envbuild/packages/a-1.tar.bz2"));
        CHECK(fs::exists(out / "envbuild/packages/numpy-1.24.conda"));
        CHECK(read_file(site.dir.path() / "cache/a.bz2") == "a's bytes");
    }
    SECTION("a folder with something else in it is left alone") {
        write_file_atomic(out / "thesis.tex", "years of work");
        CHECK_THROWS_WITH(write_context(context, out), Catch::Contains("is not empty"));
        CHECK(read_file(out / "thesis.tex") == "years of work");
        CHECK(fs::exists(out / "envbuild/install.json"));
    }
    SECTION("a file is no folder") {
        CHECK_THROWS_WITH(write_context(context, out / "Dockerfile"), Catch::Contains("not a folder"));
    }
    SECTION("a package that is not in the cache any more") {
        fs::remove(site.dir.path() / "cache/torch.whl");
        try {
            write_context(context, site.dir.path() / "other");
            FAIL("it was written");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::NotFound);
        }
        CHECK_FALSE(fs::exists(site.dir.path() / "other/Dockerfile"));
    }
    SECTION("changing an export does not change the cache") {
        std::ofstream(out / "envbuild/packages/numpy-1.24.conda", std::ios::app) << "more";
        CHECK(read_file(site.dir.path() / "cache/numpy.conda") == "numpy's bytes");
    }
    SECTION("a package of another mode is copied, and the cache keeps its mode") {
        const auto cached = site.dir.path() / "cache/numpy.conda";
        fs::permissions(cached, fs::perms(0600));
        write_context(context, out);
        CHECK(fs::status(out / "envbuild/packages/numpy-1.24.conda").permissions() == fs::perms(0644));
        CHECK(fs::status(cached).permissions() == fs::perms(0600));
    }
}

TEST_CASE("an export that was broken off does not block the next one") {
    Site site;
    const auto out = site.dir.path() / "out";
    const auto cached = site.dir.path() / "cache/torch.whl";
    const auto context = render(site.templates, site.input);
    const auto break_off = [&] {
        fs::rename(cached, cached.string() + ".away");
        CHECK_THROWS_AS(write_context(context, out), Error);
        fs::rename(cached.string() + ".away", cached);
        CHECK_FALSE(fs::exists(out / "Dockerfile"));
    };
    SECTION("the first one") {
        break_off();
    }
    SECTION("one that replaces another") {
        write_context(context, out);
        break_off();
    }
    SECTION("one whose process was killed while it wrote the Dockerfile") {
        break_off();
        write_file_atomic(out / ".tmp-Dockerfile-a1B2c3", "FROM");
    }
    CHECK(fs::exists(out / "envbuild"));
    write_context(context, out);
    CHECK(read_file(out / "Dockerfile") == context.dockerfile());
    CHECK(std::distance(fs::directory_iterator(out), fs::directory_iterator()) == 2);
    // What a person adds to a broken one is still the person's.
    break_off();
    write_file_atomic(out / "thesis.tex", "years of work");
    CHECK_THROWS_WITH(write_context(context, out), Catch::Contains("is not empty"));
    CHECK(fs::exists(out / "thesis.tex"));
}

TEST_CASE("a folder that cannot take the bytes is told the machine's reason, not 'Input/output error'") {
    Site site;
    const auto package = site.dir.path() / "large.conda";
    write_file_atomic(package, std::string(1 << 16, 'x'));
    Context context;
    context.files.push_back({.path = "envbuild/packages/large.conda", .bytes = {}, .file = package});
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit small{1 << 12, before.rlim_max};
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    std::string told;
    try {
        write_context(context, site.dir.path() / "out");
    } catch (const Error& error) {
        told = error.message();
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK_THAT(told, Catch::Contains("File too large"));
}
