// Names on the embedded layout and on a registry in memory.
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "build/names_support.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;

namespace {

struct Layout {
    TempDir folder{"layout"};
    [[nodiscard]] std::string name() const { return "oci:" + (folder.path() / "images").string(); }
};

// The registry without what it had learned: another process of the same person.
struct Names {
    Names(Person& person, const std::string& where)
        : repository(person.repository(where)), names(*repository, person.bench) {}
    std::unique_ptr<cache::ImageRepository> repository;
    NameRegistry names;
};

// What everybody can do with names, wherever they are kept.
void check_a_life_of_a_name(Person& ada, Person& bob, const std::string& where) {
    Names mine(ada, where);
    Names yours(bob, where);
    CHECK(mine.names.read().names().empty());

    const Folder one("one");
    auto claim = registration("env");
    claim.description = "first";
    claim.tags = {{"team", "vision"}};
    claim.spec_hash = sha256("spec").hex();
    const auto first = mine.names.write(claim, one.archive());
    CHECK(first.wrote);
    CHECK(first.outcome.version == "1");
    CHECK(first.claim.sequence == 1);
    CHECK(first.claim.expected == "1");
    CHECK_THAT(first.claim.author, Catch::StartsWith("ada@"));
    CHECK(first.book.find("env")->latest()->claim == first.claim.id);

    const auto second = yours.names.write(registration("env"), Folder("two").archive());
    CHECK(second.outcome.version == "2");
    CHECK(second.claim.sequence == 2);
    CHECK(second.claim.created > first.claim.created);

    // The same content again is the same version, and nothing is written.
    const auto tags = mine.repository->list_tags();
    CHECK(tags.size() == 2);
    const auto again = mine.names.write(registration("env"), one.archive());
    CHECK_FALSE(again.wrote);
    CHECK(again.outcome.version == "1");
    CHECK(mine.repository->list_tags() == tags);
    // Unless it says something new of it.
    claim.description = "better said";
    const auto described = mine.names.write(claim, one.archive());
    CHECK(described.wrote);
    CHECK(described.outcome.version == "1");
    CHECK(described.book.find("env")->find("1")->description == "better said");
    CHECK(described.book.find("env")->versions.size() == 2);

    const auto explicit_ = yours.names.write(registration("env", "v10"), Folder("three").archive());
    CHECK(explicit_.outcome.version == "v10");
    const auto label = yours.names.write(labelling("env", "1", "stable"));
    CHECK(label.outcome.version == "1");
    CHECK_FALSE(yours.names.write(labelling("env", "1", "stable")).wrote);
    CHECK(mine.names.read().find("env")->labelled("stable")->version == "1");
    CHECK(mine.names.write(archiving("env", "2")).book.find("env")->find("2")->archived);
    CHECK_FALSE(yours.names.write(archiving("env", "2", false)).book.find("env")->find("2")->archived);

    const auto renamed = mine.names.write(renaming("env", "better"));
    CHECK(renamed.book.renamed_to("env") == "better");
    // What is said of the old name is said of the new one.
    const auto late = yours.names.write(labelling("env", "v10", "next"));
    CHECK(late.claim.name == "better");
    CHECK(late.book.find("better")->labelled("next")->version == "v10");
    CHECK(yours.names.write(labelling("env", "", "next", false)).book.find("better")->labelled("next") == nullptr);

    // A clone has the content of another name without its archive at hand.
    auto clone = registration("copy");
    clone.content = one.digest();
    const auto cloned = yours.names.write(clone);
    CHECK(cloned.outcome.version == "1");
    CHECK(cloned.book.find("copy")->latest()->content == one.digest());

    // Somebody who comes new sees the same, and gets the files.
    Person eve("eve");
    Names hers(eve, where);
    const auto book = hers.names.read();
    CHECK(book.same_names(mine.names.read()));
    CHECK(book.same_names(yours.names.read()));
    const auto folder = hers.names.open(*book.find("env")->find("1"));
    CHECK(read_file(folder / "conda_dependencies.yml") == "dependencies: [python=3.11]\n");
    CHECK(hers.names.open(*cloned.book.find("copy")->latest()) == folder);
    // The cache is looked through: what somebody changed there is put right, what is gone comes again.
    write_file_atomic(folder / "conda_dependencies.yml", "dependencies: [evil]\n");
    CHECK(hers.names.open(*book.find("env")->find("1")) == folder);
    CHECK(read_file(folder / "conda_dependencies.yml") == "dependencies: [python=3.11]\n");
    fs::remove(folder / "azureml_environment.json");
    (void)hers.names.open(*book.find("env")->find("1"));
    CHECK(fs::exists(folder / "azureml_environment.json"));
    CHECK(std::distance(fs::directory_iterator(folder.parent_path()), fs::directory_iterator()) == 1);
    for (auto* person : {&ada, &bob, &eve}) CHECK(person->reporter.warnings().empty());
}

void check_two_at_once(Person& ada, Person& bob, const std::string& where, int rounds) {
    std::set<std::string> versions;
    std::set<std::string> given;
    std::mutex mutex;
    const auto work = [&](Person& person, const std::string& who) {
        Names names(person, where);
        for (int i = 0; i < rounds; ++i) {
            const auto written = names.names.write(registration("env"), Folder(who + std::to_string(i)).archive());
            const std::lock_guard lock(mutex);
            given.insert(written.claim.id.hex());
        }
    };
    std::thread one(work, std::ref(ada), "ada");
    std::thread two(work, std::ref(bob), "bob");
    one.join();
    two.join();
    const auto book = Names(ada, where).names.read();
    REQUIRE(book.find("env") != nullptr);
    const auto& entry = *book.find("env");
    CHECK(entry.versions.size() == static_cast<std::size_t>(2 * rounds));
    for (const auto& version : entry.versions) {
        versions.insert(version.version);
        CHECK(given.contains(version.claim.hex()));
    }
    CHECK(versions.size() == static_cast<std::size_t>(2 * rounds));
    CHECK(entry.next_version() == std::to_string(2 * rounds + 1));
    CHECK(Names(bob, where).names.read().same_names(book));
}

}  // namespace

