#include "link/link_plan.hpp"

#include <catch2/catch.hpp>

#include "link/link_support.hpp"

using namespace envbuild;
using namespace envbuild::link;
using namespace envbuild::testing;

namespace {

const std::string kPlace = "/opt/placeholder_placeholder_placeholder";
const LinkTarget kPython{.python_version = "3.11.2", .epoch = 1234, .record_pyc = true};

std::string failure(const std::vector<PackageWriter>& packages, const LinkTarget& target = {}) {
    try {
        const auto made = plan(packages, target);
        MemorySink sink;
        for (std::size_t i = 0; i < made.size(); ++i) (void)made.emit(i, sink);
    } catch (const Error& error) {
        return std::string(to_string(error.kind())) + ": " + error.message();
    }
    return "linked";
}

PackageWriter python_package() {
    PackageWriter package("tool");
    package.noarch = "python";
    package.entry_points = {"tool = tool.cli:main.run"};
    package.file("site-packages/tool/__init__.py", "")
        .file("site-packages/tool/cli.py", "x = 1\n")
        .file("site-packages/tool/data.txt", "d");
    package.file("python-scripts/old-tool", "#!" + kPlace + "/bin/python\n", 0755, kPlace).file("share/tool.txt", "t");
    return package;
}

}  // namespace

TEST_CASE("files, links and modes come out as the archive has them, in both formats") {
    PackageWriter package;
    package.file("lib/a.so", "bytes", 0775)
        .file("lib/secret", "s", 0600)
        .file("empty", "")
        .symlink("lib/b.so", "a.so")
        .hardlink("lib/c.so", "lib/a.so", "bytes");
    for (const bool old_format : {false, true}) {
        std::vector<PackageSource> sources;
        sources.push_back(source(package, old_format));
        const auto made = LinkPlan::make({.epoch = 77}, std::move(sources));
        MemorySink sink;
        const auto linked = made.emit(0, sink);
        CHECK(sink.entries.at("lib") == MemoryEntry{'d', 0755, 77, ""});
        CHECK(sink.entries.at("lib/a.so") == MemoryEntry{'f', 0755, 1700000000, "bytes"});
        CHECK(sink.entries.at("lib/secret").mode == 0644);
        CHECK(sink.entries.at("empty").content.empty());
        CHECK(sink.entries.at("lib/b.so") == MemoryEntry{'s', 0, 1700000000, "a.so"});
        CHECK(sink.entries.at("lib/c.so") == MemoryEntry{'h', 0, 0, "lib/a.so"});
        CHECK(sink.entries.size() == 6);
        REQUIRE(linked.paths.size() == 5);
        CHECK(linked.paths[4].sha256_in_prefix == sha256("bytes").hex());
    }
}

TEST_CASE("prefixes are replaced, and conda-meta has both hashes") {
    PackageWriter package;
    const std::string binary = "\x7f" + kPlace + "/lib" + std::string(1, '\0') + "tail";
    package.file("bin/t", "#!" + kPlace + "/bin/sh\n" + kPlace + "\n", 0755, kPlace)
        .file("bin/b", binary, 0755, kPlace, "binary");
    package.file("bin/untouched", kPlace);
    const auto made = plan({package});
    const auto sink = link_all(made);
    CHECK(sink.entries.at("bin/t").content == "#!/opt/env/bin/sh\n/opt/env\n");
    const std::string expected = "\x7f/opt/env/lib" + std::string(kPlace.size() - 8 + 1, '\0') + "tail";
    CHECK(sink.entries.at("bin/b").content == expected);
    CHECK(sink.entries.at("bin/untouched").content == kPlace);
    const auto meta = value_or_throw(Json::parse(sink.entries.at("conda-meta/demo-1.0-0.json").content));
    const auto& paths = meta["paths_data"]["paths"].as_array();
    CHECK(paths[1]["sha256"].as_string() == sha256(binary).hex());
    CHECK(paths[1]["sha256_in_prefix"].as_string() == sha256(expected).hex());
    CHECK(paths[1]["file_mode"].as_string() == "binary");
    CHECK(paths[1]["prefix_placeholder"].as_string() == kPlace);
    CHECK(paths[2].find("prefix_placeholder") == nullptr);
}

TEST_CASE("a hard link whose prefix is treated otherwise than its target's becomes a file") {
    PackageWriter package;
    package.file("a", kPlace, 0644, kPlace).hardlink("plain", "a", kPlace).hardlink("same", "a", kPlace);
    package.adjust_paths = [](Json& paths) {
        Json::Array changed = paths.as_array();
        changed[2].set("prefix_placeholder", kPlace).set("file_mode", "text");
        paths = Json(changed);
    };
    const auto sink = link_all(plan({package}));
    CHECK(sink.entries.at("a").content == "/opt/env");
    CHECK(sink.entries.at("plain") == MemoryEntry{'f', 0644, 1700000000, kPlace});
    CHECK(sink.entries.at("same") == MemoryEntry{'h', 0, 0, "a"});
}

