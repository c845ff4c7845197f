// Build contexts in git: a real repository, fetched by the machine's git.
#include "build/git_context.hpp"

#include <catch2/catch.hpp>

#include "base/process.hpp"
#include "base/strings.hpp"
#include "build/definition_source.hpp"
#include "build/intent.hpp"
#include "build/names_support.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;
using Catch::Matchers::Contains;

namespace {

class Repository {
  public:
    Repository() {
        git({"init", "-q", "-b", "main"});
        write("Dockerfile", "FROM root\n");
        write("torch/Dockerfile", "FROM torch\nCOPY data /data\n");
        write("torch/data", "one");
        fs::create_directory(path() / "torch/bin");
        write("torch/bin/run", "#!/bin/sh\n");
        fs::permissions(path() / "torch/bin/run", fs::perms(0755));
        fs::create_symlink("bin/run", path() / "torch/link");
        first = commit();
        git({"tag", "-a", "v1", "-m", "one"});
        write("torch/data", "two");
        second = commit();
    }

    std::string git(const std::vector<std::string>& arguments) const {
        std::vector<std::string> argv{"env",
                                      "HOME=/nonexistent",
                                      "GIT_CONFIG_NOSYSTEM=1",
                                      "git",
                                      "-C",
                                      path().string(),
                                      "-c",
                                      "user.name=a",
                                      "-c",
                                      "user.email=a@b",
                                      "-c",
                                      "commit.gpgsign=false"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        const auto done = run_process(argv, "", std::chrono::minutes(1), CancelToken());
        INFO(done.err);
        REQUIRE(done.exit_code == 0);
        return std::string(trim(done.out));
    }
    void write(const std::string& file, const std::string& bytes) const { write_file_atomic(path() / file, bytes); }
    [[nodiscard]] std::string commit() const {
        git({"add", "."});
        git({"commit", "-q", "-m", "x"});
        return git({"rev-parse", "HEAD"});
    }
    [[nodiscard]] const fs::path& path() const { return folder_.path(); }
    [[nodiscard]] std::string url(const std::string& fragment = "") const {
        return "file://" + path().string() + fragment;
    }

    std::string first, second;

  private:
    TempDir folder_{"repository"};
};

OwnContext context(const std::string& url, const Person& person, const std::string& dockerfile = "Dockerfile") {
    return git_context(value_or_throw(spec::GitLocation::parse(url)), dockerfile, person.bench);
}

std::map<std::string, std::string> files_of(const OwnContext& context, const Person& person) {
    std::map<std::string, std::string> out;
    for (const auto& file : context.files(person.bench)) {
        using Kind = layer::ContextFile::Kind;
        out[file.path + (file.mode == 0755 && file.kind == Kind::File ? "*" : "")] =
            file.kind == Kind::File ? read_file(file.file) : file.bytes;
    }
    return out;
}

std::string definition(const TempDir& home, const std::string& url) {
    const auto folder = home.path() / "definition";
    write_file_atomic(
        folder / "azureml_environment.json",
        R"({"python": {"userManagedDependencies": true}, "docker": {"buildContext": {"locationType": "git", "location": ")" +
            url + R"("}}})");
    return folder.string();
}

}  // namespace

TEST_CASE("git contexts: the files are those of the commit and the folder") {
    const Person person;
    const Repository repository;
    CHECK(files_of(context(repository.url("#main:torch"), person), person) ==
          std::map<std::string, std::string>{{"Dockerfile", "FROM torch\nCOPY data /data\n"},
                                             {"data", "two"},
                                             {"bin/run*", "#!/bin/sh\n"},
                                             {"link", "bin/run"}});
    CHECK(files_of(context(repository.url("#v1:torch"), person), person).at("data") == "one");
    CHECK(files_of(context(repository.url("#" + repository.first.substr(0, 10)), person), person).at("torch/data") ==
          "one");
    const auto root = files_of(context(repository.url(), person), person);
    CHECK((root.at("Dockerfile") == "FROM root\n" && root.at("torch/data") == "two" && root.size() == 5));
}

