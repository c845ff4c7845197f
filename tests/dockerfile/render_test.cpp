#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "dockerfile/context.hpp"
#include "dockerfile/dockerfile_support.hpp"
#include "dockerfile/quote.hpp"

using namespace envbuild;
using namespace envbuild::dockerfile;
using namespace dockerfile_test;

namespace {

const std::string kHex(64, 'a');

const Templates& templates() {
    static const Templates loaded = Templates::load(fs::path(ENVBUILD_SOURCE_DIR) / "templates");
    return loaded;
}

RenderInput plain_input() {
    RenderInput input;
    input.base = "localhost:5000/nvidia/cuda@sha256:" + kHex;
    input.labels = {{"dev.envbuild.lock-hash", "abc"},
                    {"org.opencontainers.image.base.name", "docker.io/nvidia/cuda:11.8"}};
    input.env = {{"CONDA_PREFIX", "/opt/env"}, {"PATH", "/opt/env/bin:/usr/bin"}};
    input.install_json = "{}";
    return input;
}

std::vector<std::string> keywords(const std::string& dockerfile) {
    std::vector<std::string> words;
    for (const auto& instruction : parse_dockerfile(dockerfile)) words.push_back(instruction.keyword);
    return words;
}

std::string refusal(const RenderInput& input) {
    try {
        (void)render_dockerfile(templates(), input);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
        return error.to_string();
    }
    return {};
}

}  // namespace

TEST_CASE("the Dockerfile of a plain environment, word for word") {
    CHECK(render_dockerfile(templates(), plain_input()) ==
          "# A conda environment as an image, made by envbuild. All that it takes is in this folder: neither network "
          "nor credentials.\n"
          "# The installer checks every package against its SHA-256 before it uses it.\n"
          "FROM localhost:5000/nvidia/cuda@sha256:" +
              kHex +
              " AS install\n"
              "USER 0:0\n"
              "COPY envbuild /envbuild\n"
              "RUN [\"/envbuild/envbuild-install\", \"--manifest\", \"/envbuild/install.json\", \"--packages\", "
              "\"/envbuild/packages\"]\n"
              "\n"
              "FROM localhost:5000/nvidia/cuda@sha256:" +
              kHex +
              "\n"
              "COPY --from=install /opt/env /opt/env\n"
              "ENV CONDA_PREFIX=\"/opt/env\" \\\n"
              "    PATH=\"/opt/env/bin:/usr/bin\"\n"
              "LABEL dev.envbuild.lock-hash=\"abc\" \\\n"
              "    org.opencontainers.image.base.name=\"docker.io/nvidia/cuda:11.8\"\n");
}

TEST_CASE("steps, platform and the mounted context") {
    auto input = plain_input();
    input.extra_steps = {"echo \"$HOME\" > /x", "true"};
    input.platform = "linux/arm64/v8";
    SECTION("copied") {
        CHECK(keywords(render_dockerfile(templates(), input)) ==
              std::vector<std::string>{"FROM", "USER", "COPY", "RUN", "FROM", "COPY", "ENV", "LABEL", "RUN", "RUN"});
    }
    SECTION("mounted") {
        input.bind_mount = true;
        const auto text = render_dockerfile(templates(), input);
        CHECK(keywords(text) ==
              std::vector<std::string>{"FROM", "USER", "RUN", "FROM", "COPY", "ENV", "LABEL", "RUN", "RUN"});
        CHECK_THAT(text, Catch::Contains(
                             "RUN --mount=type=bind,source=envbuild,target=/envbuild [\"/envbuild/envbuild-install\""));
    }
    const auto instructions = parse_dockerfile(render_dockerfile(templates(), input));
    CHECK_THAT(instructions[0].arguments, Catch::StartsWith("--platform=linux/arm64/v8 localhost:5000/"));
    CHECK(parse_exec(instructions[instructions.size() - 2].arguments) ==
          std::vector<std::string>{"/bin/sh", "-c", "echo \"$HOME\" > /x"});
}

TEST_CASE("an image without variables and labels has no empty ENV and LABEL") {
    auto input = plain_input();
    input.env.clear();
    input.labels.clear();
    CHECK(keywords(render_dockerfile(templates(), input)) ==
          std::vector<std::string>{"FROM", "USER", "COPY", "RUN", "FROM", "COPY"});
}

