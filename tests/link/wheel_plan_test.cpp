#include "link/wheel_plan.hpp"

#include <catch2/catch.hpp>

#include "link/entry_point.hpp"
#include "link/link_support.hpp"
#include "support/wheel_writer.hpp"

using namespace envbuild;
using namespace envbuild::link;
using testing::PackageWriter;
using testing::WheelWriter;

namespace {

const std::string kSite = "lib/python3.11/site-packages/";

LinkTarget target() {
    LinkTarget target;
    target.python_version = "3.11.2";
    target.epoch = 1500000000;
    return target;
}

WheelSource wheel_source(const WheelWriter& wheel) {
    LinkWheel link;
    link.file_name = wheel.file_name();
    link.name = to_lower(wheel.name);
    link.version = wheel.version;
    return {link, WheelArchive::open(link.file_name, conda::ArchiveSource::from_bytes(wheel.bytes()))};
}

std::vector<WheelSource> sources(const std::vector<WheelWriter>& wheels) {
    std::vector<WheelSource> all;
    for (const auto& wheel : wheels) all.push_back(wheel_source(wheel));
    return all;
}

WheelPlan wheels(const std::vector<WheelWriter>& list, const std::vector<PackageWriter>& packages = {}) {
    return WheelPlan::make(plan(packages, target()), sources(list));
}

MemorySink emitted(const WheelPlan& plan, bool compiled = false) {
    MemorySink sink;
    for (std::size_t i = 0; i < plan.pieces(); ++i) plan.emit(i, sink);
    plan.emit_records([&](const std::string&) { return compiled; }, sink);
    return sink;
}

std::string refusal(const std::vector<WheelWriter>& list, const std::vector<PackageWriter>& packages = {}) {
    try {
        (void)emitted(wheels(list, packages));
    } catch (const Error& error) {
        return std::string(to_string(error.kind())) + ": " + error.message();
    }
    return "taken";
}

WheelWriter small(const std::string& name = "demo") {
    WheelWriter wheel(name);
    wheel.file(name + "/__init__.py", "value = 1\n");
    return wheel;
}

}  // namespace

TEST_CASE("every scheme of a wheel has its place") {
    WheelWriter wheel("Demo");
    wheel.file("demo/__init__.py", "")
        .file("demo/run.so", "elf", 0100755)
        .file("Demo-1.0.data/purelib/pure.py", "p")
        .file("Demo-1.0.data/platlib/plat.py", "q")
        .file("Demo-1.0.data/scripts/tool", "#!python -u\nprint(1)\n")
        .file("Demo-1.0.data/scripts/window", "#!pythonw")
        .file("Demo-1.0.data/scripts/shell", "#!/bin/sh\nexit 0\n")
        .file("Demo-1.0.data/data/share/doc/demo.txt", "text")
        .file("Demo-1.0.data/headers/demo.h", "header")
        .file("Demo-1.0.data/scripts/go-script.py", "made by an old tool")
        .file("Demo-1.0.data/scripts/go", "made by an old tool")
        .add("entry_points.txt", "[console_scripts]\ngo = demo:main [fast]\n[gui_scripts]\nlook = demo.gui:App.run\n")
        .add("licenses/LICENSE", "free");
    const auto plan = wheels({wheel});
    const auto sink = emitted(plan);
    const auto file = [&](const std::string& path) {
        INFO(path);
        REQUIRE(sink.entries.contains(path));
        return sink.entries.at(path);
    };
    CHECK(file(kSite + "demo/__init__.py") == MemoryEntry{'f', 0644, 1612325106, ""});
    CHECK(file(kSite + "demo/run.so") == MemoryEntry{'f', 0755, 1612325106, "elf"});
    CHECK(file(kSite + "pure.py").content == "p");
    CHECK(file(kSite + "plat.py").content == "q");
    CHECK(file("bin/tool") == MemoryEntry{'f', 0755, 1500000000, "#!/opt/env/bin/python3.11\nprint(1)\n"});
    CHECK(file("bin/window").content == "#!/opt/env/bin/python3.11\n");
    CHECK(file("bin/shell") == MemoryEntry{'f', 0755, 1612325106, "#!/bin/sh\nexit 0\n"});
    CHECK(file("share/doc/demo.txt").content == "text");
    CHECK(file("include/python3.11/demo/demo.h").content == "header");
    CHECK(file("bin/go").mode == 0755);
    CHECK_THAT(file("bin/go").content, Catch::StartsWith("#!/opt/env/bin/python3.11\n") &&
                                           Catch::Contains("from demo import main\n") &&
                                           Catch::Contains("sys.exit(main())"));
    CHECK_THAT(file("bin/look").content,
               Catch::Contains("from demo.gui import App\n") && Catch::Contains("(App.run())"));
    CHECK_FALSE(sink.entries.contains("bin/go-script.py"));
    CHECK(file(kSite + "Demo-1.0.dist-info/licenses/LICENSE").content == "free");
    CHECK(file(kSite + "Demo-1.0.dist-info/INSTALLER") == MemoryEntry{'f', 0644, 1500000000, "envbuild\n"});
    CHECK_FALSE(sink.entries.contains(kSite + "Demo-1.0.dist-info/REQUESTED"));
    CHECK_FALSE(sink.entries.contains(kSite + "Demo-1.0.dist-info/direct_url.json"));
    CHECK(sink.entries.at("include/python3.11") == MemoryEntry{'d', 0755, 1500000000, ""});
    CHECK(plan.python_sources() ==
          std::vector<std::string>{kSite + "demo/__init__.py", kSite + "plat.py", kSite + "pure.py"});
}

