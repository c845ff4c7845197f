#include "pypi/core_metadata.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using envbuild::pypi::CoreMetadata;

namespace {

constexpr std::string_view kHead = "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\n";

std::string why_not(const std::string& text) {
    const auto metadata = CoreMetadata::parse(text, "METADATA");
    if (metadata) return "taken";
    CHECK(metadata.error().kind() == ErrorKind::Corrupt);
    return metadata.error().message();
}

}  // namespace

TEST_CASE("metadata says name, version and requirements") {
    const auto metadata = *CoreMetadata::parse(
        "\xef\xbb\xbfMetadata-Version: 2.1\r\nName: Foo.Bar\r\nversion: 1.0.0+cu118\r\nSummary: a\r\n        b: c\r\n"
        "Requires-Dist: numpy (>=1.19,<2)\r\nrequires-dist: tests ; extra == 'Test_All'\r\n"
        "Requires-Dist: folded\r\n >=1.0 ;\r\n\tpython_version < '4'\r\nRequires-Python: >=3.8\r\nProvides-Extra: "
        "Test_All\r\n"
        "Classifier: X\r\n\r\nRequires-Dist: not-a-header\r\nName: other\r\n",
        "METADATA");
    CHECK(metadata.name == "foo-bar");
    CHECK(metadata.version.to_string() == "1.0.0+cu118");
    REQUIRE(metadata.requires_dist.size() == 3);
    CHECK(metadata.requires_dist[0].to_string() == "numpy<2,>=1.19");
    CHECK(metadata.requires_dist[1].to_string() == "tests; extra == \"test-all\"");
    CHECK(metadata.requires_dist[2].to_string() == "folded>=1.0; python_version < \"4\"");
    CHECK(metadata.requires_python->to_string() == ">=3.8");
    CHECK(metadata.provides_extra == std::vector<std::string>{"test-all"});
    CHECK(metadata.warnings.empty());
}

TEST_CASE("a Requires-Python that is none is passed over, and told") {
    const auto metadata = *CoreMetadata::parse(std::string(kHead) + "Requires-Python: >=3.*\n", "METADATA");
    CHECK_FALSE(metadata.requires_python.has_value());
    REQUIRE(metadata.warnings.size() == 1);
    CHECK(metadata.warnings[0].starts_with("METADATA: Requires-Python '>=3.*' is passed over: "));
}

TEST_CASE("a source archive's requirements are known where they are not dynamic") {
    const auto known = [](const std::string& version, const std::string& more = "") {
        return CoreMetadata::parse("Metadata-Version: " + version + "\nName: a\nVersion: 1\n" + more, "PKG-INFO")
            ->has_known_requirements();
    };
    CHECK_FALSE(known("2.1"));
    CHECK(known("2.2"));
    CHECK(known("2.10", "Dynamic: Description\n"));
    CHECK_FALSE(known("2.2", "Dynamic: requires-DIST\n"));
    CHECK_FALSE(known("2.3", "Dynamic: License\nDynamic: Provides-Extra\n"));
    CHECK_FALSE(known("2.4", "Dynamic: Requires-Python\n"));
}

TEST_CASE("broken metadata is refused with the line") {
    CHECK(why_not("") == "METADATA: the metadata has no Metadata-Version");
    CHECK(why_not("Name: a\nVersion: 1\n") == "METADATA: the metadata has no Metadata-Version");
    CHECK(why_not("Metadata-Version: two\nName: a\nVersion: 1\n") == "METADATA: the metadata has no Metadata-Version");
    CHECK(why_not("Metadata-Version: 3.0\nName: a\nVersion: 1\n") ==
          "METADATA: the metadata is of Metadata-Version 3.0, which is not known");
    CHECK(why_not("Metadata-Version: 2.1\nVersion: 1\n") == "METADATA: the metadata has no Name");
    CHECK(why_not("Metadata-Version: 2.1\nName: a\n") == "METADATA: the metadata has no Version");
    CHECK(why_not("Metadata-Version: 2.1\nName: a\nVersion: latest\n") ==
          "METADATA:3: the metadata has a Version that is none: 'latest'");
    CHECK(why_not(std::string(kHead) + "Name: b\n") == "METADATA:4: the metadata gives name a second time");
    CHECK(why_not(std::string(kHead) + "Requires-Dist: x (>dev)\n")
              .starts_with("METADATA:4: the metadata has a Requires-Dist that is no requirement, 'x (>dev)': "));
    CHECK(why_not(std::string(kHead) + "Requires-Dist: \n").find("METADATA:4") == 0);
    CHECK(why_not("<html>\n<body>") == "METADATA:1: the metadata is no header field");
    CHECK(why_not(" folded: from nothing\n") == "METADATA:1: the metadata is no header field");
    CHECK(why_not(std::string(kHead) + "no colon here\n") == "METADATA:4: the metadata is no header field");
    CHECK(why_not(std::string(kHead) + "Requires-Dist: \x1b[31m\n").find('\x1b') == std::string::npos);
}

TEST_CASE("metadata that breaks off anywhere is read or refused, never more") {
    const std::string whole =
        std::string(kHead) + "Requires-Dist: a>=1\n  ,<2 ; os_name == 'posix'\nProvides-Extra: x\n\nbody";
    for (std::size_t n = 0; n <= whole.size(); ++n) {
        const auto metadata = CoreMetadata::parse(whole.substr(0, n), "METADATA");
        if (metadata) CHECK(metadata->name == "foo-bar");
        if (n < whole.find("1.0")) CHECK_FALSE(metadata.has_value());
    }
}

TEST_CASE("texts are kept as they are written, for those who pass them on") {
    const auto metadata = CoreMetadata::parse(
        "Metadata-Version: 2.1\nName: Foo\nVersion: 2021.05.1\nRequires-Dist: Bar (>=1,\n <2)\n", "w");
    REQUIRE(metadata);
    CHECK(metadata->version_text == "2021.05.1");
    CHECK(metadata->requires_dist_texts == std::vector<std::string>{"Bar (>=1, <2)"});
}