TEST_CASE("names: the life of one in the embedded layout") {
    const Layout layout;
    Person ada("ada");
    Person bob("bob");
    check_a_life_of_a_name(ada, bob, layout.name());
}

TEST_CASE("names: the life of one in a registry") {
    const FakeRegistry registry;
    Person ada("ada");
    Person bob("bob");
    check_a_life_of_a_name(ada, bob, registry.domain() + "/team/envs");
}

TEST_CASE("names: two who register at once both stay, in the layout and in a registry") {
    Person ada("ada");
    Person bob("bob");
    const Layout layout;
    check_two_at_once(ada, bob, layout.name(), 6);
    const FakeRegistry registry;
    check_two_at_once(ada, bob, registry.domain() + "/team/envs", 6);
}

TEST_CASE("names: a claim that comes in between while one is written gets what it was told, the writer what is left") {
    FakeRegistry registry;
    const auto where = registry.domain() + "/team/envs";
    Person ada("ada");
    Person bob("bob");
    Names mine(ada, where);
    Names yours(bob, where);
    std::atomic<bool> once = false;
    std::string told;
    registry.set_hook([&](const FaultRequest& request, FaultConnection&) {
        if (request.method != "PUT" || request.target.find("/manifests/n-") == std::string::npos || once.exchange(true))
            return false;
        // Both have read the same list; this one ends first.
        told = yours.names.write(registration("env"), Folder("bob").archive()).outcome.version;
        return false;
    });
    const auto written = mine.names.write(registration("env"), Folder("ada").archive());
    CHECK(told == "1");
    // The sequence is the same: the earlier `created` comes first, and ada had begun before bob.
    CHECK(written.claim.sequence == 1);
    CHECK(written.outcome.version == "1");
    const auto book = yours.names.read();
    CHECK(book.find("env")->versions.size() == 2);
    CHECK(book.find("env")->find("2")->content == Folder("bob").digest());
}

TEST_CASE("names: a version that is asked for and cannot be had is an error that says what the content is instead") {
    const Layout layout;
    Person ada;
    Names names(ada, layout.name());
    (void)names.names.write(registration("env"), Folder("one").archive());
    (void)names.names.write(registration("env", "7"), Folder("seven").archive());
    const auto tags = names.repository->list_tags();
    const auto refused = [&](const std::string& version, const std::string& content) {
        const auto error =
            error_of([&] { (void)names.names.write(registration("env", version), Folder(content).archive()); });
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK(names.repository->list_tags() == tags);
        return error.to_string();
    };
    // Known under another version: that is what it is.
    CHECK_THAT(refused("9", "one"), Catch::Contains("env has this content already, as version 1, registered by ada@") &&
                                        Catch::Contains("envbuild label env:1 9"));
    // Taken by other content, which may itself be known.
    CHECK_THAT(refused("7", "new"), Catch::Contains("env:7 is there already with other content, registered by ada@") &&
                                        Catch::Contains("it becomes env:8"));
    CHECK_THAT(refused("7", "one"), Catch::Contains("env:7 is there already") && Catch::Contains("content is env:1"));
    CHECK(names.names.write(registration("env", "7"), Folder("seven").archive()).outcome.version == "7");
    // A clone of content that is elsewhere, under a name that has led on, starts anew.
    (void)names.names.write(renaming("env", "later"));
    CHECK(names.names.write(registration("env", "7"), Folder("one").archive()).outcome.version == "7");
}

