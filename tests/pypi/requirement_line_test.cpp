#include "pypi/requirement_line.hpp"

#include <catch2/catch.hpp>

#include "pypi/requirements_file.hpp"

using namespace envbuild;
using namespace envbuild::pypi;

namespace {

// The canonical form of one line of a requirements file, or the first error.
std::string canonical(std::string_view line, const ProcessEnv& env = {}) {
    RequirementsParser parser({env, "/work-folder", [](const auto&) { return std::string(); }});
    parser.add_file_text(line, "requirements.txt");
    const auto result = parser.take();
    for (const auto& diagnostic : result.diagnostics) {
        if (diagnostic.severity == Diagnostic::Severity::Error) return "refused: " + diagnostic.message;
    }
    REQUIRE(result.requirements.size() == 1);
    return result.requirements.front().line.canonical();
}

std::string hint(std::string_view line) {
    RequirementsParser parser({{}, "/work-folder", {}});
    parser.add_file_text(line, "requirements.txt");
    const auto result = parser.take();
    return result.diagnostics.empty() ? "" : result.diagnostics.front().hint;
}

}  // namespace

TEST_CASE("names are normalised as PEP 503 says") {
    CHECK(normalize_name("Foo.Bar__baz") == "foo-bar-baz");
    CHECK(normalize_name("PyYAML") == "pyyaml");
    CHECK(normalize_name("a-_.b") == "a-b");
}

TEST_CASE("a requirement by name has one spelling") {
    CHECK(canonical("NumPy") == "numpy");
    CHECK(canonical("numpy == 1.19.5") == "numpy==1.19.5");
    CHECK(canonical("numpy (>=1.19, <2)") == "numpy<2,>=1.19");
    CHECK(canonical("Requests [Socks,security] >= 2.8.1 ; python_version<'3'  # old") ==
          "requests[security,socks]>=2.8.1; python_version < \"3\"");
    CHECK(canonical("zope.interface>=5,  !=5.3") == "zope-interface!=5.3,>=5");
    CHECK(canonical("x-y[]") == "x-y");
}

TEST_CASE("a URL, a repository and an archive have one spelling") {
    CHECK(canonical("torch @ https://Download.pytorch.org:443/whl/torch-1.0-cp311-cp311-linux_x86_64.whl") ==
          "torch @ https://download.pytorch.org/whl/torch-1.0-cp311-cp311-linux_x86_64.whl");
    CHECK(canonical("https://example.org/a-1.0.zip#egg=A_b") == "a-b @ https://example.org/a-1.0.zip");
    CHECK(canonical("git+https://github.com/o/r.git@v1#egg=r[x]&subdirectory=sub") ==
          "r[x] @ git+https://github.com/o/r.git@v1#subdirectory=sub");
    CHECK(canonical("r[x]@git+https://github.com/o/r.git@v1#subdirectory=sub") ==
          "r[x] @ git+https://github.com/o/r.git@v1#subdirectory=sub");
    CHECK(canonical("-e git+https://github.com/o/r.git#egg=r") == "-e git+https://github.com/o/r.git#egg=r");
    CHECK(canonical("git+ssh://git@github.com/o/r.git") == "git+ssh://git@github.com/o/r.git");
    CHECK(canonical("a @ https://h/a.zip ; sys_platform == 'linux'") ==
          "a @ https://h/a.zip ; sys_platform == \"linux\"");
    CHECK(canonical("https://h/a.zip#sha256=" + std::string(64, 'A')) ==
          "https://h/a.zip --hash=sha256:" + std::string(64, 'a'));
}

TEST_CASE("a local source is named from the file's folder") {
    CHECK(canonical(".") == ".");
    CHECK(canonical("-e .") == "-e .");
    CHECK(canonical("--editable=./pkg/[dev]") == "-e ./pkg[dev]");
    CHECK(canonical("-e file:.") == "-e .");
    CHECK(canonical("pkg/sub/../wheel-1.0-py3-none-any.whl") == "./pkg/wheel-1.0-py3-none-any.whl");
    CHECK(canonical("thing-1.0-py3-none-any.whl") == "./thing-1.0-py3-none-any.whl");
    CHECK(canonical("/work-folder/pkg") == "./pkg");
    CHECK(canonical("/else/pkg") == "/else/pkg");
    CHECK(canonical("../up") == "../up");
    CHECK(canonical("name @ file:///else/a%20b.whl") == "/else/a b.whl");
    CHECK(canonical("-e file:../../.#egg=x&subdirectory=plugins/x") == "-e ../plugins/x");
}

TEST_CASE("hashes and per-requirement options belong to the line") {
    const std::string a(64, 'a');
    const std::string b(64, 'b');
    CHECK(canonical("x==1 --hash=sha256:" + b + " \\\n  --hash sha256:" + a) ==
          "x==1 --hash=sha256:" + a + " --hash=sha256:" + b);
    CHECK(canonical("x==1 --config-settings=k=v") == "x==1 --config-settings=k=v");
    CHECK_THAT(canonical("file:///w/x-1-py3-none-any.whl#md5=" + std::string(32, 'a')),
               Catch::Contains("a local file is not checked by md5"));
    // Of a download pip checks it.
    CHECK_THAT(canonical("x @ https://h/x-1-py3-none-any.whl#md5=" + std::string(32, 'a')),
               Catch::Contains("#md5=aaaa"));
    for (const auto* line : {"git+https://h/r.git#subdirectory=a%0Ab", "https://h/x.tar.gz#subdirectory=a%0D",
                             "file:///w/x.tar.gz#subdirectory=%1b", "git+https://h/r.git#more=%00"}) {
        INFO(line);
        CHECK_THAT(canonical(line), Catch::Contains("control character"));
    }
    CHECK(canonical("x==1 --hash=md5:abc") == "refused: --hash takes sha256:, sha384: or sha512:, not 'md5:abc'");
    CHECK(canonical("x==1 --hash=sha256:1234") == "refused: --hash=sha256: needs 64 hexadecimal digits and has 4");
}