TEST_CASE("RECORD lists what is installed, with hashes that fit, and compiled files as pip does") {
    WheelWriter wheel = small();
    wheel.file("demo/odd, \"name\".txt", "x")
        .file("demo/__pycache__/kept.cpython-311.pyc", "compiled elsewhere")
        .file("demo/kept.py", "")
        .file("demo-1.0.data/scripts/tool", "#!python\n")
        .add("entry_points.txt", "[console_scripts]\ngo = demo:main\n")
        .add("INSTALLER", "pip\n")
        .add("direct_url.json", "{}")
        .add("REQUESTED", "");
    wheel.part({.name = "demo-1.0.dist-info/RECORD.jws", .bytes = "signed"});
    wheel.record = wheel.right_record();
    auto asked = sources({wheel});
    asked[0].wheel.requested = true;
    asked[0].wheel.direct_url = R"({"url":"https://host.test/x"})";
    const auto wheel_plan = WheelPlan::make(plan({}, target()), std::move(asked));
    const auto sink = emitted(wheel_plan, true);
    const auto rows = *parse_record(sink.entries.at(kSite + "demo-1.0.dist-info/RECORD").content);
    std::map<std::string, RecordRow> by_path;
    for (const auto& row : rows) by_path[row.path] = row;
    const std::string pyc = "demo/__pycache__/__init__.cpython-311.pyc";
    REQUIRE(by_path.contains(pyc));
    CHECK(by_path.at(pyc) == RecordRow{pyc, {}, {}});
    CHECK(by_path.at("demo-1.0.dist-info/RECORD") == RecordRow{"demo-1.0.dist-info/RECORD", {}, {}});
    CHECK(by_path.contains("../../../bin/tool"));
    CHECK(by_path.contains("../../../bin/go"));
    CHECK_FALSE(by_path.contains("demo-1.0.dist-info/RECORD.jws"));
    std::size_t files = 0;
    for (const auto& [path, entry] : sink.entries) {
        if (entry.kind != 'f') continue;
        ++files;
        const std::string recorded = path.starts_with(kSite) ? path.substr(kSite.size()) : "../../../" + path;
        INFO(recorded);
        REQUIRE(by_path.contains(recorded));
        if (recorded.ends_with("/RECORD")) continue;
        CHECK(by_path.at(recorded) == RecordRow{recorded, sha256(entry.content), entry.content.size()});
    }
    CHECK(rows.size() == files + 1);  // the .pyc
    CHECK(sink.entries.at(kSite + "demo-1.0.dist-info/INSTALLER").content == "envbuild\n");
    CHECK(sink.entries.at(kSite + "demo-1.0.dist-info/REQUESTED").content.empty());
    CHECK(sink.entries.at(kSite + "demo-1.0.dist-info/direct_url.json").content == R"({"url":"https://host.test/x"})");
    CHECK(wheel_plan.python_sources() == std::vector<std::string>{kSite + "demo/__init__.py"});
}

TEST_CASE("a RECORD that lies about its wheel is refused") {
    WheelWriter wheel = small();
    const std::string right = wheel.right_record();
    const auto with = [&](const std::string& record) {
        wheel.record = record;
        return refusal({wheel});
    };
    CHECK(with(right) == "taken");
    const std::string row = "demo/__init__.py," + testing::record_hash_of("value = 1\n") + ",10\n";
    REQUIRE(right.find(row) != std::string::npos);
    CHECK(with(replace_all(right, row, "demo/__init__.py," + testing::record_hash_of("value = 2\n") + ",10\n")) ==
          "corrupt: wheel demo-1.0-py3-none-any.whl: 'demo/__init__.py' has another sha256 than its RECORD says");
    CHECK(with(replace_all(right, row, "demo/__init__.py," + testing::record_hash_of("value = 1\n") + ",11\n")) ==
          "corrupt: wheel demo-1.0-py3-none-any.whl: 'demo/__init__.py' has 10 bytes, and its RECORD says 11");
    CHECK(with(replace_all(right, row, "demo/__init__.py,,\n")) ==
          "corrupt: wheel demo-1.0-py3-none-any.whl: its RECORD gives no sha256 of 'demo/__init__.py'");
    CHECK(with(replace_all(right, row, "")) ==
          "corrupt: wheel demo-1.0-py3-none-any.whl: 'demo/__init__.py' is not in its RECORD");
    CHECK(with(right + "demo/gone.py,,\n") ==
          "corrupt: wheel demo-1.0-py3-none-any.whl: its RECORD names 'demo/gone.py', which it does not hold");
    CHECK(with(replace_all(right, "METADATA,sha256=", "METADATA,sha256=AA")).find("a sha256 that is none") !=
          std::string::npos);
    CHECK_THAT(with("\"open"), Catch::Contains("RECORD has a quote that does not end"));
    wheel.has_record = false;
    CHECK(refusal({wheel}) == "corrupt: wheel demo-1.0-py3-none-any.whl: it has no RECORD");
    // Sizes and RECORD's own line are optional.
    wheel.has_record = true;
    CHECK(with(replace_all(replace_all(right, ",10\n", ",\n"), "demo-1.0.dist-info/RECORD,,\n", "")) == "taken");
}

TEST_CASE("METADATA and WHEEL are held to RECORD before they are believed") {
    WheelWriter wheel = small();
    wheel.record = replace_all(wheel.right_record(),
                               testing::record_hash_of("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: "
                                                       "true\nTag: py3-none-any\n"),
                               testing::record_hash_of("other"));
    CHECK_THAT(refusal({wheel}), Catch::Contains("WHEEL' has another sha256"));
}

TEST_CASE("a wheel is what its name says, or is refused") {
    const auto as = [](const WheelWriter& wheel, const std::string& file, const std::string& name = "demo",
                       const std::string& version = "1.0") {
        LinkWheel link;
        link.file_name = file;
        link.name = name;
        link.version = version;
        std::vector<WheelSource> list;
        list.push_back({link, WheelArchive::open(file, conda::ArchiveSource::from_bytes(wheel.bytes()))});
        try {
            (void)WheelPlan::make(plan({}, target()), std::move(list));
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Corrupt);
            return error.message();
        }
        return std::string("taken");
    };
    CHECK(as(small(), "demo-1.0-py3-none-any.whl") == "taken");
    CHECK_THAT(as(small(), "other-1.0-py3-none-any.whl"), Catch::Contains("it is to be demo 1.0"));
    CHECK_THAT(as(small(), "demo-1.1-py3-none-any.whl"), Catch::Contains("it is to be demo 1.0"));
    CHECK_THAT(as(small(), "demo.whl"), Catch::Contains("no wheel's name"));
    CHECK_THAT(as(small(), "other-1.0-py3-none-any.whl", "other"),
               Catch::Contains("its metadata is in demo-1.0.dist-info, which is not other 1.0"));
    CHECK_THAT(as(small(), "demo-2.0-py3-none-any.whl", "demo", "2.0"),
               Catch::Contains("its metadata is in demo-1.0.dist-info, which is not demo 2.0"));
    WheelWriter lying = small();
    lying.add("METADATA", testing::make_metadata("other", "1.0"));
    CHECK_THAT(as(lying, "demo-1.0-py3-none-any.whl"), Catch::Contains("its METADATA is that of other 1.0"));
    lying.add("METADATA", testing::make_metadata("demo", "1.1"));
    CHECK_THAT(as(lying, "demo-1.0-py3-none-any.whl"), Catch::Contains("its METADATA is that of demo 1.1"));
    lying.add("METADATA", "nothing");
    CHECK_THAT(as(lying, "demo-1.0-py3-none-any.whl"), Catch::Contains("METADATA has no Name"));
    WheelWriter two = small();
    two.file("other-1.0.dist-info/METADATA", "x");
    CHECK_THAT(as(two, "demo-1.0-py3-none-any.whl"), Catch::Contains("it holds both"));
    WheelWriter future = small();
    future.add("WHEEL", "Wheel-Version: 2.0\n");
    CHECK_THAT(as(future, "demo-1.0-py3-none-any.whl"), Catch::Contains("wheel version 2.0"));
    WheelWriter none("demo");
    none.members.clear();
    none.has_record = false;
    none.file("demo.py", "");
    CHECK_THAT(as(none, "demo-1.0-py3-none-any.whl"), Catch::Contains("it holds no .dist-info folder"));
    // Spelled as older tools did.
    WheelWriter old("Demo.x", "2020.01");
    CHECK(as(old, "Demo.x-2020.1-py3-none-any.whl", "demo-x", "2020.1") == "taken");
}

