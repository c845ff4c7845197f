// Names on a real registry (CNCF Distribution), from several processes at once. tests/e2e/run starts the registry, sets
// ENVBUILD_TEST_REGISTRY and runs [registry].
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <set>

#include "base/process.hpp"
#include "build/names_support.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;

namespace {

// A repository that no other test has written to.
std::string fresh(const std::string& name) {
    const char* domain = std::getenv("ENVBUILD_TEST_REGISTRY");
    if (domain == nullptr || *domain == 0)
        throw std::runtime_error("ENVBUILD_TEST_REGISTRY is not set: start the test site");
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return std::string(domain) + "/envbuild-test/" + name + "-" + std::to_string(::getpid()) + "-" +
           std::to_string(now);
}

// In a process of its own: `rounds` registrations, the versions it was told to `report`, a line each.
int register_many(const std::string& where, const std::string& who, int rounds, const fs::path& report) {
    try {
        Person person(who);
        const auto repository = person.repository(where);
        NameRegistry names(*repository, person.bench);
        std::string told;
        for (int i = 0; i < rounds; ++i) {
            const auto written = names.write(registration("env"), Folder(who + std::to_string(i)).archive());
            told += written.claim.id.hex() + "\n";
        }
        write_file_atomic(report, told);
        return 0;
    } catch (const std::exception& error) {
        write_file_atomic(report, error.what());
        return 1;
    }
}

// Each content is there once, under a version of its own, and nobody's claim is lost.
void check_many_processes(const std::string& where) {
    constexpr int kProcesses = 3;
    constexpr int kRounds = 4;
    const TempDir reports("reports");
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        const auto who = "p" + std::to_string(i);
        if (child == 0) ::_exit(register_many(where, who, kRounds, reports.path() / who));
        children.push_back(child);
    }
    for (const auto child : children) {
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
    std::set<std::string> claims;
    for (int i = 0; i < kProcesses; ++i) {
        const auto told = read_file(reports.path() / ("p" + std::to_string(i)));
        INFO(told);
        // A line of 64 digits for each: anything else is the error that the process ended with.
        CHECK(told.size() == kRounds * (64 + 1));
        for (const auto line : split_whitespace(told)) claims.emplace(line);
    }
    CHECK(claims.size() == kProcesses * kRounds);

    Person person;
    const auto repository = person.repository(where);
    const auto book = NameRegistry(*repository, person.bench).read();
    REQUIRE(book.find("env") != nullptr);
    std::set<std::string> versions;
    for (const auto& version : book.find("env")->versions) {
        versions.insert(version.version);
        CHECK(claims.contains(version.claim.hex()));
    }
    CHECK(versions.size() == kProcesses * kRounds);
    CHECK(versions.contains(std::to_string(kProcesses * kRounds)));
    CHECK(person.reporter.warnings().empty());
}

}  // namespace

TEST_CASE("names: several processes register at once in one layout") {
    const TempDir folder("layout");
    check_many_processes("oci:" + (folder.path() / "images").string());
}

TEST_CASE("names: several processes register at once on a real registry", "[.registry]") {
    check_many_processes(fresh("names-at-once"));
}

TEST_CASE("names: a real registry keeps claims as artifacts, which skopeo reads", "[.registry]") {
    const auto where = fresh("names");
    Person ada;
    const auto repository = ada.repository(where);
    NameRegistry names(*repository, ada.bench);
    const Folder folder;
    const auto first = names.write(registration("env"), folder.archive());
    CHECK(names.write(renaming("env", "train")).wrote);
    CHECK(names.write(labelling("train", "1", "stable")).wrote);
    CHECK_FALSE(names.write(registration("train"), folder.archive()).wrote);

    const auto raw = run_process({"skopeo", "inspect", "--tls-verify=false", "--raw",
                                  "docker://" + where + ":" + catalog::claim_tag("env", first.claim.id)},
                                 "", std::chrono::seconds(60), {});
    INFO(raw.err);
    REQUIRE(raw.exit_code == 0);
    CHECK(sha256(raw.out) == first.claim.id);
    CHECK(Json::parse(raw.out)->string_or("artifactType", "") == "application/vnd.envbuild.claim.v1+json");

    Person bob("bob");
    const auto theirs = bob.repository(where);
    NameRegistry read(*theirs, bob.bench);
    const auto book = read.read();
    CHECK(book.find("env")->name == "train");
    const auto directory = read.open(*book.find("train")->labelled("stable"));
    CHECK(read_file(directory / "conda_dependencies.yml") == "dependencies: [python=3.11]\n");
    CHECK(bob.reporter.warnings().empty());
}