TEST_CASE("names: of two who ask for one version at once, one has it and the other is told which he got instead") {
    FakeRegistry registry;
    const auto where = registry.domain() + "/team/envs";
    Person ada("ada");
    Person bob("bob");
    Names mine(ada, where);
    Names yours(bob, where);
    std::atomic<bool> once = false;
    std::string told, refused;
    registry.set_hook([&](const FaultRequest& request, FaultConnection&) {
        if (request.method != "PUT" || request.target.find("/manifests/n-") == std::string::npos || once.exchange(true))
            return false;
        told = yours.names.write(registration("env", "7"), Folder("bob").archive()).outcome.version;
        return false;
    });
    // ada began before bob and so has the earlier claim, whichever arrives first; bob had ended and cannot know.
    CHECK(mine.names.write(registration("env", "7"), Folder("ada").archive()).outcome.version == "7");
    CHECK(told == "7");
    // The other way round: what arrives while one writes is of an earlier moment.
    once = false;
    Person eve("eve");
    Names hers(eve, where);
    registry.set_hook([&](const FaultRequest& request, FaultConnection&) {
        if (request.method != "PUT" || request.target.find("/manifests/n-") == std::string::npos || once.exchange(true))
            return false;
        auto early = registration("new", "7");
        early.content = Folder("ada").digest();
        early.sequence = 2;
        early.created = "2020-01-01T00:00:00.000Z";
        early.author = "mallory@lab";
        const auto artifact = mine.names.read().find("env")->with_content(early.content);
        REQUIRE(artifact != nullptr);
        oci::Descriptor archive;
        archive.media_type = catalog::kDefinitionMediaType;
        archive.digest = early.content;
        archive.size = fs::file_size(Folder("ada").archive());
        const auto made = value_or_throw(catalog::ClaimArtifact::make(early, archive));
        registry.add_manifest("team/envs", made.tag(), made.manifest.media_type, made.manifest_bytes());
        return false;
    });
    const auto error = error_of([&] { (void)hers.names.write(registration("new", "7"), Folder("eve").archive()); });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK_THAT(error.to_string(), Catch::Contains("new:7 was taken at the same time, by mallory@lab on 2020") &&
                                      Catch::Contains("registered as new:8"));
    CHECK(hers.names.read().find("new")->find("8")->content == Folder("eve").digest());
}

TEST_CASE("names: a damaged claim is warned of once a run, however often the names are read") {
    const Layout layout;
    Person ada;
    Names names(ada, layout.name());
    const auto bad = names.names.write(registration("bad"), Folder("two").archive());
    write_file_atomic(layout.folder.path() / "images/blobs/sha256" / bad.claim.id.hex(), "{}");
    Person bob("bob");
    for (int i = 0; i < 2; ++i) {
        Names yours(bob, layout.name());
        (void)yours.names.read();
        (void)yours.names.write(registration("good"), Folder(std::to_string(i)).archive());
    }
    CHECK(bob.reporter.warnings().size() == 1);
}