TEST_CASE("what a wheel must not bring") {
    WheelWriter scheme = small();
    scheme.file("demo-1.0.data/nowhere/x", "");
    CHECK_THAT(refusal({scheme}), Catch::Contains("is for the unknown scheme 'nowhere'"));
    WheelWriter loose = small();
    loose.file("demo-1.0.data/x", "");
    CHECK_THAT(refusal({loose}), Catch::Contains("is in no scheme's folder"));
    WheelWriter meta = small();
    meta.file("demo-1.0.data/data/conda-meta/x.json", "");
    CHECK_THAT(refusal({meta}), Catch::Contains("it brings conda-meta/x.json, which is the environment's own"));
    WheelWriter twice = small();
    twice.file("demo-1.0.data/purelib/demo/__init__.py", "another");
    CHECK_THAT(refusal({twice}), Catch::Contains("two of its files become " + kSite + "demo/__init__.py"));
    WheelWriter record = small();
    record.file("demo-1.0.data/purelib/demo-1.0.dist-info/RECORD", "another");
    CHECK_THAT(refusal({record}), Catch::Contains("two of its files become its RECORD"));
    WheelWriter same = small();
    same.file("demo-1.0.data/purelib/demo/__init__.py", "value = 1\n");
    CHECK(refusal({same}) == "taken");
}

