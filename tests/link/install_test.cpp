// The stages of envbuild-install, on a prefix in a temporary folder.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "install/installer.hpp"
#include "install/json_text.hpp"
#include "link/link_support.hpp"
#include "link/wheel_record.hpp"
#include "support/wheel_writer.hpp"

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
    LinkWheel add(const WheelWriter& wheel) {
        const std::string bytes = wheel.bytes();
        write_file_atomic(temp.path() / "packages" / wheel.file_name(), bytes);
        manifest.wheels.push_back({wheel.file_name(), sha256(bytes), wheel.name, wheel.version, false, ""});
        return manifest.wheels.back();
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
    site.manifest.tools = {{"x.whl", sha256("x")}};
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

TEST_CASE("wheels are linked beside conda packages, compiled, and recorded, with no pip there") {
    Site site;
    site.manifest.python_version = "3.11.2";
    site.add(fake_python("exit 9"));
    PackageWriter tool("tool");
    tool.noarch = "python";
    tool.file("site-packages/tool/__init__.py", "");
    site.add(tool);
    WheelWriter wheel("demo");
    wheel.file("demo/__init__.py", "value = 1\n")
        .file("demo/bad.py", "print 'x'")
        .file("demo/lib.so", std::string(3'000'000, 'x'), 0100755)
        .file("demo/tomorrow", "")
        .add("entry_points.txt", "[console_scripts]\ndemo = demo:main\n");
    // Packed east of here, or by a clock that was wrong: 2106-12-31.
    for (auto& member : wheel.members) {
        if (member.name == "demo/tomorrow") member.date = 126 << 9 | 12 << 5 | 31;
    }
    site.add(wheel);
    site.manifest.wheels.back().requested = true;
    site.install(3);
    const std::string folder = "lib/python3.11/site-packages/";
    CHECK(read_file(site.at(folder + "demo/__init__.py")) == "value = 1\n");
    CHECK(fs::file_size(site.at(folder + "demo/lib.so")) == 3'000'000);
    CHECK(mtime(site.at(folder + "demo/lib.so")) == 1612325106);
    CHECK(mtime(site.at(folder + "demo")) == 1500000000);
    CHECK(mtime(site.at(folder + "demo/tomorrow")) == 4323211506);
    CHECK(mtime(site.at(folder + "demo/__pycache__/__init__.cpython-311.pyc")) == 1500000000);
    CHECK(mtime(site.at(folder + "demo-1.0.dist-info/RECORD")) == 1500000000);
    CHECK_THAT(read_file(site.at("bin/demo")), Catch::StartsWith("#!" + site.prefix() + "/bin/python3.11\n"));
    CHECK(fs::exists(site.at(folder + "demo-1.0.dist-info/REQUESTED")));
    // One run of the compiler for all; pip is not run, nor need it be there.
    const std::string calls = read_file(site.at("python-calls"));
    CHECK(std::ranges::count(calls, '\n') == 1);
    CHECK(fs::exists(site.at(folder + "tool/__pycache__/__init__.cpython-311.pyc")));
    const auto rows = *parse_record(read_file(site.at(folder + "demo-1.0.dist-info/RECORD")));
    const auto recorded = [&](const std::string& path) {
        return std::ranges::find(rows, path, &RecordRow::path) != rows.end();
    };
    CHECK(recorded("demo/__pycache__/__init__.cpython-311.pyc"));
    CHECK_FALSE(recorded("demo/__pycache__/bad.cpython-311.pyc"));
    for (const auto& row : rows) {
        INFO(row.path);
        REQUIRE(fs::exists(site.at(folder + row.path)));
        if (row.sha256) CHECK(*row.sha256 == sha256(read_file(site.at(folder + row.path))));
    }
}

TEST_CASE("a wheel that is damaged, or not the one that was locked, is not linked") {
    Site site;
    site.manifest.python_version = "3.11.2";
    site.add(fake_python());
    WheelWriter wheel("demo");
    wheel.file("demo.py", "value = 1\n");
    site.add(wheel);
    site.manifest.wheels[0].sha256 = sha256("other");
    CHECK_THAT(site.failure(), Catch::StartsWith("corrupt: demo-1.0-py3-none-any.whl: its sha256 is"));
    CHECK_FALSE(fs::exists(site.at("")));

    Site lying;
    lying.manifest.python_version = "3.11.2";
    lying.add(fake_python());
    wheel.record = replace_all(wheel.right_record(), record_hash_of("value = 1\n"), record_hash_of("value = 2\n"));
    lying.add(wheel);
    CHECK_THAT(lying.failure(), Catch::Contains("'demo.py' has another sha256 than its RECORD says") &&
                                    Catch::Contains("linking demo-1.0"));
}

TEST_CASE("sources are built by the environment's pip, alone, and what comes out is linked as all wheels are") {
    WheelWriter made("made", "2.0");
    made.file("made.py", "built = True\n");
    // pip's part: copies a wheel that lies ready.
    Site site;
    write_file_atomic(site.temp.path() / "ready" / made.file_name(), made.bytes());
    site.manifest.python_version = "3.11.2";
    site.add(fake_python("cp " + (site.temp.path() / "ready").string() +
                         "/* \"$HOME/wheels/\"; cp \"$HOME/requirements.txt\""
                         " \"$CONDA_PREFIX/pip-lines\""));
    write_file_atomic(site.temp.path() / "packages/made-2.0.tar", "source");
    write_file_atomic(site.temp.path() / "packages/w-1-py3-none-any.whl", "tool");
    site.manifest.sources = {
        {{"made-2.0.tar", sha256("source"), "made", "2.0", true, R"({"url":"https://host.test/made"})"}, "sub dir"}};
    site.manifest.tools = {{"w-1-py3-none-any.whl", sha256("tool")}};
    site.install();
    const std::string calls = read_file(site.at("python-calls"));
    for (const char* option : {"pip wheel", "--no-index", "--no-deps", "--require-hashes", "--no-cache-dir",
                               "--find-links", "-r ", "--wheel-dir"})
        CHECK_THAT(calls, Catch::Contains(option));
    CHECK(read_file(site.at("pip-files")) == "made-2.0.tar\nw-1-py3-none-any.whl\n");
    CHECK(read_file(site.at("pip-lines")) ==
          "made @ file://" + site.prefix() +
              "/.envbuild-install/files/made-2.0.tar#subdirectory=sub%20dir --hash=sha256:" + sha256("source").hex() +
              "\n");
    const std::string env = read_file(site.at("pip-env"));
    CHECK_THAT(env, Catch::Contains("PIP_CONFIG_FILE=/dev/null") && Catch::Contains("PYTHONHASHSEED=0") &&
                        !Catch::Contains("DOCKER"));
    const std::string folder = "lib/python3.11/site-packages/";
    CHECK(mtime(site.at(folder + "made.py")) == 1500000000);
    CHECK(fs::exists(site.at(folder + "__pycache__/made.cpython-311.pyc")));
    CHECK(read_file(site.at(folder + "made-2.0.dist-info/direct_url.json")) == R"({"url":"https://host.test/made"})");
    CHECK(fs::exists(site.at(folder + "made-2.0.dist-info/REQUESTED")));
    CHECK_FALSE(fs::exists(site.at(".envbuild-install")));

    const auto built_by = [&](const std::string& does) {
        Site other;
        other.manifest = site.manifest;
        other.manifest.packages.clear();
        other.manifest.prefix = other.prefix();
        other.add(fake_python(does));
        for (const char* file : {"made-2.0.tar", "w-1-py3-none-any.whl"})
            fs::copy_file(site.temp.path() / "packages" / file, other.temp.path() / "packages" / file);
        return other.failure();
    };
    CHECK_THAT(built_by("exit 9"), Catch::Contains("pip failed with exit code 9"));
    CHECK_THAT(built_by("true"), Catch::Contains("building made-2.0.tar gave no wheel of made"));
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
        site.manifest.python_version = "3.11.2";
        site.manifest.compile_pyc = false;
        for (const char* name : {"one", "two", "three"}) {
            WheelWriter wheel(name);
            wheel.file("common/__init__.py", "").file(std::string(name) + "/big", std::string(20'000'000, 'x'));
            for (int i = 0; i < 600; ++i) wheel.file(std::string(name) + "/f" + std::to_string(i), "x");
            site.add(wheel);
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