TEST_CASE("names: what is not there is refused before anything is written, with the nearest name") {
    const Layout layout;
    Person ada;
    Names names(ada, layout.name());
    (void)names.names.write(registration("pytorch-gpu"), Folder().archive());
    (void)names.names.write(labelling("pytorch-gpu", "1", "stable"));
    const auto tags = names.repository->list_tags();
    const auto refused = [&](const catalog::Claim& claim, const std::optional<fs::path>& archive = std::nullopt) {
        const auto error = error_of([&] { (void)names.names.write(claim, archive); });
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK(names.repository->list_tags() == tags);
        return error.to_string();
    };
    CHECK_THAT(refused(archiving("pytorch-gpo")), Catch::Contains("there is no environment 'pytorch-gpo'; did you mean "
                                                                  "'pytorch-gpu'?"));
    CHECK_THAT(refused(renaming("zzz", "y")),
               Catch::Contains("there is no environment 'zzz'") && Catch::Contains("there are: pytorch-gpu"));
    CHECK_THAT(refused(renaming("pytorch-gpu", "pytorch-gpu")), Catch::Contains("there is an environment"));
    CHECK_THAT(refused(labelling("pytorch-gpu", "4", "x")), Catch::Contains("'pytorch-gpu' has no version '4'"));
    CHECK_THAT(refused(labelling("pytorch-gpu", "", "stabel", false)), Catch::Contains("did you mean 'stable'?"));
    CHECK_THAT(refused(archiving("pytorch-gpu", "12")), Catch::Contains("there are: 1") || Catch::Contains("mean '1'"));
    CHECK_THAT(
        refused(registration("pytorch-gpu", "1"), Folder("other").archive()),
        Catch::Contains("pytorch-gpu:1 is there already with other content") && Catch::Contains("pytorch-gpu:2"));
    CHECK_THAT(refused(registration("a b"), Folder("other").archive()), Catch::Contains("a b"));
    CHECK_THAT(refused(registration("ok", "latest"), Folder("other").archive()),
               Catch::Contains("'latest' is a label"));
    CHECK_THAT(refused(renaming("pytorch-gpu", "")), Catch::Contains("name"));
    CHECK_THAT(refused(renaming("pytorch-gpu", std::string(256, 'a'))), Catch::Contains("255"));
    CHECK_THAT(refused(labelling("pytorch-gpu", "1", "a b")), Catch::Contains("'a b' is no proper label"));
    auto clone = registration("copy");
    clone.content = sha256("nothing");
    CHECK(error_of([&] { (void)names.names.write(clone); }).kind() == ErrorKind::NotFound);
}

TEST_CASE("names: what is under a claim's tag and is none is left out with a warning that names the tag") {
    FakeRegistry registry;
    const std::string path = "team/envs";
    Person ada;
    Names names(ada, registry.domain() + "/" + path);
    (void)names.names.write(registration("env"), Folder().archive());
    const auto put = [&](const std::string& tag, const std::string& bytes) {
        registry.add_manifest(path, tag, std::string(oci::media_type::kManifest), bytes);
    };
    const auto image = image_manifest("layer");
    const auto foreign = catalog::claim_tag("env", sha256(image));
    put(foreign, image);                                           // an image
    const auto moved = catalog::claim_tag("env", sha256("gone"));  // a tag of a manifest that is not there
    put(moved, image);
    auto other = registration("other");
    other.kind = catalog::ClaimKind::Archive;
    other.sequence = 3;
    other.created = "2026-11-23T00:00:00.000Z";
    const auto artifact = value_or_throw(catalog::ClaimArtifact::make(other, std::nullopt));
    const auto misplaced = catalog::claim_tag("env", artifact.claim.id);  // a claim under another name's tag
    put(misplaced, artifact.manifest_bytes());
    put("n-1.0", image);  // somebody's own tag
    put("lock-x", image);

    Person bob("bob");
    const auto book = Names(bob, registry.domain() + "/" + path).names.read();
    CHECK(book.names().size() == 1);
    CHECK(book.next_sequence() == 2);
    const auto warnings = bob.reporter.warnings();
    REQUIRE(warnings.size() == 3);
    const auto warned = [&](const std::string& tag, const std::string& why) {
        return std::ranges::any_of(warnings, [&](const auto& warning) {
            return warning.find(tag) != std::string::npos && warning.find(why) != std::string::npos;
        });
    };
    CHECK(warned(foreign, "no claim"));
    CHECK(warned(moved, "is not there"));
    CHECK(warned(misplaced, "a claim about 'other'"));
}

TEST_CASE("names: a damaged manifest in the layout costs that claim and no other") {
    const Layout layout;
    Person ada;
    Names names(ada, layout.name());
    (void)names.names.write(registration("good"), Folder("one").archive());
    const auto bad = names.names.write(registration("bad"), Folder("two").archive());
    const auto blob = layout.folder.path() / "images/blobs/sha256" / bad.claim.id.hex();
    auto bytes = read_file(blob);
    bytes[bytes.size() / 2] ^= 1;
    write_file_atomic(blob, bytes);
    const auto book = Names(ada, layout.name()).names.read();
    CHECK(book.find("good") != nullptr);
    CHECK(book.find("bad") == nullptr);
    REQUIRE(ada.reporter.warnings().size() == 1);
    CHECK_THAT(ada.reporter.warnings()[0], Catch::Contains(catalog::claim_tag("bad", bad.claim.id)));
}

