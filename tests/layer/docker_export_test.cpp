#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "layer/docker_export.hpp"
#include "layer/layer_support.hpp"

using namespace envbuild;
using namespace envbuild::layer;
using namespace layer_test;

namespace {

std::string config_of(const std::vector<std::string>& layers) {
    Json diff_ids = Json::array();
    for (const auto& layer : layers) diff_ids.push(sha256(layer).to_string());
    Json rootfs = Json::object();
    rootfs.set("type", "layers").set("diff_ids", std::move(diff_ids));
    Json config = Json::object();
    config.set("architecture", "amd64").set("os", "linux").set("rootfs", std::move(rootfs));
    return config.dump();
}

std::string manifest_of(const std::string& config_path, const std::vector<std::string>& layer_paths) {
    Json image = Json::object();
    image.set("Config", config_path)
        .set("RepoTags", std::vector<std::string>{"envbuild:test"})
        .set("Layers", layer_paths);
    Json list = Json::array();
    list.push(std::move(image));
    return list.dump() + "\n";
}

// dockerd up to 24. A layer whose bytes came before becomes a link, as dockerd writes it.
std::vector<Member> legacy_members(const std::vector<std::string>& layers, const std::string& config) {
    std::vector<Member> members;
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const std::string id = sha256("v1 id " + std::to_string(i)).hex();
        members.push_back(folder(id));
        members.push_back(file(id + "/VERSION", "1.0"));
        members.push_back(file(id + "/json", R"({"id":"x"})"));
        const auto same =
            std::ranges::find(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(i), layers[i]) -
            layers.begin();
        if (static_cast<std::size_t>(same) < i) {
            members.push_back(soft_link(id + "/layer.tar", "../" + paths[static_cast<std::size_t>(same)]));
        } else {
            members.push_back(file(id + "/layer.tar", layers[i]));
        }
        paths.push_back(id + "/layer.tar");
    }
    const std::string config_path = sha256(config).hex() + ".json";
    members.push_back(file(config_path, config));
    members.push_back(file("manifest.json", manifest_of(config_path, paths)));
    members.push_back(file("repositories", "{}"));
    return members;
}

std::string legacy_export(const std::vector<std::string>& layers) {
    return make_tar(legacy_members(layers, config_of(layers)));
}

Json descriptor(const std::string& type, const std::string& bytes) {
    Json json = Json::object();
    json.set("mediaType", type)
        .set("digest", sha256(bytes).to_string())
        .set("size", static_cast<std::int64_t>(bytes.size()));
    return json;
}

// dockerd from 25 on; blobs as they are given (plain, or compressed as with containerd's store).
std::string oci_export(const std::vector<std::string>& layers, const std::vector<std::string>& blobs,
                       bool with_docker_manifest = true) {
    const auto blob = [](const std::string& bytes) { return "blobs/sha256/" + sha256(bytes).hex(); };
    const std::string config = config_of(layers);
    Json list = Json::array();
    std::vector<std::string> paths;
    for (const auto& bytes : blobs) {
        list.push(descriptor("application/vnd.oci.image.layer.v1.tar", bytes));
        paths.push_back(blob(bytes));
    }
    Json manifest_json = Json::object();
    manifest_json.set("schemaVersion", 2).set("config", descriptor("application/vnd.oci.image.config.v1+json", config));
    manifest_json.set("layers", std::move(list));
    const std::string manifest = manifest_json.dump();
    const std::string attestation = R"({"_type":"https://in-toto.io/Statement/v0.1"})";

    Json unknown = Json::object();
    unknown.set("os", "unknown").set("architecture", "unknown");
    Json manifests = Json::array();
    Json other = descriptor("application/vnd.oci.image.manifest.v1+json", attestation);
    other.set("platform", std::move(unknown));
    manifests.push(descriptor("application/vnd.oci.image.manifest.v1+json", manifest)).push(std::move(other));
    Json inner = Json::object();
    inner.set("schemaVersion", 2).set("manifests", std::move(manifests));
    const std::string nested = inner.dump();
    Json outer_list = Json::array();
    outer_list.push(descriptor("application/vnd.oci.image.index.v1+json", nested));
    Json outer = Json::object();
    outer.set("schemaVersion", 2).set("manifests", std::move(outer_list));

    std::vector<Member> members{folder("blobs"), folder("blobs/sha256")};
    for (const auto& bytes : blobs) members.push_back(file(blob(bytes), bytes));
    for (const auto& bytes : {config, manifest, attestation, nested}) members.push_back(file(blob(bytes), bytes));
    members.push_back(file("index.json", outer.dump()));
    if (with_docker_manifest) members.push_back(file("manifest.json", manifest_of(blob(config), paths)));
    members.push_back(file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    return make_tar(members);
}

struct Reading {
    ExportedImage image;
    int streams = 0;
};

Reading read_export(const std::string& stream, const ExportOptions& options, std::size_t piece = 50'000) {
    Reading reading;
    reading.image = read_docker_export(options, [&](DockerExportReader& reader) {
        ++reading.streams;
        std::string_view rest = stream;
        for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) reader.feed(rest.substr(0, piece));
    });
    return reading;
}

