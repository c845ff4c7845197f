// Claims as they are written down, and the prefixes that are kept.
#include <catch2/catch.hpp>

#include "catalog/claim_artifact.hpp"
#include "catalog/claims_support.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using namespace envbuild::testing;

namespace {

Claim full() {
    auto made = claim(ClaimKind::Register, "my-env", 7, 123);
    made.author = "ada@node1";
    made.content = sha256("archive");
    made.spec_hash = sha256("spec").hex();
    made.version = "3";
    made.expected = "4";
    made.description = "Two lines\nof text, grüße";
    made.tags = {{"team", "vision"}, {"empty", ""}};
    made.facts = Json::object().set("python", "3.11").set("gpu", true);
    return made;
}

oci::Descriptor archive() {
    return oci::describe(kDefinitionMediaType, "archive");
}

std::string reason(const Json& json) {
    const auto parsed = Claim::parse(json);
    if (parsed) throw std::runtime_error("it was taken");
    CHECK(parsed.error().kind() == ErrorKind::Corrupt);
    return parsed.error().message();
}

}  // namespace

TEST_CASE("claims come back from JSON as they were") {
    for (const auto& made : {full(), renames("a", 1, "b"), labels("a", 2, "3", "stable"),
                             labels("a", 2, "", "stable", false), archives("a", 3), archives("a", 3, "1", false)}) {
        INFO(made.to_json().dump());
        const auto back = Claim::parse(value_or_throw(Json::parse(made.to_json().canonical())));
        REQUIRE(back);
        CHECK(back->kind == made.kind);
        CHECK(back->name == made.name);
        CHECK(back->sequence == made.sequence);
        CHECK(back->created == made.created);
        CHECK(back->author == made.author);
        CHECK(back->content == made.content);
        CHECK(back->spec_hash == made.spec_hash);
        CHECK(back->version == made.version);
        CHECK(back->expected == made.expected);
        CHECK(back->description == made.description);
        CHECK(back->tags == made.tags);
        CHECK(back->facts.canonical() == made.facts.canonical());
        CHECK(back->target == made.target);
        CHECK(back->set == made.set);
        CHECK(back->to_json().canonical() == made.to_json().canonical());
    }
    CHECK(renames("a", 1, "b").to_json().dump() ==
          R"({"format":1,"kind":"rename","name":"a","sequence":1,"created":"2026-11-23T00:00:00.000Z","target":"b"})");
}

