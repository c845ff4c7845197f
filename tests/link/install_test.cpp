// The stages of envbuild-install, on a prefix in a temporary folder.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "install/direct_url.hpp"
#include "install/installer.hpp"
#include "install/json_text.hpp"
#include "link/link_support.hpp"

using namespace envbuild;
using namespace envbuild::link;
using namespace envbuild::testing;

namespace {

// A site with packages and a manifest; the prefix lies in it, so that scripts can run without another root.
struct Site {
    TempDir temp{"install"};
    InstallManifest manifest;

    Site() {
        manifest.prefix = prefix();
        manifest.source_date_epoch = 1500000000;
    }
    [[nodiscard]] std::string prefix() const { return (temp.path() / "env").string(); }
    [[nodiscard]] fs::path at(const std::string& path) const { return temp.path() / "env" / path; }
    void add(const PackageWriter& package) {
        write_file_atomic(temp.path() / "packages" / (package.dist() + ".conda"), package.conda());
        manifest.packages.push_back(source(package).package);
    }
    void install(std::size_t threads = 2) const {
        write_file_atomic(temp.path() / "install.json", manifest.to_json().dump(1));
        install::Options options;
        options.manifest = temp.path() / "install.json";
        options.packages = temp.path() / "packages";
        options.threads = threads;
        install::Installer(options).run();
    }
    // Kind and message of the error.
    [[nodiscard]] std::string failure() const {
        try {
            install();
        } catch (const Error& error) {
            return std::string(to_string(error.kind())) + ": " + error.to_string();
        }
        return "installed";
    }
};

std::int64_t mtime(const fs::path& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mtim.tv_sec;
}

// Stands in for Python: takes compileall's and pip's arguments, writes what they would write.
PackageWriter fake_python(const std::string& pip_writes = "") {
    PackageWriter python("python");
    python.version = "3.11.2";
    python.file("bin/python3.11",
                "#!/bin/sh\n"
                "echo \"$@\" >> \"$CONDA_PREFIX/python-calls\"\n"
                "case \"$*\" in\n"
                "*compileall*) for last; do :; done\n"
                "  while read -r source; do\n"
                "    folder=$(dirname \"$source\")/__pycache__; mkdir -p \"$folder\"\n"
                "    case \"$source\" in *bad.py) continue ;; esac\n"
                "    echo \"$PYTHONHASHSEED\" > \"$folder/$(basename \"$source\" .py).cpython-311.pyc\"\n"
                "  done < \"$last\" ;;\n"
                "*pip*) env > \"$CONDA_PREFIX/pip-env\"; ls \"$HOME/files\" > \"$CONDA_PREFIX/pip-files\"; " +
                    pip_writes + " ;;\nesac\n",
                0755);
    return python;
}

}  // namespace

TEST_CASE("packages are checked, linked and recorded, and times tell nothing of when") {
    Site site;
    PackageWriter one("one");
    one.file("lib/a", "a").symlink("lib/b", "a").hardlink("lib/c", "lib/a", "a");
    PackageWriter two("two");
    two.file("share/doc/t", "t");
    site.add(one);
    site.add(two);
    site.manifest.history_specs = {"one"};
    site.install();
    CHECK(read_file(site.at("lib/a")) == "a");
    CHECK(mtime(site.at("lib/a")) == 1700000000);
    CHECK(mtime(site.at("lib/b")) == 1700000000);
    for (const char* path :
         {"", "lib", "share", "share/doc", "conda-meta", "conda-meta/history", "conda-meta/one-1.0-0.json"}) {
        CAPTURE(path);
        CHECK(mtime(site.at(path)) == 1500000000);
    }
    CHECK_FALSE(fs::exists(site.at(".envbuild-install")));
    CHECK_THAT(site.failure(), Catch::Contains("is there already and is not empty"));
}

TEST_CASE("a damaged or missing package stops it before anything is written") {
    Site site;
    PackageWriter one("one");
    one.file("lib/a", "a");
    site.add(one);
    auto manifest = site.manifest;
    site.manifest.packages[0].sha256 = sha256("other");
    CHECK_THAT(site.failure(),
               Catch::Contains("one-1.0-0.conda: its sha256 is") && Catch::Contains("but the lock says"));
    site.manifest = manifest;
    site.manifest.packages[0].version = "2.0";
    CHECK_THAT(site.failure(), Catch::Contains("the channel promised 2.0"));
    site.manifest = manifest;
    site.manifest.packages[0].file_name = "gone-1.0-0.conda";
    CHECK_THAT(site.failure(), Catch::Contains("gone-1.0-0.conda"));
    site.manifest = manifest;
    site.manifest.pip_files = {{"x.whl", sha256("x"), ""}};
    CHECK_THAT(site.failure(), Catch::Contains("x.whl"));
    CHECK_FALSE(fs::exists(site.at("")));
}

