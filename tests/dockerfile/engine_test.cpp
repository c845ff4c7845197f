// Against a real engine: hidden from a plain run, for it needs the test site. With the site's site.env in the
// environment:
//   test_dockerfile "[.site]"
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "base/strings.hpp"
#include "dockerfile/context.hpp"
#include "dockerfile/dockerfile_support.hpp"
#include "layer/docker_export.hpp"
#include "layer/image_files.hpp"

using namespace envbuild;
using namespace envbuild::dockerfile;
using namespace dockerfile_test;

namespace {

std::string run(const std::vector<std::string>& argv, std::string_view input = {}) {
    auto result = run_process(argv, input, std::chrono::minutes(5), CancelToken(), 1U << 30U);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return std::move(result.out);
}

std::string needed(const char* name) {
    const char* value = std::getenv(name);
    INFO(name << " comes from the test site's site.env");
    REQUIRE(value != nullptr);
    return value;
}

std::string tar_of(const std::vector<layer::ContextFile>& files) {
    layer::ContextStream stream(files);
    std::string bytes, buffer(1U << 16U, '\0');
    while (const auto got = stream.read(buffer.data(), buffer.size())) bytes.append(buffer, 0, got);
    return bytes;
}

// Builds with the engine's API (the client alone cannot ask for BuildKit); the image's ID.
std::string build(const std::string& context, bool buildkit) {
    const std::string socket = needed("DOCKER_HOST").substr(std::string("unix://").size());
    const auto answer =
        run({"curl", "-sS", "--unix-socket", socket, "-H", "Content-Type: application/x-tar", "-H",
             "Expect:", "--data-binary", "@-",
             fmt::format("http://engine/v1.41/build?version={}&networkmode=none&rm=1&forcerm=1", buildkit ? 2 : 1)},
            context);
    INFO(answer);
    std::string id;
    for (const auto line : split(answer, '\n')) {
        if (trim(line).empty()) continue;
        const auto json = value_or_throw(Json::parse(trim(line)));
        REQUIRE(json["error"].is_null());
        id = json["aux"].string_or("ID", id);
    }
    REQUIRE(id.starts_with("sha256:"));
    return id;
}

Json inspect(const std::string& image, const std::string& what) {
    return value_or_throw(Json::parse(run({"docker", "image", "inspect", "--format", "{{json " + what + "}}", image})));
}

std::string base_by_digest(const std::string& tag) {
    run({"docker", "pull", "-q", tag});
    return inspect(tag, ".RepoDigests").as_array().at(0).as_string();
}

}  // namespace

