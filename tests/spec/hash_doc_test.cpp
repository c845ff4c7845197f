// docs/hash.md is held to what the code does: every example is read and hashed again.
#include <catch2/catch.hpp>
#include <set>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "spec/spec_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;

namespace {

struct Example {
    std::string section, language, text, options, hash;
    int line = 0;
};

// A fenced block of yaml or text, and below it the line "→ `<64 hex digits>`", perhaps with ", with `--gpu`" behind it.
std::vector<Example> examples_of(std::string_view document) {
    std::vector<Example> examples;
    std::string section;
    std::optional<Example> open;
    bool inside = false;
    std::string_view previous;
    int number = 0;
    for (const auto line : split(document, '\n')) {
        ++number;
        if (inside && line == "```") {
            inside = false;
        } else if (inside) {
            open->text.append(line).append("\n");
        } else if (line.starts_with("#")) {
            section = line;
        } else if ((line == "```yaml" || line == "```text") && previous != "<!-- whole -->") {
            REQUIRE_FALSE(open.has_value());  // the block before has no hash
            open = Example{section, std::string(line.substr(3)), "", "", "", number};
            inside = true;
        } else if (line.starts_with("→ `")) {
            REQUIRE(open.has_value());
            const auto rest = line.substr(std::string_view("→ `").size());
            open->hash = rest.substr(0, 64);
            if (const auto with = rest.find(", with `"); with != std::string_view::npos) {
                open->options = rest.substr(with + 8, rest.rfind('`') - with - 8);
            }
            examples.push_back(std::move(*open));
            open.reset();
        }
        previous = line;
    }
    REQUIRE_FALSE(open.has_value());
    return examples;
}

ReadOptions options_of(std::string_view text) {
    ReadOptions options = test::plain_options();
    options.env = ProcessEnv(std::map<std::string, std::string, std::less<>>{{"TORCH", "1.13.1"}});
    const auto words = split_whitespace(text);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto value = [&] {
            REQUIRE(i + 1 < words.size());
            return std::string(words[++i]);
        };
        if (words[i] == "--gpu")
            options.gpu.wanted = true;
        else if (words[i] == "--cuda")
            options.gpu.cuda = value();
        else if (words[i] == "--target-cuda")
            options.gpu.target_cuda = value();
        else if (words[i] == "--platform")
            options.platform = *conda::Platform::parse(value());
        else if (words[i] == "--base")
            options.base_image = value();
        else if (words[i] == "--channel")
            options.channels.push_back(value());
        else if (words[i] == "--pin")
            options.pins.push_back({value(), "--pin"});
        else if (words[i] == "--python")
            options.python = value();
        else if (words[i] == "--env") {
            const auto pair = value();
            options.variables[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
        } else
            FAIL("docs/hash.md uses an option that this test does not know: " << words[i]);
    }
    return options;
}

}  // namespace

TEST_CASE("the examples of docs/hash.md have the hashes it gives") {
    const auto examples = examples_of(read_file(std::filesystem::path(ENVBUILD_SOURCE_DIR) / "docs/hash.md"));
    CHECK(examples.size() >= 40);
    std::map<std::string, std::vector<std::string>> sections;
    for (const auto& example : examples) {
        INFO("docs/hash.md:" << example.line << "\n" << example.text);
        const auto result =
            read_environment_text(example.text, example.language == "yaml" ? "environment.yml" : "requirements.txt",
                                  "/project", options_of(example.options));
        CHECK(result.spec.hash().hex() == example.hash);
        sections[example.section].push_back(example.hash);
    }
    // A heading says which: "Same: …" has one hash, "Another: …" has no hash twice.
    for (const auto& [section, hashes] : sections) {
        INFO(section);
        const std::set<std::string> distinct(hashes.begin(), hashes.end());
        CHECK(hashes.size() >= 2);
        if (section.find("Same:") != std::string::npos)
            CHECK(distinct.size() == 1);
        else if (section.find("Another:") != std::string::npos)
            CHECK(distinct.size() == hashes.size());
        else
            FAIL("a section of examples is headed 'Same: …' or 'Another: …'");
    }
}

TEST_CASE("the canonical form that docs/hash.md shows is the one that is hashed") {
    const std::string document = read_file(std::filesystem::path(ENVBUILD_SOURCE_DIR) / "docs/hash.md");
    const auto block = [&document](std::string_view language) {
        const std::string fence = "<!-- whole -->\n```" + std::string(language) + "\n";
        const auto begin = document.find(fence);
        REQUIRE(begin != std::string::npos);
        const auto end = document.find("```", begin + fence.size());
        return document.substr(begin + fence.size(), end - begin - fence.size());
    };
    const auto spec = test::read(block("yaml"), options_of("--gpu --cuda 11.8")).spec;
    CHECK(spec.canonical().canonical() + "\n" == block("json"));
}
