// The promises of docs/hash.md as properties: what is a rewrite and what is another intent.
#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "spec/spec_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using namespace envbuild::spec::test;

namespace {

constexpr std::string_view kFile = R"(name: one
channels:
  - pytorch
  - conda-forge
dependencies:
  - python=3.10
  - numpy=1.19
  - scipy >=1.5,<1.8
  - pip
  - pip:
    - torch==1.13.1
    - pillow>=9,<10
variables:
  A: "1"
  B: two
)";

}  // namespace

TEST_CASE("rewrites that mean the same give the same hash") {
    const std::string one = hash_of(kFile);
    REQUIRE(one.size() == 64);
    const std::vector<std::string> copies = {
        // renamed, with prefix, comments, other order
        "# hello\nname: two\nprefix: /x\nvariables: {B: two, A: '1'}\ndependencies:\n- pip:\n  - pillow<10,>=9  # c\n  "
        "- torch == 1.13.1\n- pip\n"
        "- scipy <1.8,>=1.5\n- numpy=1.19\n- python=3.10\nchannels: [pytorch, conda-forge]\n",
        // flow style and quotes
        "{channels: [pytorch, \"conda-forge\"], dependencies: [\"python 3.10.*\", numpy 1.19.*, 'scipy>=1.5,<1.8', "
        "pip, {pip: [torch==1.13.1, \"pillow<10,>=9\"]}], variables: {A: 1, B: two}}",
        // channel by URL, nodefaults, upper case, repeated items
        "channels: [https://conda.anaconda.org/pytorch/, conda-forge, nodefaults]\ndependencies:\n- Python=3.10\n- "
        "NumPy=1.19\n- numpy=1.19.*\n"
        "- scipy>=1.5,<1.8\n- pip:\n  - Torch==1.13.1\n  - Pillow <10, >=9\n  - torch==1.13.1\nvariables:\n  A: 1\n  "
        "B: 'two'\n",
        // anchors
        "x: &c [pytorch, conda-forge]\nchannels: *c\ndependencies: [python=3.10, numpy=1.19, "
        "'scipy[version=\"<1.8,>=1.5\"]', pip, pip: [torch==1.13.1, pillow<10.0-dev0.dev0]]\n",
    };
    for (std::size_t i = 0; i + 1 < copies.size(); ++i) {
        INFO(copies[i]);
        CHECK(hash_of(copies[i]) == one);
    }
    CHECK(hash_of(replace_all(kFile, "\n", "\r\n")) == one);
    CHECK(hash_of("\xEF\xBB\xBF" + std::string(kFile)) == one);
}

TEST_CASE("twenty copies of one intent, shuffled: one hash") {
    std::vector<std::string> packages = {"python=3.10", "numpy=1.19", "scipy >=1.5,<1.8",
                                         "pip",         "tqdm",       "pandas==1.3.5"};
    const auto file = [](const std::vector<std::string>& list, int seed) {
        std::string text = seed % 2 == 0 ? "name: n" + std::to_string(seed) + "\n" : "";
        text += "channels:\n- conda-forge\ndependencies:\n";
        for (const auto& package : list)
            text += std::string(static_cast<std::size_t>(seed % 3), ' ') + "- " +
                    (seed % 5 == 0 ? "\"" + package + "\"" : package) + "\n";
        return text;
    };
    const std::string one = hash_of(file(packages, 1));
    REQUIRE(one.size() == 64);
    for (int seed = 2; seed < 22; ++seed) {
        std::ranges::rotate(packages, packages.begin() + seed % 4);
        if (seed % 2 == 0) std::ranges::reverse(packages);
        CHECK(hash_of(file(packages, seed)) == one);
    }
}