TEST_CASE("no value changes the number of instructions, and each comes back as it went in") {
    std::minstd_rand random(20240229);
    for (int round = 0; round < 3000; ++round) {
        auto input = plain_input();
        for (unsigned i = 0; i < 1 + random() % 4; ++i) {
            input.env["V" + std::to_string(i)] = nasty_text(random);
            input.labels["l." + std::to_string(i)] = nasty_text(random);
        }
        input.extra_steps = {nasty_text(random), nasty_text(random)};
        input.install_command = {"/envbuild/envbuild-install", nasty_text(random)};

        const auto text = render_dockerfile(templates(), input);
        INFO(text);
        const auto parsed = parse_dockerfile(text);
        REQUIRE(parsed.size() == 10);
        REQUIRE(parse_exec(parsed[3].arguments) == input.install_command);
        REQUIRE(parsed[6].keyword == "ENV");
        REQUIRE(parse_pairs(parsed[6].arguments) == input.env);
        REQUIRE(parsed[7].keyword == "LABEL");
        REQUIRE(parse_pairs(parsed[7].arguments) == input.labels);
        REQUIRE(parse_exec(parsed[8].arguments)[2] == input.extra_steps[0]);
        REQUIRE(parse_exec(parsed[9].arguments)[2] == input.extra_steps[1]);
    }
}

TEST_CASE("the test's own parser sees what it is there to see") {
    CHECK_THROWS(parse_dockerfile("# escape=`\nFROM x\n"));
    CHECK_THROWS(parse_dockerfile("#  Syntax = x\nFROM x\n"));
    CHECK(parse_dockerfile("# harmless\n# escape=`\nFROM x\n").size() == 1);
    CHECK(parse_dockerfile("ENV a=\"b\" \\\n# comment\n\n  c=d\nRUN x\n").size() == 2);
    CHECK_THROWS(parse_pairs("a=\"$HOME\""));
    CHECK_THROWS(parse_pairs("a=$HOME"));
    CHECK_THROWS(parse_pairs("a=\"open"));
    CHECK(parse_pairs("a=\"\\$HOME\\\\\\\"\\x\" b='$x' c=\\$y") ==
          std::map<std::string, std::string>{{"a", "$HOME\\\"\\x"}, {"b", "$x"}, {"c", "$y"}});
    CHECK_THROWS(parse_exec("echo x"));
}

TEST_CASE("control characters are refused, and the message names what holds them") {
    std::vector<std::string> controls{std::string(1, '\0'), "\x7f", "\xc2\x80", "\xc2\x85", "\xc2\x9f"};
    for (char c = 1; c < 32; ++c) controls.emplace_back(1, c);
    for (const auto& control : controls) {
        INFO(static_cast<int>(control.back()));
        const auto value = "before" + control + "after";
        auto input = plain_input();
        input.env["MY_VAR"] = value;
        CHECK_THAT(refusal(input),
                   Catch::Contains("environment variable MY_VAR") && Catch::Contains("control character"));
        input = plain_input();
        input.labels["my.label"] = value;
        CHECK_THAT(refusal(input), Catch::Contains("label my.label"));
        input = plain_input();
        input.extra_steps = {"true", value};
        CHECK_THAT(refusal(input), Catch::Contains("step 2"));
        input = plain_input();
        input.install_command = {"install", value};
        CHECK_THAT(refusal(input), Catch::Contains("install command"));
        input = plain_input();
        input.base += control;
        CHECK_FALSE(refusal(input).empty());
        input = plain_input();
        input.prefix += control;
        CHECK_FALSE(refusal(input).empty());
    }
}

