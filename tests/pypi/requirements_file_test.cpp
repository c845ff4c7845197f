#include "pypi/requirements_file.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"

using namespace envbuild;
using namespace envbuild::pypi;

namespace {

struct Parsed {
    Requirements result;

    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const auto& requirement : result.requirements) out.push_back(requirement.line.canonical());
        return out;
    }
    [[nodiscard]] std::string first_message() const {
        return result.diagnostics.empty() ? "" : result.diagnostics.front().to_string();
    }
};

Parsed parse(std::string_view text, const std::filesystem::path& directory = "/w") {
    RequirementsParser parser({{}, directory, {}});
    parser.add_file_text(text, (directory / "requirements.txt").string());
    return {parser.take()};
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("comments, blank lines and continuations") {
    const auto parsed = parse(
        "# head\n\n  numpy  # trailing\nx==1 \\\n  ; os_name == 'a'\ny#z==1\ngunicorn==20.0.4 \\\n    # via nothing\nz "
        "\\");
    INFO(parsed.first_message());
    CHECK(parsed.lines() == Lines{"numpy", "x==1; os_name == \"a\"", "gunicorn==20.0.4", "z"});
    REQUIRE(parsed.result.diagnostics.size() == 1);  // y#z is no name
    CHECK(parsed.result.diagnostics[0].place.line == 6);
    CHECK(parsed.result.requirements[2].place.line == 7);
}

TEST_CASE("an error points at its line and column") {
    const auto parsed = parse("numpy\n  pandas=1.0\n");
    CHECK(parsed.first_message() ==
          "/w/requirements.txt:2:9: error: 'pandas' has a single '=', which is conda's spelling\n"
          "    pandas=1.0\n"
          "          ^\n"
          "  in pip's part write pandas==1.0");
}

TEST_CASE("options of the whole file") {
    const auto parsed = parse(
        "--extra-index-url https://gone.example/simple\n-i https://one.example/simple/ "
        "--extra-index-url=https://two.example/simple\n"
        "--extra-index https://three.example\n-f ./wheels\n--find-links "
        "https://links.example/x.html\n--pre\n--prefer-binary\n--require-hashes\n"
        "--no-binary=Foo_Bar,baz\n--only-binary baz\n--trusted-host One.example\n--use-feature=x\nnumpy\n");
    INFO(parsed.first_message());
    REQUIRE(parsed.result.ok());
    const auto& indexes = parsed.result.indexes;
    // As in pip, -i forgets what was named before it.
    CHECK(indexes.index_urls ==
          Lines{"https://one.example/simple", "https://two.example/simple", "https://three.example"});
    CHECK(indexes.find_links == Lines{"./wheels", "https://links.example/x.html"});
    CHECK(indexes.pre);
    CHECK(indexes.prefer_binary);
    CHECK(indexes.require_hashes);
    CHECK(indexes.no_binary == Lines{"foo-bar"});
    CHECK(indexes.only_binary == Lines{"baz"});
    CHECK(indexes.trusted_hosts == Lines{"one.example"});
    REQUIRE(parsed.result.diagnostics.size() == 1);
    CHECK(parsed.result.diagnostics[0].severity == Diagnostic::Severity::Warning);
}

TEST_CASE("an extra index alone leaves the configured one first") {
    CHECK(parse("--extra-index-url https://two.example\nx").result.indexes.index_urls ==
          Lines{"", "https://two.example"});
    CHECK(parse("x").result.indexes.index_urls.empty());
    CHECK(parse("-i https://one.example\n--no-index\nx").result.indexes.index_urls.empty());
    CHECK(parse("--no-binary :all:\n--no-binary :none:\n--only-binary=:all:,x\n").result.indexes.only_binary ==
          Lines{":all:", "x"});
}

TEST_CASE("options that pip does not know are named") {
    CHECK(parse("--no-deps\n").first_message().find("--no-deps is an option of the command pip install") !=
          std::string::npos);
    CHECK(parse("--extra-indx-url https://x\n").first_message().find("did you mean --extra-index-url?") !=
          std::string::npos);
    CHECK(parse("--index-url\n").first_message().find("--index-url needs a value") != std::string::npos);
    CHECK(parse("--pre=1\n").first_message().find("--pre takes no value") != std::string::npos);
    CHECK(parse("--index-url \"https://x\n").first_message().find("the quote is not closed") != std::string::npos);
    CHECK(parse("-r a.txt [--no-deps]\n").first_message().find("'[--no-deps]' belongs to no option") !=
          std::string::npos);
    CHECK(parse("-i pypi.org/simple\n").first_message().find("is not a URL") != std::string::npos);
}

TEST_CASE("-r and -c are inlined from the folder of the file that names them") {
    const TempDir folder("requirements");
    write_file_atomic(folder.path() / "sub/more.txt", "-r deeper/deep.txt\nb==2\n./local\n");
    write_file_atomic(folder.path() / "sub/deeper/deep.txt", "c==3\r\n");
    write_file_atomic(folder.path() / "limits.txt", "a<9\n-r sub/deeper/deep.txt\n");
    const auto parsed = parse("a==1\n-r sub/more.txt\n--constraint=limits.txt\n", folder.path());
    INFO(parsed.first_message());
    CHECK(parsed.lines() == Lines{"a==1", "c==3", "b==2", "./local"});
    REQUIRE(parsed.result.constraints.size() == 2);
    CHECK(parsed.result.constraints[0].line.canonical() == "a<9");
    CHECK(parsed.result.constraints[1].line.canonical() == "c==3");
    CHECK(parsed.result.included.size() == 4);
    CHECK(parsed.result.requirements[1].place.file == (folder.path() / "sub/deeper/deep.txt").string());
}

TEST_CASE("what cannot be inlined is refused") {
    const TempDir folder("requirements");
    write_file_atomic(folder.path() / "loop.txt", "-r requirements.txt\n");
    write_file_atomic(folder.path() / "self.txt", "-r ./self.txt\n");
    write_file_atomic(folder.path() / "constraint.txt", "-e .\n");
    CHECK(parse("-r loop.txt\n", folder.path()).first_message().find("includes itself") != std::string::npos);
    CHECK(parse("-r self.txt\n", folder.path()).first_message().find("includes itself") != std::string::npos);
    CHECK(parse("-r gone.txt\n", folder.path()).first_message().find("gone.txt") != std::string::npos);
    CHECK(parse("-r https://h/r.txt\n", folder.path()).first_message().find("requirements from a URL are not read") !=
          std::string::npos);
    CHECK(parse("-c constraint.txt\n", folder.path()).first_message().find("a constraint is a name and a version") !=
          std::string::npos);
}

TEST_CASE("files that include each other over and over end in an error, not in memory") {
    const TempDir folder("requirements");
    for (int i = 0; i < 12; ++i) {
        const std::string next = "-r f" + std::to_string(i + 1) + ".txt\n";
        write_file_atomic(folder.path() / ("f" + std::to_string(i) + ".txt"), next + next + next);
    }
    write_file_atomic(folder.path() / "f12.txt", "x\n");
    const auto parsed = parse("-r f0.txt\n", folder.path());
    CHECK_FALSE(parsed.result.ok());
    CHECK(parsed.first_message().find("more than 200 files are included") != std::string::npos);
}

TEST_CASE("an item of a pip section keeps the place it was given") {
    RequirementsParser parser({{}, "/w", {}});
    parser.add_item("numpy=1", {"env.yml", 7, 9});
    parser.add_item("a\nb c\n", {"env.yml", 9, 5});
    const auto result = parser.take();
    REQUIRE(result.diagnostics.size() == 2);
    CHECK(result.diagnostics[0].place == SourcePlace{"env.yml", 7, 14});
    CHECK(result.diagnostics[1].place == SourcePlace{"env.yml", 10, 0});
}

TEST_CASE("a file in UTF-16 is read and one in Latin-1 is refused") {
    const TempDir folder("requirements");
    write_file_atomic(folder.path() / "a.txt", std::string("\xFF\xFEn\0u\0m\0p\0y\0\r\0\n\0", 16));
    CHECK(read_requirements_text(folder.path() / "a.txt") == "numpy\n");
    write_file_atomic(folder.path() / "b.txt", "numpy\n# caf\xE9\n");
    CHECK_THROWS_WITH(read_requirements_text(folder.path() / "b.txt"),
                      Catch::Matchers::Contains("b.txt:2: the line holds bytes that are not UTF-8"));
}
