#include "conda/match_spec.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "conda/package_record.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

MatchSpec spec(std::string_view text) {
    return value_or_throw(MatchSpec::parse(text));
}

PackageRecord record(std::string name, std::string_view version, std::string build, std::int64_t number = 0) {
    PackageRecord out;
    out.name = std::move(name);
    out.version = value_or_throw(Version::parse(version));
    out.build = std::move(build);
    out.build_number = number;
    out.subdir = "linux-64";
    return out;
}

std::string refusal(std::string_view text) {
    const auto parsed = MatchSpec::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind() == ErrorKind::InvalidInput);
    return parsed.error().to_string();
}

}  // namespace

TEST_CASE("every form of a spec is read") {
    const auto fields = [](std::string_view text) {
        const MatchSpec s = spec(text);
        return std::vector<std::string>{s.name(), s.version().canonical(), s.build().to_string(), s.channel(),
                                        s.subdir()};
    };
    using Fields = std::vector<std::string>;
    CHECK(fields("numpy") == Fields{"numpy", "*", "*", "", ""});
    CHECK(fields("NumPy=1.19") == Fields{"numpy", "1.19.*", "*", "", ""});
    CHECK(fields("numpy==1.19.2") == Fields{"numpy", "==1.19.2", "*", "", ""});
    CHECK(fields("numpy 1.19.* py38_0") == Fields{"numpy", "1.19.*", "py38_0", "", ""});
    CHECK(fields("numpy=1.19=py38_0") == Fields{"numpy", "==1.19", "py38_0", "", ""});
    CHECK(fields("numpy==1.19=py38_0") == Fields{"numpy", "==1.19", "py38_0", "", ""});
    CHECK(fields("numpy 1.19 py38_0") == Fields{"numpy", "==1.19", "py38_0", "", ""});
    CHECK(fields("numpy>=1.19,<2|2.1") == Fields{"numpy", "<2,>=1.19|==2.1", "*", "", ""});
    CHECK(fields("numpy >= 1.19 , < 2") == Fields{"numpy", "<2,>=1.19", "*", "", ""});
    CHECK(fields("conda-forge::numpy") == Fields{"numpy", "*", "*", "conda-forge", ""});
    CHECK(fields("conda-forge/linux-64::numpy") == Fields{"numpy", "*", "*", "conda-forge", "linux-64"});
    CHECK(fields("*/noarch::numpy") == Fields{"numpy", "*", "*", "", "noarch"});
    CHECK(fields("https://host:8080/ch::numpy 1.0") == Fields{"numpy", "==1.0", "*", "https://host:8080/ch", ""});
    CHECK(fields("https://104.17.92.24:443::flask=2.0.2") ==
          Fields{"flask", "2.0.2.*", "*", "https://104.17.92.24:443", ""});
    CHECK(fields("numpy[version='>=1.2,<2',build=*cuda*,channel=conda-forge,subdir=linux-64]") ==
          Fields{"numpy", "<2,>=1.2", "*cuda*", "conda-forge", "linux-64"});
    CHECK(fields("numpy~=1.4.2") == Fields{"numpy", "~=1.4.2", "*", "", ""});
    CHECK(fields("numpy!=1.4") == Fields{"numpy", "!=1.4", "*", "", ""});
    CHECK(fields("libblas=*=*openblas") == Fields{"libblas", "*", "*openblas", "", ""});
    CHECK(fields("x264=1!164.3095") == Fields{"x264", "1!164.3095.*", "*", "", ""});
    CHECK(fields("libcurl-static  7.76.1 *_0") == Fields{"libcurl-static", "==7.76.1", "*_0", "", ""});
    CHECK(fields("pyarrow>=0.14.0,<2|>2") == Fields{"pyarrow", "<2,>=0.14.0|>2", "*", "", ""});
    CHECK(fields("scikit-learn=") == Fields{"scikit-learn", "*", "*", "", ""});
}

