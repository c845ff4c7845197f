#include "lock/yaml_writer.hpp"

#include "spec/yaml.hpp"

using namespace envbuild;
using namespace envbuild::lock;

TEST_CASE("every text comes back from YAML as the same text and as a string") {
    const std::vector<std::string> texts = {"",
                                            "numpy",
                                            "1.20",
                                            "3.10",
                                            "yes",
                                            "No",
                                            "null",
                                            "~",
                                            "true",
                                            "0x10",
                                            "1e3",
                                            "12:30:45",
                                            "2020-01-01",
                                            "=1.2",
                                            ">=1,<2",
                                            "*",
                                            "&a",
                                            "!x",
                                            "%y",
                                            "@z",
                                            "`q",
                                            "- a",
                                            "a: b",
                                            "a:",
                                            "a #b",
                                            "#b",
                                            "{a: 1}",
                                            "[1]",
                                            "it's",
                                            "\"q\"",
                                            "a\\b",
                                            "ä ö 日本",
                                            "  lead",
                                            "trail  ",
                                            "a\nb",
                                            "a\tb",
                                            "\x01",
                                            "|",
                                            ">",
                                            "?",
                                            "---",
                                            "...",
                                            "https://x/y?a=b#c",
                                            ".nan",
                                            "-.inf",
                                            "0o17",
                                            "1_000",
                                            "y",
                                            "{\"k\": [\"v\"]}"};
    for (const auto& text : texts) {
        CAPTURE(text);
        const auto written = yaml_scalar(text);
        CHECK(written.find('\n') == std::string::npos);
        const auto node =
            spec::parse_yaml("key: " + written + "\n" + yaml_scalar(text.empty() ? "k" : text) + ": 1\n", "t.yml");
        REQUIRE(node);
        const auto* value = node->find("key");
        REQUIRE(value != nullptr);
        CHECK(value->text() == text);
        CHECK(value->is_scalar());
        CHECK(value->scalar_type() == spec::YamlNode::ScalarType::String);
        CHECK(node->members()[1].key.text() == (text.empty() ? "k" : text));
    }
}

TEST_CASE("ordinary words stay plain") {
    for (const auto* text :
         {"numpy", "linux-64", "https://conda.anaconda.org/conda-forge/linux-64/a-1_0.conda", "x86_64"}) {
        CHECK(yaml_scalar(text) == text);
    }
    CHECK(yaml_scalar("1.10") == "'1.10'");
    CHECK(yaml_scalar("it's 1") == "'it''s 1'");
}