TEST_CASE("of two wheels that bring one path the first has it, which is told where they differ") {
    WheelWriter one = small("one");
    WheelWriter two = small("two");
    one.file("common/__init__.py", "").file("LICENSE", "of one");
    two.file("common/__init__.py", "");
    const auto plan = wheels({one, two});
    CHECK(emitted(plan).entries.contains(kSite + "common/__init__.py"));
    const auto sources = plan.python_sources();
    CHECK(std::ranges::count(sources, kSite + "common/__init__.py") == 1);
    two.file("LICENSE", "of two");
    const auto differing = wheels({one, two});
    CHECK(emitted(differing).entries.at(kSite + "LICENSE").content == "of one");
    CHECK(differing.warnings() ==
          std::vector<std::string>{"the wheels one-1.0-py3-none-any.whl and two-1.0-py3-none-any.whl both bring " +
                                   kSite + "LICENSE, and they differ: it is that of one-1.0-py3-none-any.whl"});
    WheelWriter three = small("three");
    three.file("common", "a file");
    CHECK_THAT(refusal({one, three}), Catch::Contains("the wheel three-1.0-py3-none-any.whl brings " + kSite +
                                                      "common as a file or link, and the wheel one-1.0-py3-none-any.whl"
                                                      " needs it to be a folder"));
    CHECK_THAT(refusal({one, one}), Catch::Contains("are of one project"));
}