TEST_CASE("a package's URL or path is a spec") {
    const MatchSpec s = spec("https://conda.anaconda.org/conda-forge/linux-64/x264-1%21164.3095-h166bdaf_2.tar.bz2");
    CHECK(s.name() == "x264");
    CHECK(s.version().canonical() == "==1!164.3095");
    CHECK(s.build().to_string() == "h166bdaf_2");
    CHECK(s.channel() == "https://conda.anaconda.org/conda-forge");
    CHECK(s.subdir() == "linux-64");
    PackageRecord r = record("x264", "1!164.3095", "h166bdaf_2");
    r.file_name = "x264-1!164.3095-h166bdaf_2.tar.bz2";
    r.url = value_or_throw(Url::parse("https://conda.anaconda.org/conda-forge/linux-64/" + r.file_name));
    CHECK(s.matches(r));
    r.url = value_or_throw(Url::parse("https://elsewhere.org/conda-forge/linux-64/" + r.file_name));
    CHECK_FALSE(s.matches(r));

    CHECK(spec("/srv/ch/noarch/foo-1.0-0.conda").channel() == "file:///srv/ch");
    CHECK(spec("https://host/foo-1.0-0.conda").name() == "*");
    CHECK(spec("https://host/foo-1.0-0.conda").file_name() == "foo-1.0-0.conda");
}

TEST_CASE("a spec matches records by all of its fields") {
    const PackageRecord r = record("numpy", "1.19.2", "py38_cuda_0", 3);
    CHECK(spec("numpy=1.19").matches(r));
    CHECK(spec("NUMPY").matches(r));
    CHECK_FALSE(spec("numpy-base").matches(r));
    CHECK_FALSE(spec("numpy=1.2").matches(r));
    CHECK(spec("numpy[build=*cuda*]").matches(r));
    CHECK_FALSE(spec("numpy[build=*CUDA*]").matches(r));  // builds are told apart by case, as in conda
    CHECK(spec("numpy[build='^py(38|39)_.*$']").matches(r));
    CHECK(spec("numpy[build_number='>=3']").matches(r));
    CHECK_FALSE(spec("numpy[build_number=2]").matches(r));
    CHECK_FALSE(spec("numpy[build_number=junk]").matches(r));
    CHECK(spec("numpy[subdir=linux-64]").matches(r));
    CHECK_FALSE(spec("numpy[subdir=noarch]").matches(r));
    CHECK(spec("num*").matches(r));
    CHECK_FALSE(spec("num*").has_exact_name());
    CHECK(MatchSpec().matches(r));

    PackageRecord full = r;
    full.sha256 = sha256("x");
    full.md5 = md5_hex("x");
    full.license = "BSD-3-Clause";
    full.track_features = {"mkl", "debug"};
    CHECK(spec("numpy[sha256=" + full.sha256->hex() + ",md5=" + full.md5 + "]").matches(full));
    CHECK_FALSE(spec("numpy[sha256=" + sha256("y").hex() + "]").matches(full));
    CHECK_FALSE(spec("numpy[sha256=" + full.sha256->hex() + "]").matches(r));
    CHECK(spec("numpy[license=bsd-3-clause]").matches(full));
    CHECK(spec("numpy[license='BSD*']").matches(full));
    CHECK(spec("numpy[track_features='debug mkl']").matches(full));
    CHECK_FALSE(spec("numpy[track_features=mkl]").matches(full));
}

TEST_CASE("spellings of one meaning have one canonical form") {
    const auto same = [](std::initializer_list<const char*> texts) {
        const std::string first = spec(*texts.begin()).canonical();
        for (const char* text : texts) {
            INFO(text << " against " << first);
            CHECK(spec(text).canonical() == first);
        }
    };
    same({"numpy=1.19", "numpy 1.19.*", "numpy[version='1.19.*']", "NumPy =1.19", "numpy=1.19.*", "numpy=1.19*",
          "numpy  1.19*"});
    same({"numpy==1.19.2", "numpy 1.19.2", "numpy ==1.19.2", "numpy[version=1.19.2]", "numpy[version='==1.19.2']"});
    same({"numpy=1.19=py_0", "numpy 1.19 py_0", "numpy==1.19=py_0", "numpy[version=1.19,build=py_0]",
          "numpy[build=py_0 version='1.19']"});
    same({"numpy>=1,<2", "numpy <2,>=1", "numpy >= 1, < 2", "numpy>=1,<2,>=1", "numpy[version='>=1,<2']"});
    same({"numpy", "numpy *", "numpy=*", "numpy * *", "numpy[version=*]", "numpy="});
    same({"conda-forge::numpy", "numpy[channel=conda-forge]", "conda-forge::numpy *"});
    CHECK(spec("numpy=1.19").canonical() == "numpy 1.19.*");
    CHECK(spec("numpy=1.19=py_0").canonical() == "numpy ==1.19 py_0");
    CHECK(spec("numpy[build=*cuda*]").canonical() == "numpy * *cuda*");
    CHECK(spec("a::numpy=1.19").canonical("https://h/a") == "numpy 1.19.*[channel='https://h/a']");
    CHECK(spec("a::numpy").with_channel("https://h/a").canonical() == "numpy[channel='https://h/a']");
}