TEST_CASE("variables are expanded, and an unset one is an error") {
    const ProcessEnv env({{"VERSION", "1.2"}, {"TOKEN", "s3cret"}, {"PKG_HOST", "h.example"}});
    CHECK(canonical("x==${VERSION}", env) == "x==1.2");
    CHECK(canonical("x==$VERSION", env).starts_with("refused"));
    CHECK(canonical("x==${NOPE}", env) == "refused: the variable NOPE is not set");
    CHECK(canonical("x @ https://u:${TOKEN}@${PKG_HOST}/x.whl", env) == "x @ https://h.example/x.whl");
    CHECK(canonical("x @ https://u:${NOPE}@h.example/x.whl", env) == "x @ https://h.example/x.whl");
}

TEST_CASE("credentials are handed over apart and show in no message") {
    const ProcessEnv env(std::map<std::string, std::string, std::less<>>{{"TOKEN", "s3cret"}});
    RequirementsParser parser({env, "/w", {}});
    parser.add_file_text(
        "x @ https://u:${TOKEN}@h/x.whl\ny @ https://u:${TOKEN}@h:bad/y.whl\nz https://u:hunter2@h/z.whl\n--index-url "
        "https://k:${TOKEN}@i/simple/\n",
        "r.txt");
    const auto result = parser.take();
    REQUIRE(result.with_credentials.size() == 2);
    CHECK(result.with_credentials[0].user_info()->password.reveal() == "s3cret");
    CHECK(result.with_credentials[1].to_string() == "https://i/simple/");
    CHECK(result.indexes.index_urls == std::vector<std::string>{"https://i/simple"});
    CHECK_FALSE(result.ok());
    for (const auto& diagnostic : result.diagnostics) {
        CHECK(diagnostic.to_string().find("s3cret") == std::string::npos);
        CHECK(diagnostic.to_string().find("hunter2") == std::string::npos);
    }
}

TEST_CASE("slips get an answer that helps") {
    CHECK(canonical("wget=3.2") == "refused: 'wget' has a single '=', which is conda's spelling");
    CHECK(hint("wget=3.2") == "in pip's part write wget==3.2");
    CHECK(hint("fiona=~1.9") == "write fiona~=1.9");
    CHECK(hint("rust =>1.65") == "write rust>=1.65");
    CHECK(hint("numpy 1.19") == "write numpy==1.19");
    CHECK(canonical("numpy pandas scipy") == "refused: 'pandas' stands after 'numpy': one line holds one requirement");
    CHECK(canonical("jupyter && jupyter contrib install").starts_with("refused: '&&' is shell text"));
    CHECK(canonical("pip install numpy").starts_with("refused: the line begins with the command"));
    CHECK(canonical("numpy --pre --upgrade").starts_with("refused: --pre counts for the whole file"));
    CHECK(canonical("aiohttp --no-deps").starts_with("refused: --no-deps is an option of the command pip install"));
    CHECK(canonical("x --install-option=y").starts_with("refused: --install-option is gone"));
    CHECK(canonical("conda-forge::x >=3").starts_with("refused: 'channel::package' is conda's spelling"));
    CHECK(canonical("_libgcc_mutex==0.1").starts_with("refused: a requirement begins"));
    CHECK(canonical("C:\\wheels\\x.whl").starts_with("refused: 'C:\\wheels\\x.whl' is a Windows path"));
    CHECK(canonical("git+git@github.com:o/r.git").starts_with("refused"));
    CHECK(hint("git+ssh://git@github.com:o/r.git") ==
          "in a URL a '/' stands between host and path: HOST/OWNER, not HOST:OWNER");
    CHECK(canonical("-e https://h/x.zip").starts_with("refused: -e takes a folder"));
    CHECK(canonical("git+https://h/r.git#subdirectory=../..").starts_with("refused"));
    CHECK(canonical("x @ svn://h/x").starts_with("refused: pip does not know the scheme svn"));
}

TEST_CASE("PEP 508 alone") {
    CHECK(parse_requirement("typing-extensions (>=3.7); python_version < \"3.8\"")->canonical() ==
          "typing-extensions>=3.7; python_version < \"3.8\"");
    const auto bad = parse_requirement("numpy >= ");
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().kind() == ErrorKind::InvalidInput);
    CHECK(bad.error().hint().find("numpy >=\n  ") == 0);
}

TEST_CASE("the canonical form reads back as itself") {
    const std::string hash(64, 'c');
    for (const std::string& line :
         {std::string("a[b,c]<2,>=1; os_name == \"x\""), std::string("a @ https://h/a.zip#k=v ; os_name == \"x\""),
          std::string("-e git+https://h/r.git@1#subdirectory=s&egg=r[x]"), std::string("-e ./pkg[dev]"),
          std::string("git+ssh://git@h/r.git"), "x==1 --hash=sha256:" + hash}) {
        CHECK(canonical(line) == line);
    }
}