TEST_CASE("git contexts: the key follows the commit and the folder, not the name or the place") {
    const Person person;
    const Repository repository;
    const auto key = [&](const std::string& fragment) { return context(repository.url(fragment), person).key; };
    CHECK(key("#main:torch") == key("#" + repository.second + ":torch"));
    CHECK(key("#v1:torch") == key("#" + repository.first + ":torch/"));
    CHECK(key("") == key("#main"));
    CHECK(key("#v1:torch") != key("#main:torch"));
    CHECK(key("#main") != key("#main:torch"));
    const TempDir copy("copy");
    repository.git({"clone", "-q", "--bare", repository.path().string(), (copy.path() / "r.git").string()});
    CHECK(context("file://" + (copy.path() / "r.git").string() + "#main:torch", person).key == key("#main:torch"));
    // A commit is known by itself: nothing is asked.
    CHECK(context("https://nowhere.invalid/r.git#" + repository.second + ":torch", person).key == key("#main:torch"));
    repository.write("torch/data", "three");
    const auto before = key("#main");
    (void)repository.commit();
    CHECK(key("#main") != before);
}

TEST_CASE("git contexts: the hash that is written down stays the same over versions") {
    const Person person;
    const std::string commit(40, 'c');
    CHECK(context("https://nowhere.invalid/r.git#" + commit + ":torch", person).key.context_digest ==
          sha256(R"({"commit":")" + commit + R"(","folder":"torch","kind":"envbuild.git-context","v":1})").hex());
}

TEST_CASE("git contexts: what is not there is named") {
    const Person person;
    const Repository repository;
    const auto error = [&](const std::string& url, const std::string& dockerfile = "Dockerfile") {
        return error_of([&] { (void)context(url, person, dockerfile).files(person.bench); });
    };
    CHECK(error(repository.url("#none")).kind() == ErrorKind::NotFound);
    CHECK_THAT(error(repository.url("#none")).to_string(), Contains("'none'"));
    CHECK_THAT(error(repository.url("#main:none")).to_string(), Contains("no folder none"));
    CHECK_THAT(error(repository.url("#main:torch/data")).to_string(), Contains("no folder torch/data"));
    CHECK_THAT(error(repository.url("#main:torch"), "Other").to_string(), Contains("Other"));
    CHECK(error("file:///nonexistent/repository.git").kind() == ErrorKind::NotFound);
    fs::create_directory_symlink("/etc", repository.path() / "out");
    repository.write("torch/more/x", "");
    fs::create_symlink("../../Dockerfile", repository.path() / "torch/more/up");
    fs::create_symlink("../Dockerfile", repository.path() / "torch/up");
    (void)repository.commit();
    CHECK_THAT(error(repository.url("#main:out")).to_string(), Contains("no folder out"));
    CHECK_THAT(error(repository.url("#main:torch")).to_string(), Contains("leads out of the build context"));
}

TEST_CASE("git contexts: a definition's spec hash follows the branch") {
    const Person person;
    const Repository repository;
    const auto hash = [&](const std::string& url) {
        return read_intent({.environment = definition(person.home, url)}, person.bench).hash;
    };
    const auto before = hash(repository.url("#main:torch"));
    CHECK(hash(repository.url("#" + repository.second + ":torch")) == before);
    repository.write("torch/data", "three");
    (void)repository.commit();
    CHECK(hash(repository.url("#main:torch")) != before);
}

TEST_CASE("git contexts: save keeps the URL, and takes one from the command line") {
    const Person person;
    const auto saved = [&](const DefinitionEdits& edits, const std::string& name) {
        const auto target = person.home.path() / name;
        save(definition_source(edits, person.bench), target, false);
        return spec::read_definition(target).definition.base;
    };
    DefinitionEdits edits;
    edits.intent.environment = definition(person.home, "https://git.lab/i.git#main:torch");
    CHECK(saved(edits, "one").context == "https://git.lab/i.git#main:torch");
    edits.intent.environment.clear();
    edits.context = "https://git.lab/i.git#v1";
    edits.context_dockerfile = "sub/Dockerfile";
    const auto base = saved(edits, "two");
    CHECK((base.context == "https://git.lab/i.git#v1" && base.context_dockerfile == "sub/Dockerfile"));
    edits.context = "https://me:hunter2@git.lab/i.git";
    CHECK_THAT(error_of([&] { (void)saved(edits, "three"); }).to_string(),
               Contains("holds a user or a password") && !Contains("hunter2"));
}