TEST_CASE("a URL whose host is an IPv6 address has a canonical form that reads back") {
    const auto reads_back = [](const std::string& canonical) {
        const auto again = MatchSpec::parse(canonical, Dialect::Conda);
        REQUIRE(again);
        CHECK(again->canonical() == canonical);
        return *again;
    };
    const auto file = spec("http://[::1]:8080/ch/linux-64/numpy-1.19-py_0.conda");
    CHECK(file.channel() == "http://[::1]:8080/ch");
    const auto again = reads_back(file.canonical(file.channel()));
    CHECK(again.name() == "numpy");
    PackageRecord record;
    record.name = "numpy";
    record.version = value_or_throw(Version::parse("1.19"));
    record.build = "py_0";
    record.subdir = "linux-64";
    record.file_name = "numpy-1.19-py_0.conda";
    record.url = value_or_throw(Url::parse(file.url()));
    CHECK(file.matches(record));
    CHECK(again.matches(record));
    reads_back(spec("http://[::1]/numpy-1.19-py_0.conda").canonical());
    reads_back(spec("numpy").canonical("http://[::1]/ch"));
    reads_back(spec("https://host/it's/linux-64/numpy-1.19-py_0.conda").canonical());
}

TEST_CASE("a channel in which a platform's folder lies in another is refused") {
    for (const auto* text :
         {"https://h/ch/linux-64/x/linux-64/numpy-1.19-py_0.conda", "https://h/linux-64/x/noarch::numpy"}) {
        INFO(text);
        const auto parsed = MatchSpec::parse(text);
        REQUIRE_FALSE(parsed);
        CHECK_THAT(parsed.error().message(), Catch::Contains("one in another"));
    }
}

TEST_CASE("different meanings have different canonical forms") {
    const std::vector<std::string> texts = {"numpy",
                                            "numpy=1.19",
                                            "numpy==1.19",
                                            "numpy 1.19 py_0",
                                            "numpy=1.19.*=py_0",
                                            "numpy>=1.19",
                                            "numpy>1.19",
                                            "numpy~=1.19",
                                            "numpy!=1.19",
                                            "numpy!=1.19.*",
                                            "numpy=1",
                                            "numpy=1.190",
                                            "a::numpy",
                                            "b::numpy",
                                            "a/linux-64::numpy",
                                            "numpy[build_number=1]",
                                            "numpy[build_number='>=1']",
                                            "numpy * 1",
                                            "numpy-base",
                                            "numpy[md5=0123456789abcdef0123456789abcdef]",
                                            "numpy[fn=a]",
                                            "numpy[license=mit]",
                                            "numpy[license_family=mit]",
                                            "numpy[features=mkl]",
                                            "numpy[track_features=mkl]",
                                            "https://host/numpy-1.19-0.conda",
                                            "*",
                                            "num*"};
    std::set<std::string> canonical;
    for (const auto& text : texts) canonical.insert(spec(text).canonical());
    CHECK(canonical.size() == texts.size());
}