struct Site {
    TempDir dir{"export"};
    std::string base = make_tar({file("bin/sh", sample(300'000, 2)), file("lib/libc.so.6", sample(100'000, 3))});
    std::string empty = std::string(1024, '\0');
    std::string env = make_tar({folder("opt"), folder("opt/env"), file("opt/env/python", sample(2'400'000, 4))});
    std::vector<std::string> layers{base, empty, env};

    ExportOptions options() {
        return {.known = {{sha256(base), base.size(), Digest()}},
                .directory = dir.path(),
                .codec = {Codec::Format::Gzip, 1},
                .threads = 2};
    }
    void check(const ExportedImage& image) {
        CHECK(image.config == config_of(layers));
        CHECK(image.config_digest == sha256(image.config));
        REQUIRE(image.layers.size() == layers.size());
        for (std::size_t i = 0; i < layers.size(); ++i) {
            INFO(i);
            CHECK(image.layers[i].diff_id == sha256(layers[i]));
            REQUIRE(image.layers[i].compressed.has_value() == (layers[i] != base));
            if (image.layers[i].compressed) {
                const auto bytes = read_file(image.layers[i].compressed->path);
                CHECK(decompress(bytes) == layers[i]);
                CHECK(image.layers[i].compressed->descriptor.digest == sha256(bytes));
            }
        }
    }
};

ErrorKind kind_of(const std::string& stream, const ExportOptions& options) {
    try {
        (void)read_export(stream, options);
    } catch (const Error& error) {
        INFO(error.to_string());
        return error.kind();
    }
    return ErrorKind::Bug;
}

}  // namespace

TEST_CASE("an export of dockerd up to 24: base layers are recognised, new ones compressed") {
    Site site;
    for (const std::size_t piece : {1'000, 50'000, 10'000'000}) {
        const auto reading = read_export(legacy_export(site.layers), site.options(), piece);
        CHECK(reading.streams == 1);
        site.check(reading.image);
        CHECK(reading.image.tags == std::vector<std::string>{"envbuild:test"});
    }
}

TEST_CASE("a layer that is a link to another one's, forwards and backwards") {
    Site site;
    site.layers = {site.base, site.empty, site.env, site.empty, site.base};
    site.check(read_export(legacy_export(site.layers), site.options()).image);

    auto members = legacy_members(site.layers, config_of(site.layers));
    std::ranges::stable_partition(members, [](const Member& m) { return m.entry.type == TarEntry::Type::Symlink; });
    site.check(read_export(make_tar(members), site.options()).image);

    for (auto& member : members) {
        if (member.entry.type != TarEntry::Type::Symlink) continue;
        member.entry.type = TarEntry::Type::Hardlink;
        member.entry.link_target = member.entry.link_target.substr(3);
    }
    site.check(read_export(make_tar(members), site.options()).image);
}

TEST_CASE("an export of dockerd from 25 on: an OCI layout, with and without manifest.json") {
    Site site;
    for (const bool with : {true, false}) {
        INFO(with);
        const auto reading = read_export(oci_export(site.layers, site.layers, with), site.options());
        CHECK(reading.streams == 1);
        site.check(reading.image);
    }
}

TEST_CASE("an export of containerd's store: compressed blobs are unpacked and compressed anew") {
    Site site;
    std::vector<std::string> blobs;
    for (const auto& layer : site.layers) blobs.push_back(run_tool({"gzip", "-9nc"}, layer));
    auto options = site.options();
    site.check(read_export(oci_export(site.layers, blobs), options).image);

    SECTION("its digest is the same as from a plain export") {
        const auto from_plain = read_export(legacy_export(site.layers), options).image;
        const auto from_blobs = read_export(oci_export(site.layers, blobs), options).image;
        CHECK(from_plain.layers[2].compressed->descriptor == from_blobs.layers[2].compressed->descriptor);
    }
    SECTION("a base blob that is known by its digest is not unpacked") {
        options.known[0].blob = sha256(blobs[0]);
        site.check(read_export(oci_export(site.layers, blobs), options).image);
    }
    SECTION("zstd") {
        blobs[2] = run_tool({"zstd", "-c"}, site.env);
        site.check(read_export(oci_export(site.layers, blobs), options).image);
    }
    SECTION("nothing is left beside the layers") {
        TempDir dir("export");
        options.directory = dir.path();
        const auto image = read_export(oci_export(site.layers, blobs), options).image;
        CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 2);
    }
}

TEST_CASE("podman's form: <hex>.tar beside <hex>.json") {
    Site site;
    const auto config = config_of(site.layers);
    std::vector<Member> members;
    std::vector<std::string> paths;
    for (const auto& layer : site.layers) {
        paths.push_back(sha256(layer).hex() + ".tar");
        members.push_back(file(paths.back(), layer));
    }
    members.push_back(file(sha256(config).hex() + ".json", config));
    members.push_back(file("manifest.json", manifest_of(sha256(config).hex() + ".json", paths)));
    site.check(read_export(make_tar(members), site.options()).image);
}