TEST_CASE("whatever changes the intent changes the hash, and no two changes share one") {
    std::map<std::string, std::string> seen = {{hash_of(kFile), "the file"}};
    const auto is_new = [&seen](const std::string& hash, const std::string& what) {
        INFO(what);
        REQUIRE(hash.size() == 64);
        CHECK(seen.emplace(hash, what).second);
    };
    const auto changed = [&](std::string_view from, std::string_view to) {
        const std::string text = replace_all(kFile, from, to);
        REQUIRE(text != kFile);
        is_new(hash_of(text), std::string(from) + " -> " + std::string(to));
    };
    changed("  - pytorch\n  - conda-forge", "  - conda-forge\n  - pytorch");
    changed("  - pytorch\n", "");
    changed("- pytorch\n", "- pytorch\n  - nvidia\n");
    changed("python=3.10", "python=3.1");
    changed("python=3.10", "python==3.10");
    changed("numpy=1.19", "numpy=1.20");
    changed("numpy=1.19", "numpy==1.19");
    changed("numpy=1.19", "numpy=1.19=py310_0");
    changed("numpy=1.19", "conda-forge::numpy=1.19");
    changed("<1.8", "<=1.8");
    changed("torch==1.13.1", "torch==1.13.0");
    changed("torch==1.13.1", "torch==1.13.1+cu117");
    changed("torch==1.13.1", "torch[opt]==1.13.1");
    changed("torch==1.13.1", "torch==1.13.1; python_version>'3'");
    changed("    - torch==1.13.1", "    - --pre\n    - torch==1.13.1");
    changed("    - torch==1.13.1", "    - --extra-index-url https://a.example/x\n    - torch==1.13.1");
    changed("    - torch==1.13.1", "    - --no-index\n    - torch==1.13.1");
    changed("    - torch==1.13.1", "    - \"--only-binary=:all:\"\n    - torch==1.13.1");
    changed("    - torch==1.13.1", "    - -f https://a.example/x\n    - torch==1.13.1");
    changed("    - torch==1.13.1", "    - torch==1.13.1 --hash=sha256:" + std::string(64, 'a'));
    changed("A: \"1\"", "A: \"2\"");
    changed("A: \"1\"", "AA: \"1\"");
    changed("  B: two\n", "");
    changed("numpy=1.19", "numpy=1.19\n  - tqdm");

    ReadOptions options = plain_options();
    const auto asked = [&](const std::string& what) {
        is_new(hash_of(kFile, options), what);
        options = plain_options();
    };
    options.platform = *conda::Platform::parse("linux-aarch64");
    asked("platform");
    options.base_image = "ubuntu:22.04";
    asked("base");
    options.base_image = "ubuntu:24.04";
    asked("another base");
    options.gpu.wanted = true;
    asked("gpu");
    options.gpu = {true, "11.8", "", ""};
    asked("cuda");
    options.gpu = {true, "", "11.8", ""};
    asked("target cuda");
    options.gpu = {false, "", "", "x86_64_v3"};
    asked("target cpu");
    options.variables = {{"C", "3"}};
    asked("--env");
    options.channels = {"nvidia"};
    asked("--channel");
    options.index_urls = {"https://mirror.example/simple"};
    asked("another configured index");
}

TEST_CASE("text cannot move between parts without changing the hash") {
    CHECK(hash_of("channels: [a, bc]\ndependencies: [x]\n") != hash_of("channels: [ab, c]\ndependencies: [x]\n"));
    CHECK(hash_of("channels: [a]\ndependencies: [x]\nvariables: {A: 'B=1', C: d}\n") !=
          hash_of("channels: [a]\ndependencies: [x]\nvariables: {A: B, 1C: d}\n"));
    CHECK(hash_of("channels: [a]\ndependencies: [x, y]\n") != hash_of("channels: [a]\ndependencies: ['x y']\n"));
}