TEST_CASE("post-link scripts run with conda's variables, in order") {
    Site site;
    PackageWriter one("one");
    one.file("bin/.one-post-link.sh",
             "#!/bin/sh\necho \"$PKG_NAME $PKG_VERSION $PKG_BUILDNUM\" > \"$PREFIX/ran\"\necho hello > "
             "\"$PREFIX/.messages.txt\"\n"
             "test \"$(echo $PATH | cut -d: -f1)\" = \"$PREFIX/bin\"\n");
    PackageWriter two("two");
    two.file("bin/.two-post-link.sh", "echo 2 >> \"$PREFIX/ran\"; echo changed >> \"$PREFIX/share/t\"")
        .file("share/t", "t\n");
    site.add(one);
    site.add(two);
    site.install();
    CHECK(read_file(site.at("ran")) == "one 1.0 0\n2\n");
    CHECK(mtime(site.at("ran")) == 1500000000);
    CHECK(read_file(site.at("share/t")) == "t\nchanged\n");
    CHECK(mtime(site.at("share/t")) == 1500000000);
    CHECK_FALSE(fs::exists(site.at(".messages.txt")));
}

TEST_CASE("a post-link script that fails, or is not wanted") {
    Site site;
    PackageWriter one("one");
    one.file("bin/.one-post-link.sh", "exit 3\n");
    site.add(one);
    CHECK_THAT(site.failure(), Catch::Contains("the post-link script of one-1.0-0 failed with exit code 3"));
    fs::remove_all(site.at(""));
    site.manifest.run_post_link = false;
    CHECK(site.failure() == "installed");
}

TEST_CASE("noarch Python code is compiled by the environment's own Python") {
    Site site;
    site.manifest.python_version = "3.11.2";
    site.add(fake_python());
    PackageWriter tool("tool");
    tool.noarch = "python";
    tool.entry_points = {"tool = tool:main"};
    tool.file("site-packages/tool/__init__.py", "").file("site-packages/tool/bad.py", "print 'x'");
    site.add(tool);
    site.install(3);
    const std::string pyc = "lib/python3.11/site-packages/tool/__pycache__/__init__.cpython-311.pyc";
    CHECK(read_file(site.at(pyc)) == "0\n");
    CHECK(mtime(site.at(pyc)) == 1500000000);
    CHECK_THAT(read_file(site.at("python-calls")),
               Catch::Contains("-m compileall --invalidation-mode unchecked-hash -q -q -j 3 -i"));
    const std::string record = read_file(site.at("conda-meta/tool-1.0-0.json"));
    CHECK_THAT(record, Catch::Contains(pyc) && !Catch::Contains("bad.cpython-311.pyc") &&
                           Catch::Contains("unix_python_entry_point"));

    Site plain;
    plain.manifest.python_version = "3.11.2";
    plain.manifest.compile_pyc = false;
    plain.add(fake_python());
    plain.add(tool);
    plain.install();
    CHECK_FALSE(fs::exists(plain.at(pyc)));
    CHECK_THAT(read_file(plain.at("conda-meta/tool-1.0-0.json")), !Catch::Contains("pyc"));

    Site broken;
    broken.manifest.python_version = "3.11.2";
    broken.add(tool);
    CHECK_THAT(broken.failure(), Catch::Contains("bin/python3.11: cannot run it"));
}

TEST_CASE("pip installs the given files, alone, and what it brings is compiled") {
    Site site;
    site.manifest.python_version = "3.11.2";
    site.add(
        fake_python("mkdir -p \"$CONDA_PREFIX/lib/python3.11/site-packages\"; echo x > "
                    "\"$CONDA_PREFIX/lib/python3.11/site-packages/wheel.py\""));
    write_file_atomic(site.temp.path() / "packages/w-1-py3-none-any.whl", "wheel");
    site.manifest.pip_files = {{"w-1-py3-none-any.whl", sha256("wheel"), ""}};
    site.manifest.pip_requirements = "w==1 --hash=sha256:" + sha256("wheel").hex() + "\n";
    site.install();
    const std::string calls = read_file(site.at("python-calls"));
    for (const char* option : {"--no-index", "--no-deps", "--require-hashes", "--no-cache-dir", "--find-links", "-r "})
        CHECK_THAT(calls, Catch::Contains(option));
    CHECK(read_file(site.at("pip-files")) == "w-1-py3-none-any.whl\n");
    const std::string env = read_file(site.at("pip-env"));
    CHECK_THAT(env, Catch::Contains("PIP_CONFIG_FILE=/dev/null") && Catch::Contains("PYTHONHASHSEED=0") &&
                        !Catch::Contains("DOCKER"));
    CHECK(fs::exists(site.at("lib/python3.11/site-packages/__pycache__/wheel.cpython-311.pyc")));
    CHECK(mtime(site.at("lib/python3.11/site-packages/wheel.py")) == 1500000000);

    Site failing;
    failing.manifest = site.manifest;
    failing.manifest.packages.clear();
    failing.manifest.prefix = failing.prefix();
    failing.add(fake_python("exit 9"));
    write_file_atomic(failing.temp.path() / "packages/w-1-py3-none-any.whl", "wheel");
    CHECK_THAT(failing.failure(), Catch::Contains("pip failed with exit code 9"));
}