TEST_CASE("what conda has put there stays") {
    PackageWriter owner("owner");
    owner.file("bin/tool", "conda's").file(kSite + "shared.py", "same").symlink("lib64", "lib").file("share/x/y", "");
    WheelWriter same = small();
    same.file("shared.py", "same");
    const auto plan = wheels({same}, {owner});
    const auto sink = emitted(plan);
    CHECK_FALSE(sink.entries.contains(kSite + "shared.py"));
    CHECK_THAT(sink.entries.at(kSite + "demo-1.0.dist-info/RECORD").content, Catch::Contains("\nshared.py,sha256="));
    WheelWriter other = small();
    other.file("shared.py", "other");
    CHECK(refusal({other}, {owner}) ==
          "invalid input: the wheel demo-1.0-py3-none-any.whl and the conda package owner-1.0-0 both bring " + kSite +
              "shared.py, and they differ");
    WheelWriter script = small();
    script.add("entry_points.txt", "[console_scripts]\ntool = demo:main\n");
    CHECK_THAT(refusal({script}, {owner}), Catch::Contains("the conda package owner-1.0-0 both bring bin/tool"));
    WheelWriter through = small();
    through.file("demo-1.0.data/data/lib64/x.so", "");
    CHECK_THAT(refusal({through}, {owner}),
               Catch::Contains("the conda package owner-1.0-0 brings lib64 as a file or link"));
    WheelWriter folder = small();
    folder.file("demo-1.0.data/data/share/x", "");
    CHECK_THAT(refusal({folder}, {owner}),
               Catch::Contains("brings share/x as a file or link, and a conda package needs"));
}

TEST_CASE("a project that conda has installed is not replaced") {
    for (const std::string info :
         {"Demo-0.9.dist-info/METADATA", "demo-0.9-py3.11.egg-info", "demo.egg-info/PKG-INFO"}) {
        PackageWriter owner("python-demo");
        owner.file(kSite + info, "x");
        INFO(info);
        CHECK(refusal({small()}, {owner}) ==
              "invalid input: the wheel demo-1.0-py3-none-any.whl would replace demo, which the conda package "
              "python-demo-1.0-0 has installed");
        CHECK(refusal({small("demo2")}, {owner}) == "taken");
    }
}

TEST_CASE("wheels without Python") {
    CHECK_THROWS_WITH(WheelPlan::make(plan({}), sources({small()})), Catch::Contains("the environment has no Python"));
    CHECK(WheelPlan::make(plan({}), {}).pieces() == 0);
}

TEST_CASE("times of what was built here tell nothing") {
    auto list = sources({small()});
    list[0].keep_times = false;
    const auto sink = emitted(WheelPlan::make(plan({}, target()), std::move(list)));
    for (const auto& [path, entry] : sink.entries) {
        INFO(path);
        CHECK(entry.mtime == 1500000000);
    }
}

TEST_CASE("a large wheel is cut into pieces, each file in one") {
    WheelWriter wheel = small();
    for (int i = 0; i < 1200; ++i) wheel.file("demo/f" + std::to_string(i), std::to_string(i));
    for (int i = 0; i < 3; ++i)
        wheel.file("demo/big" + std::to_string(i), std::string(9 << 20, static_cast<char>('a' + i)));
    const auto plan = wheels({wheel});
    CHECK(plan.pieces() == 7);        // three of small files, three of a big one, what is generated
    const auto sink = emitted(plan);  // which refuses what comes twice
    CHECK(sink.entries.contains(kSite + "demo/f1199"));
    CHECK(sink.entries.at(kSite + "demo/big2").content.size() == 9 << 20);
}

TEST_CASE("shebangs that Linux would not take go through sh") {
    LinkTarget link = target();
    CHECK(python_shebang(link) == "#!/opt/env/bin/python3.11\n");
    link.prefix = "/opt/my env";
    CHECK(python_shebang(link) == "#!/bin/sh\n'''exec' \"/opt/my env/bin/python3.11\" \"$0\" \"$@\"\n' '''\n");
    link.prefix = "/" + std::string(108, 'x');
    CHECK(python_shebang(link).size() == 127);
    link.prefix += 'x';
    CHECK(python_shebang(link) == "#!/bin/sh\n'''exec' " + link.prefix + "/bin/python3.11 \"$0\" \"$@\"\n' '''\n");
}

TEST_CASE("C headers lie where that Python has its own") {
    LinkTarget link = target();
    CHECK(link.headers_dir() == "include/python3.11");
    link.python_version = "3.7.9";
    CHECK(link.headers_dir() == "include/python3.7m");
    link.python_version = "3.13.1";
    link.site_packages = "lib/python3.13t/site-packages";
    CHECK(link.headers_dir() == "include/python3.13t");
}
