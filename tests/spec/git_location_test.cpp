#include "spec/git_location.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using namespace envbuild::spec;
using Catch::Matchers::Contains;

namespace {

GitLocation at(std::string_view text) {
    return value_or_throw(GitLocation::parse(text));
}

std::string refusal(std::string_view text) {
    const auto parsed = GitLocation::parse(text);
    return parsed ? "taken" : parsed.error().to_string();
}

const std::string kCommit(40, 'c');

}  // namespace

TEST_CASE("build contexts in git: repository, revision and folder, as Docker writes them") {
    const auto whole = at("https://git.lab/team/images.git");
    CHECK(whole.repository.to_string() == "https://git.lab/team/images.git");
    CHECK((whole.revision.empty() && whole.folder.empty() && !whole.is_pinned()));
    const auto part = at("https://git.lab/images.git#feature/one:docker/torch/");
    CHECK((part.revision == "feature/one" && part.folder == "docker/torch"));
    CHECK((at("https://git.lab/i.git#:docker").revision.empty() &&
           at("https://git.lab/i.git#:/docker").folder == "docker"));
    CHECK(at("https://git.lab/i.git#main:a/../b/.").folder == "b");
    CHECK(at("https://git.lab/i.git#main:.").folder.empty());
    CHECK(at("https://git.lab/i.git#" + kCommit).is_pinned());
    CHECK(at("ssh://git@git.lab/i.git#v1").ssh_user == "git");
    CHECK(at("file:///srv/images.git#v1").repository.file_path() == "/srv/images.git");
}

TEST_CASE("build contexts in git: what is printed reads as the same") {
    for (const auto* text : {"https://git.lab/i.git", "https://git.lab/i.git#v1", "https://git.lab/i.git#:a%20b",
                             "ssh://git@git.lab:2222/i.git#feature/one:a/b"}) {
        CHECK(at(text).to_string() == text);
    }
}

TEST_CASE("build contexts in git: what is refused") {
    CHECK_THAT(refusal("https://me:hunter2@git.lab/i.git"),
               Contains("holds a user or a password") && !Contains("hunter2"));
    CHECK_THAT(refusal("https://token@git.lab/i.git"), Contains("holds a user or a password") && !Contains("token@"));
    CHECK_THAT(refusal("https://git.lab/i.git?private_token=hunter2#main"),
               Contains("credential in its query") && !Contains("hunter2"));
    CHECK_THAT(refusal("git@git.lab:team/i.git"), Contains("ssh://git@git.lab/team/i.git"));
    CHECK_THAT(refusal("s3://bucket/i"), Contains("cannot be had from"));
    CHECK_THAT(refusal("https://git.lab/i.git#--upload-pack=x"), Contains("no revision"));
    CHECK_THAT(refusal("https://git.lab/i.git#main~1"), Contains("no revision"));
    CHECK_THAT(refusal("https://git.lab/i.git#main%0Ax"), Contains("no revision"));
    CHECK_THAT(refusal("https://git.lab/i.git#main:a%0Ab"), Contains("no revision"));
    CHECK_THAT(refusal("https://git.lab/i.git#main:../x"), Contains("leads out of the repository"));
    CHECK_THAT(refusal("https://git.lab/i.git#main:a/../.."), Contains("leads out of the repository"));
}

TEST_CASE("git's short form of an address") {
    CHECK(url_of_scp("git@git.lab:team/i.git") == "ssh://git@git.lab/team/i.git");
    CHECK(url_of_scp("git@git.lab:/srv/i.git") == "ssh://git@git.lab/srv/i.git");
    for (const auto* other : {"https://git@git.lab/i.git", "ssh://git@git.lab:22/i.git", "git.lab:i.git", "@git.lab:i",
                              "git@:i", "git@git.lab:", "a/b@c:d", "git@git.lab", ""}) {
        CHECK(url_of_scp(other).empty());
    }
}