TEST_CASE("noarch Python packages are mapped, with entry points and the .pyc to come") {
    const auto made = plan({python_package()}, kPython);
    const auto sink = link_all(made);
    CHECK(sink.entries.contains("lib/python3.11/site-packages/tool/cli.py"));
    CHECK(sink.entries.at("bin/old-tool").content == "#!/opt/env/bin/python\n");
    CHECK(sink.entries.at("bin/old-tool").mode == 0755);
    CHECK(sink.entries.contains("share/tool.txt"));
    const auto& script = sink.entries.at("bin/tool");
    CHECK(script.mode == 0755);
    CHECK(script.mtime == 1234);
    CHECK_THAT(script.content, Catch::StartsWith("#!/opt/env/bin/python3.11\n") &&
                                   Catch::Contains("from tool.cli import main\n") &&
                                   Catch::Contains("sys.exit(main.run())"));
    CHECK(made.python_sources(0) == std::vector<std::string>{"lib/python3.11/site-packages/tool/__init__.py",
                                                             "lib/python3.11/site-packages/tool/cli.py"});
    const auto meta = value_or_throw(Json::parse(sink.entries.at("conda-meta/tool-1.0-0.json").content));
    std::map<std::string, std::string> types;
    for (const auto& path : meta["paths_data"]["paths"].as_array())
        types[path["_path"].as_string()] = path["path_type"].as_string();
    CHECK(types.at("bin/tool") == "unix_python_entry_point");
    CHECK(types.at("lib/python3.11/site-packages/tool/__pycache__/cli.cpython-311.pyc") == "pyc_file");
    CHECK(meta["package_type"].as_string() == "noarch_python");

    LinkTarget threaded = kPython;
    threaded.site_packages = "lib/python3.13t/site-packages";
    CHECK(link_all(plan({python_package()}, threaded)).entries.contains("lib/python3.13t/site-packages/tool/cli.py"));
    CHECK_THAT(failure({python_package()}), Catch::Contains("invalid input") || Catch::Contains("no Python"));
}

TEST_CASE("of two packages that bring a path the later one wins, whatever is emitted first") {
    PackageWriter one("one");
    one.file("share/both", "1").file("share/same", "=").file("only/one", "1").hardlink("share/hard", "share/both", "1");
    PackageWriter two("two");
    two.file("share/both", "2").file("share/same", "=").file("only/two", "2");
    const auto made = plan({one, two});
    REQUIRE(made.warnings().size() == 1);
    CHECK(made.warnings()[0] ==
          "one-1.0-0 and two-1.0-0 both bring share/both; two comes later in link order and wins");
    MemorySink sink;
    const auto second = made.emit(1, sink);
    const auto first = made.emit(0, sink);
    CHECK(sink.entries.at("share/both").content == "2");
    // The loser's hard link keeps the loser's bytes.
    CHECK(sink.entries.at("share/hard") == MemoryEntry{'f', 0644, 1700000000, "1"});
    std::vector<std::string> listed;
    for (const auto& path : first.paths) listed.push_back(path.path);
    CHECK(listed == std::vector<std::string>{"only/one", "share/hard"});
    CHECK(second.paths.size() == 3);
    CHECK(made.owner("share/both") == std::optional<std::size_t>(1));
    CHECK(made.is_folder("only"));
    CHECK(made.names_in("share") == std::vector<std::string>{"both", "hard", "same"});
}

TEST_CASE("packages that cannot share a prefix are refused") {
    PackageWriter file("file");
    file.file("lib/x", "file");
    PackageWriter folder("folder");
    folder.file("lib/x/y", "below");
    CHECK_THAT(failure({file, folder}),
               Catch::Contains("file-1.0-0 brings lib/x") && Catch::Contains("folder-1.0-0 brings lib/x/y"));
    PackageWriter link("link");
    link.symlink("lib", "/etc");
    CHECK_THAT(failure({link, file}), Catch::Contains("link-1.0-0 brings lib as a file or link"));
    CHECK_THAT(failure({file, file}), Catch::Contains("the same package"));
    PackageWriter meta("meta");
    meta.file("conda-meta/other-1-0.json", "{}");
    CHECK_THAT(failure({meta}), Catch::Contains("the environment's own"));
    PackageWriter twice = python_package();
    twice.file("bin/old-tool", "x");
    CHECK_THAT(failure({twice}, kPython), Catch::Contains("two of its files become bin/old-tool"));
}