TEST_CASE("a new layer exactly as large as a base layer is not taken for it: the stream is read a second time") {
    Site site;
    std::string twin = site.base;
    twin[600] = static_cast<char>(twin[600] ^ 1);
    site.layers = {site.base, twin, site.env};
    const auto reading = read_export(legacy_export(site.layers), site.options());
    CHECK(reading.streams == 2);
    site.check(reading.image);

    SECTION("where layers are named by their hash, once is enough") {
        const auto again = read_export(oci_export(site.layers, site.layers), site.options());
        CHECK(again.streams == 1);
        site.check(again.image);
    }
    SECTION("a stream that changes in between is Corrupt, and never asked for a third time") {
        int streams = 0;
        std::string other = site.base;
        const auto second = make_tar({file("x", sample(9000))});
        ExportOptions options = site.options();
        options.known.push_back({sha256(second), second.size(), Digest()});
        std::string second_twin = second;
        second_twin[600] = static_cast<char>(second_twin[600] ^ 1);
        CHECK_THROWS_WITH(
            read_docker_export(options,
                               [&](DockerExportReader& reader) {
                                   reader.feed(++streams == 1 ? legacy_export({twin}) : legacy_export({second_twin}));
                               }),
            Catch::Contains("changed between two readings"));
        CHECK(streams == 2);
    }
}

TEST_CASE("a stream that starts over in the middle is read as if it had not") {
    Site site;
    const auto stream = legacy_export(site.layers);
    DockerExportReader reader(site.options());
    reader.feed(std::string_view(stream).substr(0, stream.size() / 2));
    reader.restart();
    reader.feed(stream);
    const auto image = reader.finish();
    REQUIRE(image.has_value());
    site.check(*image);
}

TEST_CASE("an export that is cut short is Corrupt, wherever that is") {
    Site site;
    for (const auto& stream : {legacy_export(site.layers), oci_export(site.layers, site.layers)}) {
        for (std::size_t size = 0; size < stream.size(); size += 512 * (1 + size % 97 * 16)) {
            INFO(size);
            CHECK(kind_of(stream.substr(0, size), site.options()) == ErrorKind::Corrupt);
        }
        CHECK(kind_of(stream.substr(0, stream.size() - 512), site.options()) == ErrorKind::Corrupt);
    }
}

TEST_CASE("an export that contradicts itself is Corrupt") {
    Site site;
    const auto config = config_of(site.layers);
    auto members = legacy_members(site.layers, config);
    const auto at = [&](std::string_view suffix) {
        return std::ranges::find_if(members, [&](const Member& m) { return m.entry.path.ends_with(suffix); });
    };
    SECTION("a layer's bytes are not what the config says") {
        auto layer = std::ranges::find(members, site.env, &Member::data);
        layer->data[5000] = static_cast<char>(layer->data[5000] ^ 1);
    }
    SECTION("a layer is missing") {
        members.erase(std::ranges::find(members, site.env, &Member::data));
    }
    SECTION("manifest.json is missing") {
        members.erase(at("manifest.json"));
    }
    SECTION("manifest.json is no JSON") {
        *at("manifest.json") = file("manifest.json", "<html>");
    }
    SECTION("manifest.json has another form") {
        *at("manifest.json") = file("manifest.json", R"([{"Config":3}])");
    }
    SECTION("two images") {
        const auto one = manifest_of("c", {});
        *at("manifest.json") = file("manifest.json", "[" + one.substr(1, one.size() - 3) + "," + one.substr(1));
    }
    SECTION("the config is not what its name says") {
        const auto json = std::ranges::find(members, config, &Member::data);
        *json = file(json->entry.path, config + " ");
    }
    SECTION("a layer fewer than the config names") {
        *at("manifest.json") = file("manifest.json", manifest_of(sha256(config).hex() + ".json", {}));
    }
    SECTION("a layer that is a link to itself") {
        auto layer = std::ranges::find(members, site.env, &Member::data);
        *layer = soft_link(layer->entry.path, "layer.tar");
    }
    SECTION("a layer that is JSON") {
        auto layer = std::ranges::find(members, site.env, &Member::data);
        *layer = file(layer->entry.path.substr(0, 64), R"({})");
        *at("manifest.json") =
            file("manifest.json", manifest_of(sha256(config).hex() + ".json", {layer->entry.path, "x", "y"}));
    }
    CHECK(kind_of(make_tar(members), site.options()) == ErrorKind::Corrupt);
}

TEST_CASE("a blob that is not what its name says is Corrupt") {
    Site site;
    auto stream = oci_export(site.layers, site.layers);
    const auto at = stream.find(site.env.substr(600, 100)) + 50;
    stream[at] = static_cast<char>(stream[at] ^ 1);
    CHECK(kind_of(stream, site.options()) == ErrorKind::Corrupt);
}