TEST_CASE("a claim that is not proper is refused with what is wrong") {
    CHECK(reason(Json("x")) == "a claim that is no JSON object");
    const auto with = [](const char* key, Json value) { return reason(full().to_json().set(key, std::move(value))); };
    CHECK_THAT(with("format", 2), Catch::Contains("'format' is 2; this envbuild reads 1"));
    CHECK_THAT(with("kind", "delete"), Catch::Contains("'kind' is 'delete'"));
    CHECK_THAT(with("name", ""), Catch::Contains("'name' is no name"));
    CHECK_THAT(with("name", "a b"), Catch::Contains("'a b'"));
    CHECK_THAT(with("name", std::string(256, 'a')), Catch::Contains("'name' is no name"));
    CHECK_THAT(with("name", "\x1b[31m"), Catch::Contains("control characters"));
    CHECK_THAT(with("name", 3), Catch::Contains("'name' is no text"));
    CHECK_THAT(with("sequence", 0), Catch::Contains("'sequence'"));
    CHECK_THAT(with("sequence", INT64_MAX), Catch::Contains("'sequence'"));
    for (const auto* created :
         {"", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00.000+01:00", "2026-11-23 00:00:00.000Z"})
        CHECK_THAT(with("created", created), Catch::Contains("'created'"));
    CHECK_THAT(with("author", "a\nb"), Catch::Contains("'author' has control"));
    CHECK_THAT(with("content", "sha256:1"), Catch::Contains("'content'"));
    CHECK_THAT(with("spec_hash", "xyz"), Catch::Contains("'spec_hash'"));
    CHECK_THAT(with("version", "../1"), Catch::Contains("'version'"));
    CHECK_THAT(with("expected", "1 2"), Catch::Contains("'expected'"));
    CHECK_THAT(with("description", "\x07"), Catch::Contains("'description' has control"));
    CHECK_THAT(with("description", std::string(20000, 'x')), Catch::Contains("too long"));
    CHECK_THAT(with("tags", Json::array()), Catch::Contains("'tags'"));
    CHECK_THAT(with("tags", Json::object().set("k", 1)), Catch::Contains("'k' is no text"));
    CHECK_THAT(with("tags", Json::object().set("k\n", "v")), Catch::Contains("'tags'"));
    CHECK_THAT(with("facts", "text"), Catch::Contains("'facts' is no object"));
    CHECK_THAT(with("facts", Json::object().set("python", "\x1b[2J")), Catch::Contains("'facts' has control"));
    CHECK_THAT(with("facts", Json::object().set("python", 3)), Catch::Contains("'python' is no text"));
    CHECK_THAT(with("facts", Json::object().set("base", std::string(20000, 'x'))), Catch::Contains("too long"));
    CHECK_THAT(with("facts", Json::object().set("gpu", "yes")), Catch::Contains("no flag"));
    CHECK_THAT(with("facts", Json::object().set("frameworks", "torch")), Catch::Contains("no list of texts"));
    CHECK_THAT(with("facts", Json::object().set("frameworks", Json(std::vector<std::string>{"a\x07"}))),
               Catch::Contains("'facts' has control"));
    CHECK_THAT(with("facts", Json::object().set("later", Json::object().set("a\n", 1))), Catch::Contains("a key"));
    CHECK_THAT(reason(renames("a", 1, "b").to_json().set("target", "")), Catch::Contains("'target' is no name"));
    CHECK_THAT(reason(labels("a", 1, "1", "x").to_json().set("target", "@")), Catch::Contains("'target'"));
}

TEST_CASE("versions and labels are words; latest is no version") {
    for (const auto* good : {"1", "2026.11.23-rc_1", "v1"}) {
        CHECK(check_version(good).value() == good);
        CHECK(check_label(good).value() == good);
    }
    for (const auto& bad : {std::string(), std::string("a b"), std::string("-1"), std::string("a:b"),
                            std::string("a@b"), std::string(129, 'a'), std::string("ä")}) {
        INFO(bad);
        CHECK_FALSE(check_version(bad));
        REQUIRE_FALSE(check_label(bad));
        CHECK(check_label(bad).error().kind() == ErrorKind::InvalidInput);
    }
    CHECK(check_label("latest"));
    CHECK_FALSE(check_version("latest"));
}

TEST_CASE("a claim's tag holds its name's hash and its digest, and fits into a tag") {
    const auto digest = sha256("manifest");
    const auto tag = claim_tag("my-env", digest);
    CHECK(tag == "n-" + sha256("my-env").hex().substr(0, 32) + "-" + digest.hex());
    CHECK(tag.size() <= 128);
    CHECK(digest_of_claim_tag(tag) == digest);
    CHECK_FALSE(digest_of_claim_tag("n-1.0"));
    CHECK_FALSE(digest_of_claim_tag("lock-" + digest.hex()));
    CHECK_FALSE(digest_of_claim_tag(tag + "0"));
    CHECK_FALSE(digest_of_claim_tag("m" + tag.substr(1)));
    auto wrong = tag;
    wrong[34] = 'x';
    CHECK_FALSE(digest_of_claim_tag(wrong));
    wrong = tag;
    wrong.back() = 'G';
    CHECK_FALSE(digest_of_claim_tag(wrong));
}

TEST_CASE("artifacts: the claim is config and annotation, the archive the layer") {
    const auto made = ClaimArtifact::make(full(), archive());
    REQUIRE(made);
    CHECK(made->manifest.artifact_type == "application/vnd.envbuild.claim.v1+json");
    CHECK(made->manifest.config.media_type == "application/vnd.envbuild.claim.v1+json");
    CHECK(made->manifest.config.digest == sha256(made->config_bytes));
    CHECK(made->manifest.annotations.at("dev.envbuild.claim") == made->config_bytes);
    CHECK(made->manifest.annotations.at("dev.envbuild.name") == "my-env");
    CHECK(made->archive() == archive());
    CHECK(made->claim.id == sha256(made->manifest_bytes()));
    const auto back = ClaimArtifact::parse(made->manifest_bytes());
    REQUIRE(back);
    CHECK(back->claim.id == made->claim.id);
    CHECK(back->claim.to_json().canonical() == made->config_bytes);
    CHECK(back->tag() == made->tag());

    const auto rename = ClaimArtifact::make(renames("a", 1, "b"), std::nullopt);
    REQUIRE(rename);
    CHECK(rename->manifest.layers == std::vector{oci::describe("application/vnd.oci.empty.v1+json", "{}")});
    CHECK(rename->manifest.layers[0].digest.hex() ==
          "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    CHECK(ClaimArtifact::parse(rename->manifest_bytes()));
    CHECK_THROWS_AS(rename->archive(), Error);
}

TEST_CASE("artifacts: what is none, and what contradicts itself, is corrupt") {
    const auto made = ClaimArtifact::make(full(), archive()).value();
    const auto refused = [](oci::Manifest manifest) {
        const auto parsed = ClaimArtifact::parse(manifest.to_bytes());
        if (parsed) throw std::runtime_error("it was taken");
        CHECK(parsed.error().kind() == ErrorKind::Corrupt);
        return parsed.error().message();
    };
    auto manifest = made.manifest;
    manifest.config.media_type = oci::media_type::kConfig;
    CHECK_THAT(refused(manifest), Catch::Contains("no claim"));
    manifest = made.manifest;
    manifest.annotations.clear();
    CHECK_THAT(refused(manifest), Catch::Contains("no annotation"));
    manifest = made.manifest;
    manifest.annotations.at("dev.envbuild.claim") += " ";
    CHECK_THAT(refused(manifest), Catch::Contains("is not its config"));
    manifest = made.manifest;
    manifest.layers.clear();
    CHECK_THAT(refused(manifest), Catch::Contains("no archive"));
    manifest = made.manifest;
    manifest.layers[0].media_type = oci::media_type::kLayer;
    CHECK_THAT(refused(manifest), Catch::Contains("no archive"));
    manifest = made.manifest;
    manifest.layers[0].digest = sha256("other");
    CHECK_THAT(refused(manifest), Catch::Contains("another content"));
    manifest = made.manifest;
    manifest.annotations.at("dev.envbuild.claim") = "{";
    manifest.config = oci::describe(kClaimMediaType, "{");
    CHECK_FALSE(refused(manifest).empty());
    manifest.annotations.at("dev.envbuild.claim") = "{}";
    manifest.config = oci::describe(kClaimMediaType, "{}");
    CHECK_THAT(refused(manifest), Catch::Contains("'format'"));
    CHECK_FALSE(ClaimArtifact::parse("no JSON"));
}

TEST_CASE("artifacts: what nobody would read is not made") {
    auto bad = full();
    bad.description = "\x1b[0m";
    CHECK(ClaimArtifact::make(bad, archive()).error().kind() == ErrorKind::InvalidInput);
    bad = full();
    bad.facts = std::string(300 << 10, 'x');
    CHECK_THAT(ClaimArtifact::make(bad, archive()).error().message(), Catch::Contains("over 256 KiB"));
    CHECK(ClaimArtifact::make(full(), std::nullopt).error().kind() == ErrorKind::Bug);
    CHECK(ClaimArtifact::make(renames("a", 1, "b"), archive()).error().kind() == ErrorKind::Bug);
}

TEST_CASE("reserved prefixes, in any case, and those of the site") {
    const ReservedPrefixes reserved({"Lab-", ""});
    for (const auto* name : {"AzureML", "azureml-x", "AZUREMLfoo", "Microsoft-1", "lab-gpu", "LAB-"}) {
        INFO(name);
        CHECK(reserved.reserves(name));
        const auto checked = reserved.check(name);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().kind() == ErrorKind::InvalidInput);
    }
    CHECK_THAT(reserved.check("azureml-pytorch").error().message(),
               Catch::Contains("'azureml-pytorch': an environment's name can not start with the prefix AzureML") &&
                   Catch::Contains("to alter a curated environment first create a copy of it"));
    for (const auto* name : {"my-AzureML", "lab", "labor", "micro", ""}) {
        CHECK_FALSE(reserved.reserves(name));
        CHECK(reserved.check(name).value() == name);
    }
    CHECK_FALSE(ReservedPrefixes().reserves("lab-x"));
}