TEST_CASE("two installations of one manifest are the same") {
    const auto listing = [](std::size_t threads) {
        Site site;
        site.manifest.prefix = "/opt/env";
        for (int i = 0; i < 6; ++i) {
            PackageWriter package("p" + std::to_string(i));
            package.file("lib/own" + std::to_string(i), std::string(1000, 'x')).file("share/common", std::to_string(i));
            site.add(package);
        }
        write_file_atomic(site.temp.path() / "install.json", site.manifest.to_json().dump(1));
        install::Options options;
        options.manifest = site.temp.path() / "install.json";
        options.packages = site.temp.path() / "packages";
        options.root = site.temp.path() / "root";
        options.threads = threads;
        install::Installer(options).run();
        std::map<std::string, std::string> tree;
        for (const auto& entry : fs::recursive_directory_iterator(options.root / "opt/env")) {
            tree[entry.path().lexically_relative(options.root).string()] =
                std::to_string(mtime(entry.path())) + (entry.is_regular_file() ? read_file(entry.path()) : "");
        }
        return tree;
    };
    const auto first = listing(1);
    CHECK(first.at("opt/env/share/common") == "17000000005");
    CHECK(first == listing(6));
}

TEST_CASE("the installer's JSON reader agrees with the other one") {
    const auto agree = [](const std::string& text) {
        CAPTURE(text);
        const auto expected = Json::parse(text);
        const auto found = install::parse_json_text(text);
        REQUIRE(found.has_value() == expected.has_value());
        if (found) CHECK(found->canonical() == expected->canonical());
    };
    for (const char* text : {"{}",
                             "[]",
                             "null",
                             "true",
                             "false",
                             "0",
                             "-1",
                             "12345678901234",
                             "1.5",
                             "-0.25e3",
                             "1e5",
                             "\"\"",
                             R"("a\n\t\"\\\/\b\f\r")",
                             R"("\u00e9\u20ac\ud83d\ude00")",
                             "\"žluť\"",
                             R"({"a": [1, 2, {"b": null}], "c": "d", "a": 2})",
                             "  [ 1 ,\n2 ]  ",
                             "[1,]",
                             "[,1]",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{a: 1}",
                             "[1 2]",
                             "01",
                             "+1",
                             "1.",
                             ".5",
                             "1e",
                             "-",
                             "\"open",
                             "\"\x01\"",
                             R"("\x")",
                             R"("\ud800")",
                             R"("\udc00")",
                             R"("\u12")",
                             "\"\xff\"",
                             "nul",
                             "tru",
                             "[",
                             "{",
                             "]",
                             "",
                             "[1]x",
                             "'a'",
                             "[1]//x"}) {
        agree(text);
    }
    agree(std::string(200, '[') + std::string(200, ']'));
    CHECK_FALSE(install::parse_json_text(std::string(100'000, '[')));
    agree(InstallManifest().to_json().dump(1));
}

TEST_CASE("direct_url.json says what the manifest says, and RECORD agrees") {
    const TempDir site("site-packages");
    const auto info = [&](const std::string& name) { return site.path() / (name + "-1.0.dist-info"); };
    const auto add = [&](const std::string& name) {
        write_file_atomic(info(name) / "direct_url.json", R"({"url":"file:///build/files/)" + name + R"(-1.0.tar"})");
        write_file_atomic(info(name) / "RECORD", name + ".py,sha256=abc,1\r\n" + name +
                                                     "-1.0.dist-info/direct_url.json,sha256=old,2\r\n" + name +
                                                     "-1.0.dist-info/RECORD,,\r\n");
    };
    for (const auto* name : {"local", "repository", "other"}) add(name);
    const std::string text = R"({"url":"https://host.test/repo"})";
    install::correct_direct_urls(site.path(),
                                 {{"local-1.0.tar", sha256("l"), ""}, {"repository-1.0.tar", sha256("r"), text}});
    CHECK_FALSE(fs::exists(info("local") / "direct_url.json"));
    CHECK(read_file(info("local") / "RECORD") == "local.py,sha256=abc,1\r\nlocal-1.0.dist-info/RECORD,,\r\n");
    CHECK(read_file(info("repository") / "direct_url.json") == text);
    const auto record = read_file(info("repository") / "RECORD");
    CHECK_THAT(record,
               Catch::StartsWith("repository.py,sha256=abc,1\r\nrepository-1.0.dist-info/direct_url.json,sha256=") &&
                   Catch::EndsWith("," + std::to_string(text.size()) + "\r\nrepository-1.0.dist-info/RECORD,,\r\n"));
    // What the installer did not give pip is left alone.
    CHECK(fs::exists(info("other") / "direct_url.json"));
    CHECK_THAT(read_file(info("other") / "RECORD"), Catch::Contains("sha256=old"));
}
