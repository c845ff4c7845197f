#include "pypi/candidate.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using namespace envbuild::pypi;

namespace {

struct Fixture {
    Project project{"foo", {}, true, {}};
    CandidateRules rules{TagSet(*TagTarget::of("3.11.4", "x86_64", "2.28")), "3.11.4"};
    std::vector<std::string> hashes;

    // The rest of a file name: "-1.0.tar.gz".
    IndexFile& offer(const std::string& rest) {
        IndexFile file;
        file.filename = rest.starts_with('-') ? "foo" + rest : rest;
        file.url = *Url::parse("https://h.example/" + file.filename);
        file.sha256 = sha256(file.filename);
        project.files.push_back({file, 0, ""});
        return project.files.back().file;
    }
    void offer_versions(const std::vector<std::string>& versions) {
        for (const auto& version : versions) offer("-" + version + "-py3-none-any.whl");
    }
    std::string select(const std::string& specifier = "") {
        const auto candidates = find_candidates(project, rules);
        const auto set = *SpecifierSet::parse(specifier);
        const auto selected = select_candidates(candidates, set, rules, hashes);
        if (!selected) return selected.error().message();
        if (selected->empty()) {
            const Error error = no_candidate_error(candidates, set, rules, hashes);
            CHECK(error.kind() == ErrorKind::Unsatisfiable);
            return error.message();
        }
        std::string out;
        for (const auto* candidate : *selected) out += candidate->file->file.filename.substr(4) + " ";
        return out;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the newest version goes first, and of it the wheel that fits best") {
    offer("-1.0.tar.gz");
    offer("-1.0-py3-none-any.whl");
    offer("-2.0.tar.gz");
    offer("-1.0-cp311-cp311-manylinux_2_17_x86_64.whl");
    offer("-1.0-cp311-abi3-manylinux_2_17_x86_64.whl");
    CHECK(select() == "2.0.tar.gz 1.0-cp311-cp311-manylinux_2_17_x86_64.whl ");
    rules.prefer_binary = true;
    CHECK(select() == "1.0-cp311-cp311-manylinux_2_17_x86_64.whl 2.0.tar.gz ");
}

TEST_CASE_METHOD(Fixture, "the higher build of one wheel is the better") {
    offer("-1.0-1-py3-none-any.whl");
    offer("-1.0-10-py3-none-any.whl");
    offer("-1.0-py3-none-any.whl");
    CHECK(select() == "1.0-10-py3-none-any.whl ");
}

TEST_CASE_METHOD(Fixture, "local versions fit what is asked without them, and are later") {
    offer_versions({"2.1.0", "2.1.0+cu118", "2.1.0+cpu"});
    CHECK(select("==2.1.0") == "2.1.0+cu118-py3-none-any.whl 2.1.0+cpu-py3-none-any.whl 2.1.0-py3-none-any.whl ");
    CHECK(select("==2.1.0+cpu") == "2.1.0+cpu-py3-none-any.whl ");
    CHECK(select("==2.1.0+cu999") == "no release fits 'foo==2.1.0+cu999'; there are 2.1.0+cu118, 2.1.0+cpu, 2.1.0");
}

TEST_CASE_METHOD(Fixture, "pre-releases are taken where they are asked for or nothing else is there") {
    offer_versions({"1.0", "2.0rc1"});
    CHECK(select() == "1.0-py3-none-any.whl ");
    CHECK(select(">=2.0rc1") == "2.0rc1-py3-none-any.whl ");
    CHECK(select(">1.0") == "2.0rc1-py3-none-any.whl ");
    rules.pre = true;
    CHECK(select() == "2.0rc1-py3-none-any.whl 1.0-py3-none-any.whl ");
}

TEST_CASE_METHOD(Fixture, "yanked files are for those who pin them") {
    offer_versions({"1.0"});
    offer("-2.0-py3-none-any.whl").yanked = "broken";
    CHECK(select() == "1.0-py3-none-any.whl ");
    CHECK(select("==2.0") == "2.0-py3-none-any.whl ");
    CHECK(select("===2.0") == "2.0-py3-none-any.whl ");
    CHECK(select("==2.*") == "all that fits 'foo==2.*' was yanked by its authors: 2.0");
    CHECK(select(">1.0") == "all that fits 'foo>1.0' was yanked by its authors: 2.0");
    // One file of the version that is not yanked is enough.
    offer("-2.0.tar.gz");
    CHECK(select("==2.0") == "2.0.tar.gz ");
}

TEST_CASE_METHOD(Fixture, "Requires-Python counts, and one that is none does not") {
    offer("-1.0-py3-none-any.whl").requires_python = ">=3.6";
    offer("-2.0-py3-none-any.whl").requires_python = ">=3.12";
    offer("-3.0-py3-none-any.whl").requires_python = "latest";
    CHECK(select() == "3.0-py3-none-any.whl 1.0-py3-none-any.whl ");
    CHECK(select("==2.0") == "no release of 'foo==2.0' takes Python 3.11.4: 2.0 needs Python >=3.12");
    rules.python = "3.12.0rc1";
    CHECK(select("==2.0") == "2.0-py3-none-any.whl ");
}

TEST_CASE_METHOD(Fixture, "no wheel for the target: the tags tried and those offered are named") {
    offer("-1.0-cp311-cp311-win_amd64.whl");
    offer("-1.0-cp312-cp312-manylinux_2_17_x86_64.whl");
    CHECK(select() ==
          "no wheel of 'foo' fits the target: tried cp311-cp311-manylinux_2_28_x86_64, "
          "cp311-cp311-manylinux_2_27_x86_64, "
          "cp311-cp311-manylinux_2_26_x86_64, cp311-cp311-manylinux_2_25_x86_64, cp311-cp311-manylinux_2_24_x86_64, "
          "cp311-cp311-manylinux_2_23_x86_64, …; offered cp311-cp311-win_amd64, cp312-cp312-manylinux_2_17_x86_64");
    offer("-1.0.tar.gz");
    CHECK(select() == "1.0.tar.gz ");
    rules.only_binary = {":all:"};
    CHECK(select().ends_with("; source archives are ruled out by --only-binary"));
}

TEST_CASE_METHOD(Fixture, "--no-binary and --only-binary: a name's own word counts before :all:") {
    offer("-1.0-py3-none-any.whl");
    offer("-1.0.tar.gz");
    rules.no_binary = {":all:"};
    CHECK(select() == "1.0.tar.gz ");
    rules.only_binary = {"foo"};
    CHECK(select() == "1.0-py3-none-any.whl ");
    rules = {rules.tags, rules.python};
    rules.no_binary = {"foo"};
    CHECK(select() == "1.0.tar.gz ");
    rules.no_binary = {"bar"};
    CHECK(select() == "1.0-py3-none-any.whl ");
    project.files.pop_back();
    rules.no_binary = {":all:"};
    CHECK(select() == "every file of 'foo' is ruled out by --no-binary");
}

TEST_CASE_METHOD(Fixture, "only files with the hashes of --hash are taken") {
    offer_versions({"1.0", "2.0"});
    hashes = {sha256("foo-1.0-py3-none-any.whl").to_string(), "sha512:00"};
    CHECK(select() == "1.0-py3-none-any.whl ");
    CHECK(select("==2.0") == "no file of 'foo==2.0' has one of the hashes of its --hash");
}

TEST_CASE_METHOD(Fixture, "a file without hash is not taken, unless that is allowed or it lies on this machine") {
    offer("-1.0-py3-none-any.whl").sha256.reset();
    CHECK(select() == "no file of 'foo' comes with a sha256");
    rules.allow_unhashed = true;
    CHECK(select() == "1.0-py3-none-any.whl ");
    rules.allow_unhashed = false;
    project.files[0].file.url = Url::from_path("/w/foo-1.0-py3-none-any.whl");
    CHECK(select() == "1.0-py3-none-any.whl ");
}

TEST_CASE_METHOD(Fixture, "a disputed file is refused where it would be taken") {
    offer_versions({"1.0", "2.0"});
    project.files[1].dispute = "two indexes disagree";
    CHECK(select() == "two indexes disagree");
    CHECK(select("<2") == "1.0-py3-none-any.whl ");
}

TEST_CASE_METHOD(Fixture, "files of other projects and without a version are left out") {
    offer("-1.0-py3-none-any.whl");
    offer("bar-2.0-py3-none-any.whl");
    offer("-latest.tar.gz");
    offer("-3.0.exe");
    CHECK(select() == "1.0-py3-none-any.whl ");
    CHECK(find_candidates(project, rules).rejected.size() == 3);
    CHECK(find_candidates(project, rules).rejected[0].detail == "it is a wheel of bar");
    project.files.clear();
    CHECK(select() == "the index has 'foo', and no file of it");
}

TEST_CASE_METHOD(Fixture, "many versions are told by the newest") {
    for (int i = 1; i <= 12; ++i) offer_versions({"0." + std::to_string(i)});
    CHECK(select(">=1") == "no release fits 'foo>=1'; there are 0.12, 0.11, 0.10, 0.9, 0.8, 0.7, 0.6, 0.5, …");
}