TEST_CASE("names: what a killed process left among the definitions goes after a day") {
    const Layout layout;
    Person ada;
    Names names(ada, layout.name());
    const auto written = names.names.write(registration("env"), Folder().archive());
    const auto folder = ada.bench.cache_folder("definitions");
    for (const auto* left : {".newOLD", ".newYOUNG", "other"}) write_file_atomic(folder / left / "new/x", "x");
    const auto day_before = fs::file_time_type::clock::now() - std::chrono::hours(25);
    for (const auto* left : {".newOLD", "other"}) fs::last_write_time(folder / left, day_before);
    (void)names.names.open(*written.book.find("env")->latest());
    CHECK_FALSE(fs::exists(folder / ".newOLD"));
    CHECK(fs::exists(folder / ".newYOUNG"));
    CHECK(fs::exists(folder / "other"));
}

TEST_CASE("names: manifests are fetched once, and a damaged copy in the cache is fetched again") {
    FakeRegistry registry;
    const auto where = registry.domain() + "/team/envs";
    Person ada;
    Names names(ada, where);
    for (const auto* text : {"one", "two", "three"})
        (void)names.names.write(registration("env"), Folder(text).archive());
    Person bob("bob");
    const auto gets = [&] { return registry.count("GET", "/manifests/"); };
    auto before = gets();
    const auto book = Names(bob, where).names.read();
    CHECK(gets() == before + 3);
    before = gets();
    const auto lists = registry.count("GET", "/tags/list");
    CHECK(Names(bob, where).names.read().same_names(book));
    CHECK(gets() == before);
    CHECK(registry.count("GET", "/tags/list") > lists);
    const auto cached = bob.bench.cache_folder("names") / (book.find("env")->versions[1].claim.hex() + ".json");
    REQUIRE(fs::exists(cached));
    write_file_atomic(cached, "{}");
    CHECK(Names(bob, where).names.read().same_names(book));
    CHECK(gets() == before + 1);
    CHECK(bob.reporter.warnings().empty());
}

TEST_CASE("names: a registry that takes no artifacts is named, with what it must take") {
    for (const auto& [status, code] : {std::pair{404, "MANIFEST_UNKNOWN"}, std::pair{400, "MANIFEST_INVALID"},
                                       std::pair{415, "UNSUPPORTED"}, std::pair{404, ""}}) {
        INFO(status << code);
        FakeRegistry registry;
        registry.set_hook([status = status, code = code](const FaultRequest& request, FaultConnection& connection) {
            if (request.method != "PUT" || request.target.find("/manifests/") == std::string::npos) return false;
            const auto body = *code == 0 ? std::string()
                                         : R"({"errors":[{"code":")" + std::string(code) +
                                               R"(","message":"unsupported config media type"}]})";
            fault::respond(status, body, "Content-Type: application/json\r\n")(request, connection);
            return true;
        });
        Person ada;
        Names names(ada, registry.domain() + "/team/envs");
        const auto error = error_of([&] { (void)names.names.write(registration("env"), Folder().archive()); });
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK_THAT(error.to_string(), Catch::Contains(registry.domain() + "/team/envs took the blobs") &&
                                          Catch::Contains("application/vnd.envbuild.claim.v1+json") &&
                                          Catch::Contains("must take these"));
        CHECK(names.names.read().names().empty());
    }
}

TEST_CASE("names: a registry that cannot be asked or written to says so, and is no empty list") {
    FakeRegistry registry;
    const auto where = registry.domain() + "/team/envs";
    Person ada;
    Names names(ada, where);
    registry.set_read_only(true);
    CHECK(error_of([&] { (void)names.names.write(registration("env"), Folder().archive()); }).kind() ==
          ErrorKind::Unauthorized);
    registry.set_read_only(false);
    (void)names.names.write(registration("env"), Folder().archive());
    Person bob("bob");
    Names yours(bob, where);
    registry.set_hook([](const FaultRequest& request, FaultConnection& connection) {
        if (request.target.find("/manifests/") == std::string::npos) return false;
        fault::respond(403, "", "")(request, connection);
        return true;
    });
    CHECK(error_of([&] { (void)yours.names.read(); }).kind() == ErrorKind::Unauthorized);
}

TEST_CASE("names: a registry that does not list what it took is told of") {
    FakeRegistry registry;
    registry.set_hook([](const FaultRequest& request, FaultConnection& connection) {
        if (request.target.find("/tags/list") == std::string::npos) return false;
        fault::respond(200, R"({"name":"team/envs","tags":[]})", "Content-Type: application/json\r\n")(request,
                                                                                                       connection);
        return true;
    });
    Person ada;
    Names names(ada, registry.domain() + "/team/envs");
    const auto error = error_of([&] { (void)names.names.write(registration("env"), Folder().archive()); });
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK_THAT(error.message(), Catch::Contains("does not list it"));
}