TEST_CASE("parts that are absent leave no trace in the canonical form") {
    CHECK(
        read("channels: [conda-forge]\ndependencies: [numpy=1.19]\n").spec.canonical().canonical() ==
        R"({"channels":["https://conda.anaconda.org/conda-forge"],"conda":["numpy 1.19.*"],"kind":"envbuild.spec","platform":"linux-64","v":1})");
    EnvironmentSpec empty;
    CHECK(empty.canonical().canonical() == R"({"kind":"envbuild.spec","platform":"linux-64","v":1})");
    // The index counts only where something is looked up in it.
    ReadOptions other = plain_options();
    other.index_urls = {"https://mirror.example/simple"};
    CHECK(hash_of("dependencies: [numpy]\n", other) == hash_of("dependencies: [numpy]\n"));
}

TEST_CASE("credentials, mirrors and who asks are not part of the intent") {
    ReadOptions mirrored = plain_options();
    mirrored.channel_settings.mirrors = {{"https://conda.anaconda.org", {"https://mirror.example"}}};
    CHECK(hash_of(kFile, mirrored) == hash_of(kFile));
    const std::string with =
        "channels: ['https://u:p@h.example/t/tok/x']\ndependencies: [a, pip, pip: [--index-url "
        "https://u:p@i.example/simple, b]]\n";
    const std::string without =
        "channels: ['https://h.example/x']\ndependencies: [a, pip, pip: [--index-url https://i.example/simple, b]]\n";
    REQUIRE(hash_of(with).size() == 64);
    CHECK(hash_of(with) == hash_of(without));
    CHECK(hash_of("dependencies: [pip, pip: [--trusted-host h, b]]\n") == hash_of("dependencies: [pip, pip: [b]]\n"));
}

TEST_CASE("-r and -c are the same as their text") {
    const TempDir folder("hash");
    write_file_atomic(folder.path() / "r.txt", "torch==1.13.1\n");
    write_file_atomic(folder.path() / "c.txt", "numpy<2\n");
    const auto hash = [&](std::string_view pip) {
        return read_environment_text("dependencies: [python=3.10, pip, pip: [" + std::string(pip) + "]]\n", "env.yml",
                                     folder.path(), {})
            .spec.hash();
    };
    CHECK(hash("-r r.txt") == hash("torch==1.13.1"));
    const auto before = hash("-r r.txt, -c c.txt");
    CHECK(before != hash("-r r.txt"));
    write_file_atomic(folder.path() / "c.txt", "numpy<3\n");
    CHECK(hash("-r r.txt, -c c.txt") != before);
}

TEST_CASE("a local source counts by the path, mode and bytes of its files") {
    const TempDir folder("hash");
    const auto hash = [&] {
        return read_environment_text("dependencies: [python=3.10, pip, pip: [./pkg]]\n", "env.yml", folder.path(), {})
            .spec.hash();
    };
    write_file_atomic(folder.path() / "pkg/setup.py", "one");
    write_file_atomic(folder.path() / "pkg/.gitignore", "*.log\n/build/\n!keep.log\n");
    const auto one = hash();
    write_file_atomic(folder.path() / "pkg/noise.log", "x");
    write_file_atomic(folder.path() / "pkg/build/out", "x");
    write_file_atomic(folder.path() / "pkg/__pycache__/a.pyc", "x");
    write_file_atomic(folder.path() / "pkg/.git/HEAD", "x");
    CHECK(hash() == one);
    write_file_atomic(folder.path() / "pkg/keep.log", "x");
    const auto two = hash();
    CHECK(two != one);
    write_file_atomic(folder.path() / "pkg/setup.py", "two");
    const auto three = hash();
    CHECK(three != two);
    std::filesystem::permissions(folder.path() / "pkg/setup.py", std::filesystem::perms(0755));
    const auto four = hash();
    CHECK(four != three);
    std::filesystem::rename(folder.path() / "pkg/setup.py", folder.path() / "pkg/set.py");
    CHECK(hash() != four);
}

TEST_CASE("a spec hash is read back") {
    const std::string hex = hash_of(kFile);
    CHECK(SpecHash::parse(hex)->hex() == hex);
    CHECK_FALSE(SpecHash::parse("abc").has_value());
    CHECK_FALSE(SpecHash::parse(hex + "0").has_value());
}

TEST_CASE("pins are a set that counts, and where they are written does not") {
    const auto with = [](const std::vector<WrittenPin>& pins) {
        auto options = plain_options();
        options.pins = pins;
        return hash_of(kFile, options);
    };
    const auto pinned = with({{"numpy 1.19.*", "/home/me/.condarc"}, {"zlib", "--pin"}});
    CHECK(with({{"zlib", "/etc/conda/.condarc"}, {"NumPy=1.19", "--pin"}, {"zlib", "--pin"}}) == pinned);
    CHECK(with({}) == hash_of(kFile));
    CHECK(pinned != hash_of(kFile));
    CHECK(with({{"numpy 1.20.*", "--pin"}, {"zlib", "--pin"}}) != pinned);
    CHECK(with({{"conda-forge::zlib", "--pin"}}) == with({{"https://conda.anaconda.org/conda-forge::zlib", "--pin"}}));
    CHECK(with({{"conda-forge::zlib", "--pin"}}) != with({{"zlib", "--pin"}}));
}

TEST_CASE("a pin that says nothing is an error with the place that it is written at") {
    for (const auto* text : {"numpy >>2", "", "num*", "*[build=cuda]", "numpy\n"}) {
        INFO(text);
        auto options = plain_options();
        options.pins = {{text, "/home/me/.condarc"}};
        const auto refused = refusal("dependencies: [numpy]\n", options);
        CHECK_THAT(refused, Catch::Contains("/home/me/.condarc: ") && Catch::Contains("the pin '") &&
                                Catch::Contains("--no-pin leaves these pins out"));
        options.pins = {{text, "--pin"}};
        CHECK_THAT(refusal("dependencies: [scipy]\n", options),
                   Catch::Contains("the pin '") && !Catch::Contains("--no-pin"));
    }
}