TEST_CASE("values that are not UTF-8 or too long are refused") {
    auto input = plain_input();
    input.env["X"] = "\xff\xfe";
    CHECK_THAT(refusal(input), Catch::Contains("variable X") && Catch::Contains("UTF-8"));
    input.env["X"] = std::string(70'000, 'x');
    CHECK_THAT(refusal(input), Catch::Contains("variable X") && Catch::Contains("65000"));
    input.env["X"] = std::string(64'000, 'x');
    CHECK(refusal(input).empty());
    CHECK(parse_dockerfile(render_dockerfile(templates(), input)).size() == 8);
}

TEST_CASE("names that are none are refused") {
    for (const std::string name : {"", "1A", "A B", "A=B", "A\"", "$A", "\xc3\xa9", "A\nB", "-A", "#A"}) {
        auto input = plain_input();
        input.env[name] = "x";
        INFO(name);
        CHECK_FALSE(refusal(input).empty());
        input = plain_input();
        input.labels[name == "1A" ? "\"" : name == "-A" ? "-" : name] = "x";
        CHECK_FALSE(refusal(input).empty());
    }
    for (const std::string prefix :
         {"", "opt", "/", "/opt/../env", "/opt//env", "/opt/env/", "/opt/$x", "/opt/a b", "/o\"", "/."}) {
        auto input = plain_input();
        input.prefix = prefix;
        INFO(prefix);
        CHECK_FALSE(refusal(input).empty());
    }
    const std::vector<std::string> bases{"debian",
                                         "debian:12",
                                         "debian@sha256:12",
                                         "@sha256:" + kHex,
                                         "a b@sha256:" + kHex,
                                         "$x@sha256:" + kHex,
                                         "--from@sha256:" + kHex,
                                         "debian@sha256:" + kHex + " AS x",
                                         "debian@sha512:" + kHex};
    for (const auto& base : bases) {
        auto input = plain_input();
        input.base = base;
        INFO(base);
        CHECK_FALSE(refusal(input).empty());
    }
    auto input = plain_input();
    input.platform = "linux/amd64 x";
    CHECK_FALSE(refusal(input).empty());
}

TEST_CASE("quote_value and exec_form, by example") {
    CHECK(quote_value("x", "") == "\"\"");
    CHECK(quote_value("x", R"(a\b"c$d`e#f)") == R"("a\\b\"c\$d`e#f")");
    CHECK(exec_form("x", {"/bin/sh", "-c", "a<b $c \"d\" \\"}) ==
          R"(["/bin/sh", "-c", "a\u003cb \u0024c \u0022d\u0022 \u005c"])");
    CHECK(exec_form("x", {"\xf0\x9f\x90\x8d"}) == R"(["\ud83d\udc0d"])");
    CHECK_THROWS_AS((void)exec_form("x", {}), Error);
    CHECK_THROWS_AS((void)exec_form("x", {""}), Error);
}

TEST_CASE("templates: folder, digest, and what is wrong in one") {
    CHECK_FALSE(templates().digest().empty());
    const auto with = [](std::string text) { return Templates({{"Dockerfile.mustache", std::move(text)}}); };
    CHECK(with("FROM a").digest() != with("FROM b").digest());
    CHECK(with("FROM a").digest() == with("FROM a").digest());
    CHECK(with("FROM a").digest() != Templates({{"Dockerfile.mustache", "FROM a"}, {"x.mustache", ""}}).digest());

    CHECK_THROWS_WITH(Templates::load("/nonexistent/templates"), Catch::Contains("/nonexistent/templates"));
    CHECK_THROWS_WITH(Templates({}), Catch::Contains("Dockerfile.mustache"));
    CHECK_THROWS_AS(with("\xff"), Error);

    const auto problem = [&](std::string text) {
        try {
            return render_dockerfile(with(std::move(text)), plain_input());
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::InvalidInput);
            return error.to_string();
        }
    };
    CHECK_THAT(problem("FROM {{from}}\nENV {{{perfix}}}\n"),
               Catch::Contains("Dockerfile.mustache:2") && Catch::Contains("'perfix'") && Catch::Contains("'prefix'"));
    CHECK_THAT(problem("FROM {{from"), Catch::Contains("not closed"));
    CHECK_THAT(problem("{{> other}}"), Catch::Contains("not supported"));
    CHECK_THAT(problem("{{#env}}ENV"), Catch::Contains("Dockerfile.mustache"));
    CHECK(problem("{{! a comment }}FROM {{from}} {{{prefix}}}") == "FROM " + plain_input().base + " /opt/env");
}

TEST_CASE("the environment of an image") {
    EnvironmentInput input;
    CHECK(environment(input) ==
          std::map<std::string, std::string>{
              {"CONDA_DEFAULT_ENV", "/opt/env"},
              {"CONDA_PREFIX", "/opt/env"},
              {"PATH", "/opt/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}});
    input.base_path = "/usr/local/cuda/bin:/usr/bin";
    input.activation = {{"A", "activation"}, {"B", "activation"}};
    input.variables = {{"B", "file"}};
    input.gpu = true;
    input.nvidia_require_cuda = "cuda>=11.8";
    const auto env = environment(input);
    CHECK(env.at("PATH") == "/opt/env/bin:/usr/local/cuda/bin:/usr/bin");
    CHECK(env.at("A") == "activation");
    CHECK(env.at("B") == "file");
    CHECK(env.at("NVIDIA_VISIBLE_DEVICES") == "all");
    CHECK(env.at("NVIDIA_DRIVER_CAPABILITIES") == "compute,utility");
    CHECK(env.at("NVIDIA_REQUIRE_CUDA") == "cuda>=11.8");

    input.variables["PATH"] = "/mine";
    CHECK(environment(input).at("PATH") == "/opt/env/bin:/mine");
    input.variables["PATH"] = "/opt/env/bin:/mine";
    CHECK(environment(input).at("PATH") == "/opt/env/bin:/mine");
}

TEST_CASE("standard labels") {
    CHECK(standard_labels("docker.io/library/debian:12", value_or_throw(Digest::from_hex(kHex)), "ff") ==
          std::map<std::string, std::string>{{"dev.envbuild.lock-hash", "ff"},
                                             {"org.opencontainers.image.base.digest", "sha256:" + kHex},
                                             {"org.opencontainers.image.base.name", "docker.io/library/debian:12"}});
}