TEST_CASE("an archive is held against its paths.json") {
    PackageWriter unlisted;
    unlisted.file("a", "a").unlisted({.name = "b", .content = "b"});
    CHECK_THAT(failure({unlisted}), Catch::Contains("entry 'b': is not in info/paths.json"));

    const auto adjusted = [](const std::function<void(Json & first)>& adjust) {
        PackageWriter package;
        package.file("a", "content");
        package.adjust_paths = [=](Json& paths) {
            Json::Array changed = paths.as_array();
            adjust(changed[0]);
            paths = Json(changed);
        };
        return failure({package});
    };
    CHECK_THAT(adjusted([](Json& a) { a.set("sha256", std::string(64, '0')); }),
               Catch::Contains("entry 'a': has another sha256"));
    CHECK_THAT(adjusted([](Json& a) { a.set("size_in_bytes", 1); }),
               Catch::Contains("has 7 bytes, but info/paths.json says 1"));
    CHECK_THAT(adjusted([](Json& a) { a.set("path_type", "softlink"); }),
               Catch::Contains("is a file, but info/paths.json says softlink"));
    CHECK_THAT(adjusted([](Json& a) { a.set("_path", "other"); }), Catch::Contains("is not in info/paths.json"));
    CHECK_THAT(adjusted([](Json& a) { a.set("prefix_placeholder", "/p").set("file_mode", "binary"); }),
               Catch::Contains("too few for the prefix /opt/env"));

    PackageWriter missing;
    missing.file("a", "a");
    missing.adjust_paths = [](Json& paths) {
        paths.push(Json::object().set("_path", "ghost").set("path_type", "hardlink"));
    };
    CHECK_THAT(failure({missing}), Catch::Contains("ghost is in info/paths.json, but not in the archive"));

    PackageWriter hard;
    hard.file("a", "a").hardlink("b", "a", "other");
    CHECK_THAT(failure({hard}), Catch::Contains("entry 'b': has another sha256"));
    PackageWriter renamed;
    renamed.file("a", "a");
    auto wrong = source(renamed);
    wrong.package.build = "1";
    std::vector<PackageSource> sources;
    sources.push_back(std::move(wrong));
    CHECK_THROWS_WITH(LinkPlan::make({}, std::move(sources)),
                      Catch::Contains("the build 0, but the channel promised 1"));
}

TEST_CASE("empty folders of paths.json are made, other folder entries need no record") {
    PackageWriter package;
    package.unlisted({.name = "var/empty/", .type = '5', .mode = 0700})
        .unlisted({.name = "lib/", .type = '5'})
        .file("lib/a", "a");
    package.adjust_paths = [](Json& paths) {
        paths.push(Json::object().set("_path", "var/empty").set("path_type", "directory"));
    };
    const auto sink = link_all(plan({package}, {.epoch = 5}));
    CHECK(sink.entries.at("var/empty") == MemoryEntry{'d', 0755, 5, ""});
    CHECK(sink.entries.contains("lib/a"));
}

TEST_CASE("conda-meta records and the history") {
    PackageWriter package;
    package.file("a", "a");
    std::vector<PackageSource> sources;
    sources.push_back(source(package));
    sources[0].package.requested_spec = "demo=1";
    const auto made = LinkPlan::make({.epoch = 1700000000}, std::move(sources));
    const auto sink = link_all(made, {"demo=1", "python"});
    CHECK(sink.entries.at("conda-meta/history").content ==
          "==> 2023-11-14 22:13:20 <==\n# cmd: envbuild\n+https://conda.example/forge/linux-64::demo-1.0-0\n# update "
          "specs: [\"demo=1\",\"python\"]\n");
    const auto& entry = sink.entries.at("conda-meta/demo-1.0-0.json");
    CHECK(entry.mtime == 1700000000);
    const auto meta = value_or_throw(Json::parse(entry.content));
    CHECK(meta["name"].as_string() == "demo");
    CHECK(meta["version"].as_string() == "1.0");
    CHECK(meta["build_number"].as_int() == 0);
    CHECK(meta["channel"].as_string() == "https://conda.example/forge/linux-64");
    CHECK(meta["url"].as_string() == "https://conda.example/forge/linux-64/demo-1.0-0.conda");
    CHECK(meta["fn"].as_string() == "demo-1.0-0.conda");
    CHECK(meta["files"].as_array().size() == 1);
    CHECK(meta["license"].as_string() == "MIT");
    CHECK(meta["requested_spec"].as_string() == "demo=1");
    CHECK(meta["sha256"].as_string().size() == 64);
    CHECK(meta["depends"].is_array());
    std::vector<std::string> names;
    for (const auto& [name, value] : meta.as_object()) names.push_back(name);
    CHECK(std::ranges::is_sorted(names));
}

TEST_CASE("a target that cannot be is refused") {
    CHECK_THAT(failure({}, {.prefix = "relative"}), Catch::Contains("absolute"));
    CHECK_THAT(failure({}, {.prefix = "/opt/../etc"}), Catch::Contains("absolute"));
    CHECK_THAT(failure({}, {.prefix = "/"}), Catch::Contains("absolute"));
    CHECK_THAT(failure({}, {.prefix = "/a\nb"}), Catch::Contains("absolute"));
    CHECK_THAT(failure({}, {.python_version = "3"}), Catch::Contains("Python version"));
    CHECK_THAT(failure({}, {.python_version = "../3.11"}), Catch::Contains("Python version"));
    CHECK_THAT(failure({}, {.site_packages = "../x"}), Catch::Contains("site-packages"));
    CHECK(failure({}) == "linked");
}