TEST_CASE("a real engine takes nasty values as they are", "[.site]") {
    const bool buildkit = GENERATE(false, true);
    const std::map<std::string, std::string> files{
        {"Dockerfile.mustache",
         "FROM scratch\n{{#env}}\nENV {{pairs}}\n{{/env}}\n{{#labels}}\nLABEL {{pairs}}\n{{/labels}}\n"}};
    const Templates templates(files);
    std::minstd_rand random(buildkit ? 1 : 2);
    for (int round = 0; round < 5; ++round) {
        RenderInput input;
        input.base = "debian@sha256:" + std::string(64, 'a');
        for (int i = 0; i < 300; ++i) {
            input.env[fmt::format("V{}", i)] = nasty_text(random);
            input.labels[fmt::format("l.{}", i)] = nasty_text(random);
        }
        const auto text = render_dockerfile(templates, input);
        const auto id = build(tar_of({{.path = "Dockerfile", .bytes = text, .file = {}}}), buildkit);
        std::map<std::string, std::string> env, labels;
        const Json config = inspect(id, ".Config");
        for (const auto& pair : config["Env"].as_array()) {
            const auto& line = pair.as_string();
            env[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
        }
        for (const auto& [key, value] : config["Labels"].as_object()) labels[key] = value.as_string();
        env.erase("PATH");  // the builders add one
        CHECK(env == input.env);
        CHECK(labels == input.labels);
        run({"docker", "image", "rm", "-f", id});
    }
}

TEST_CASE("a whole context builds in a real engine, and its export gives the new layer alone", "[.site]") {
    const int way = GENERATE(0, 1, 2);
    const bool buildkit = way > 0;
    const bool mount = way == 2;
    INFO("buildkit " << buildkit << ", mount " << mount);
    const TempDir dir("engine");
    // The base is Debian's and has a shell, so a script can stand where the installer does.
    write_file_atomic(
        dir.path() / "install",
        "#!/bin/sh\nset -e\n[ \"$1\" = --manifest ] && [ -f \"$2\" ]\n[ \"$(cat \"$4/a.conda\")\" = bytes ]\n"
        "mkdir -p /opt/env/bin && echo made > /opt/env/bin/made\nhead -c 3000000 /dev/urandom > /opt/env/random\n",
        fs::perms(0755));
    write_file_atomic(dir.path() / "a.conda", "bytes");

    RenderInput input;
    input.base = base_by_digest(needed("SITE_BASE_CPU"));
    input.env = {{"CONDA_PREFIX", "/opt/env"}, {"X", "a $HOME \"b\" \\"}};
    input.labels = {{"dev.envbuild.lock-hash", "ab"}};
    input.install_json = "{}";
    input.installer = dir.path() / "install";
    input.packages = {{"a.conda", dir.path() / "a.conda"}};
    input.extra_steps = {"echo \"$X\" '<<EOF' > /step"};
    input.bind_mount = mount;
    const auto context = render(Templates::load(fs::path(ENVBUILD_SOURCE_DIR) / "templates"), input);
    const auto id = build(tar_of(context.files), buildkit);

    SECTION("what it holds") {
        CHECK(run({"docker", "run", "--rm", "--network", "none", "--user", "12345", id, "cat", "/opt/env/bin/made",
                   "/step"}) == "made\na $HOME \"b\" \\ <<EOF\n");
        CHECK(run({"docker", "run", "--rm", "--network", "none", id, "sh", "-c",
                   "ls /envbuild 2>/dev/null; echo $CONDA_PREFIX"}) == "/opt/env\n");
        CHECK(inspect(id, ".Config.Entrypoint") == inspect(input.base, ".Config.Entrypoint"));
        CHECK(inspect(id, ".Config.User") == inspect(input.base, ".Config.User"));
        CHECK(inspect(id, ".Config.Cmd") == inspect(input.base, ".Config.Cmd"));
    }
    SECTION("its export") {
        // The base's layers as an image file would give them: from an export of the base itself.
        layer::ExportOptions options{
            .known = {}, .directory = dir.path(), .codec = {layer::Codec::Format::Gzip, 1}, .threads = 2};
        const auto feed = [](const std::string& image) {
            return [image](layer::DockerExportReader& reader) { reader.feed(run({"docker", "image", "save", image})); };
        };
        const auto base = layer::read_docker_export(options, feed(input.base));
        std::vector<layer::LayerScan> scans;
        for (const auto& exported : base.layers) {
            REQUIRE(exported.compressed.has_value());
            options.known.push_back({exported.diff_id, exported.compressed->uncompressed_size, Digest()});
            layer::LayerScanner scanner;
            scanner.feed(read_file(exported.compressed->path));
            scans.push_back(scanner.finish());
        }
        const auto facts = value_or_throw(layer::base_facts(scans, "amd64", input.base));
        CHECK("glibc " + facts.glibc + "\n" ==
              run({"docker", "run", "--rm", "--network", "none", id, "getconf", "GNU_LIBC_VERSION"}));
        CHECK(facts.os_id == "debian");
        CHECK(facts.has_shell);

        const auto image = layer::read_docker_export(options, feed(id));
        CHECK(image.config_digest.to_string() == id);
        REQUIRE(image.layers.size() == base.layers.size() + 2);  // the environment, and the step
        for (std::size_t i = 0; i < image.layers.size(); ++i)
            CHECK(image.layers[i].compressed.has_value() == (i >= base.layers.size()));
        layer::LayerScanner scanner;
        scanner.feed(read_file(image.layers[base.layers.size()].compressed->path));
        const auto scan = scanner.finish();
        CHECK(scan.nodes.contains("opt/env/bin/made"));
        CHECK_FALSE(scan.nodes.contains("envbuild"));
    }
    run({"docker", "image", "rm", "-f", id});
}