TEST_CASE("a refused spec says why, with a caret under the fault") {
    const auto error = MatchSpec::parse("numpy >=1.0,><2").error();
    CHECK_THAT(error.hint(), Catch::StartsWith("numpy >=1.0,><2\n            ^"));
    CHECK_THAT(refusal("fsspec!"), Catch::Contains("no version stands behind '!'"));
    CHECK_THAT(refusal("numpy=="), Catch::Contains("no version"));
    CHECK_THAT(refusal("bioconda:snpsift=4.3.1t"), Catch::Contains("did you mean bioconda::snpsift=4.3.1t?"));
    CHECK_THAT(refusal("torchmetrics[image]"), Catch::Contains("pip"));
    CHECK_THAT(refusal("numpy[version<2]"), Catch::Contains("[version='<2']"));
    CHECK_THAT(refusal("numpy[vresion='<2']"), Catch::Contains("'version'"));
    CHECK_THAT(refusal("numpy[version=]"), Catch::Contains("no value"));
    CHECK_THAT(refusal("numpy[build=a][version=2]"), Catch::Contains("brackets"));
    CHECK_THAT(refusal("numpy[build=a,build=b]"), Catch::Contains("twice"));
    CHECK_THAT(refusal("numpy (>=1,<2)"), Catch::Contains("parentheses"));
    CHECK_THAT(refusal("numpy if linux"), Catch::Contains("condition"));
    CHECK_THAT(refusal("numpy --pre --upgrade"), Catch::Contains("pip section"));
    CHECK_THAT(refusal("numpy 1.0 py38 0"), Catch::Contains("name, version and build"));
    CHECK_THAT(refusal("blas=mkl debug=true"), Catch::Contains("space"));
    CHECK_THAT(refusal("==1.0"), Catch::Contains("no package name"));
    CHECK_THAT(refusal("conda-forge/numpy"), Catch::Contains("'::'"));
    CHECK_THAT(refusal("a&&b"), Catch::Contains("character"));
    CHECK_THAT(refusal("a--b"), Catch::Contains("not a valid package name"));
    CHECK_THAT(refusal("numpy ==1.0 && rm -rf"), Catch::Contains("space"));
    CHECK_THAT(refusal(""), Catch::Contains("empty"));
    CHECK_THAT(refusal("numpy\nscipy"), Catch::Contains("line break"));
    CHECK_THAT(refusal("tensorflow[name=pytorch]"), Catch::Contains("twice"));
    CHECK_THAT(refusal("conda-*::numpy"), Catch::Contains("channels"));
    CHECK_THAT(refusal(std::string(100000, '(')), Catch::Contains("not a package spec"));
}

TEST_CASE("carets count characters, not bytes") {
    const auto error = MatchSpec::parse("çé&b").error();
    CHECK_THAT(error.hint(), Catch::Contains("\n^"));  // 'ç' is at fault itself
    const auto later = MatchSpec::parse("numpy[license='é',bad=1]").error();
    CHECK_THAT(later.hint(), Catch::StartsWith("numpy[license='é',bad=1]\n                  ^"));
}

TEST_CASE("conda's own reading is there for records") {
    const auto lenient = [](std::string_view text) { return value_or_throw(MatchSpec::parse(text, Dialect::Conda)); };
    CHECK(lenient("bioconda:snpsift=4.3.1t").name() == "snpsift");
    CHECK(lenient("numpy[version<2]").version().is_any());
    CHECK(lenient("fsspec!").name() == "fsspec");
    CHECK(lenient("python >=3.6 and linux").build().to_string() == "and linux");
}

TEST_CASE("what conda reads otherwise than it looks is told") {
    CHECK(match_spec_warnings("numpy>=1.0").empty());
    CHECK(match_spec_warnings("numpy").empty());
    CHECK(match_spec_warnings("https://host/noarch/a-1-0.conda").empty());
    const auto only = [](std::string_view text) {
        const auto warnings = match_spec_warnings(text);
        REQUIRE(warnings.size() == 1);
        return warnings.front();
    };
    CHECK_THAT(only("rust =>1.65.0"), Catch::Contains("did you mean '>=1.65.0'"));
    CHECK_THAT(only("pandoc=<2.0.0"), Catch::Contains("did you mean '<=2.0.0'"));
    CHECK_THAT(only("scikit-learn="), Catch::Contains("any version"));
    CHECK_THAT(only("numpy  # pinned"), Catch::Contains("comment"));
}

TEST_CASE("credentials in a spec reach neither its text nor its canonical form") {
    const MatchSpec s = spec("https://user:s3cret@host/t/tk-123/ch/noarch/foo-1.0-0.conda");
    CHECK(s.to_string().find("s3cret") == std::string::npos);
    CHECK(s.to_string().find("tk-123") == std::string::npos);
    CHECK(s.canonical("https://host/ch").find("s3cret") == std::string::npos);
    CHECK(s.canonical("https://host/ch").find("tk-123") == std::string::npos);
    CHECK(s.channel().find("s3cret") != std::string::npos);  // for the wire
    const auto refused = MatchSpec::parse("https://user:s3cret@host/ch::a&b");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().to_string().find("s3cret") == std::string::npos);
}
