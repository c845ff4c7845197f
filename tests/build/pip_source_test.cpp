// Sources that pip lines name: repositories' URLs, folders as archives, what is refused.
#include "build/pip_source.hpp"

#include <catch2/catch.hpp>

#include "build/git_source.hpp"
#include "build/names_support.hpp"
#include "build/pip_phase.hpp"
#include "build/source_archive.hpp"
#include "layer/tar_parser.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;

namespace {

GitUrl git(const std::string& text) {
    return value_or_throw(GitUrl::parse(value_or_throw(Url::parse(text))));
}

std::string refusal(const std::string& text) {
    const auto parsed = GitUrl::parse(value_or_throw(Url::parse(text)));
    return parsed ? "" : parsed.error().message();
}

struct Entries final : layer::TarVisitor {
    void entry(const layer::TarEntry& one) override { all.push_back(one); }
    void data(std::string_view bytes) override { content.append(bytes); }
    void end() override {}
    std::vector<layer::TarEntry> all;
    std::string content;
};

Entries read_tar(const fs::path& file) {
    Entries entries;
    layer::TarParser parser(entries);
    parser.feed(read_file(file));
    parser.finish();
    return entries;
}

struct Project {
    Project() {
        write_file_atomic(path() / "setup.py", "code", static_cast<fs::perms>(0600));
        write_file_atomic(path() / "tool.sh", "run", static_cast<fs::perms>(0777));
        write_file_atomic(path() / "pkg/__init__.py", "");
        fs::create_symlink("setup.py", path() / "link");
    }
    [[nodiscard]] const fs::path& path() const { return directory.path(); }
    TempDir directory{"project"};
};

CachedSource pack(const Project& project, const Person& person, spec::LeftOut left_out = spec::LeftOut::IgnoreRules) {
    return pack_folder(project.path(), left_out, std::nullopt, person.bench);
}

spec::EnvironmentSpec pip_spec(const pypi::RequirementLine& line) {
    spec::EnvironmentSpec spec;
    spec.pip = {line};
    return spec;
}

pypi::RequirementLine vcs(const std::string& url) {
    pypi::RequirementLine line;
    line.kind = pypi::RequirementLine::Kind::Vcs;
    line.url = value_or_throw(Url::parse(url));
    return line;
}

lock::PipPackage package(const std::string& url) {
    lock::PipPackage made;
    made.name = "some-thing";
    made.version = "1.0";
    made.url = url;
    made.sha256 = sha256("some bytes");
    made.direct = true;
    return made;
}

}  // namespace

TEST_CASE("repositories: address and revision of a pip URL") {
    const auto tagged = git("git+https://host.test/team/repo.git@v1.0#egg=x&subdirectory=sub");
    CHECK(tagged.address() == "https://host.test/team/repo.git");
    CHECK(tagged.revision == "v1.0");
    CHECK(git("git+https://host.test/team/repo.git").revision.empty());
    CHECK(git("git+https://host.test/repo@feature/one").revision == "feature/one");
    CHECK(git("git+file:///srv/repo@main").address() == "file:///srv/repo");
    // An '@' before the path is no revision's.
    const auto plain = git("git+https://user:secret@host.test/repo");
    CHECK(plain.revision.empty());
    CHECK(plain.address().find("secret") == std::string::npos);
    const auto ssh = git("git+ssh://git@host.test/team/repo.git@main");
    CHECK(ssh.address() == "ssh://git@host.test/team/repo.git");
    CHECK(ssh.revision == "main");
}

TEST_CASE("repositories: other systems, and revisions that would be git's options, are refused") {
    CHECK_THAT(refusal("hg+https://host.test/repo"), Catch::Contains("git alone"));
    CHECK_THAT(refusal("git+https://host.test/repo@--upload-pack=x"), Catch::Contains("no revision"));
    CHECK_THAT(refusal("git+https://host.test/repo@a:b"), Catch::Contains("no revision"));
    CHECK_THAT(refusal("git+https://host.test/repo@a%0Ab"), Catch::Contains("no revision"));
    CHECK_THAT(refusal("git+https://host.test/repo@main~1"), Catch::Contains("no revision"));
    CHECK(refusal("git+https://host.test/repo@main").empty());
}

TEST_CASE("folders as archives: equal trees give equal bytes, whatever their times, modes and makers") {
    const Person one;
    const Person other("bob");
    const Project here;
    const Project there;
    fs::last_write_time(there.path() / "setup.py", fs::file_time_type::clock::now() - std::chrono::hours(99));
    fs::permissions(there.path() / "setup.py", static_cast<fs::perms>(0664));
    const auto packed = pack(here, one);
    CHECK(packed.sha256 == pack(there, other).sha256);
    CHECK(packed.sha256 == sha256(read_file(packed.file)));
    CHECK(packed.file == one.bench.downloader().path_of(packed.sha256));

    const auto entries = read_tar(packed.file);
    std::vector<std::string> names;
    for (const auto& entry : entries.all) names.push_back(entry.path);
    CHECK(names ==
          std::vector<std::string>{"source/link", "source/pkg/__init__.py", "source/setup.py", "source/tool.sh"});
    REQUIRE(entries.all.size() == 4);
    CHECK(entries.all[0].link_target == "setup.py");
    CHECK(entries.all[2].mode == 0644);
    CHECK(entries.all[3].mode == 0755);
    CHECK(entries.content == "coderun");

    write_file_atomic(there.path() / "pkg/__init__.py", "changed");
    CHECK(packed.sha256 != pack(there, other).sha256);
}

TEST_CASE("folders as archives: what counts for the hash is what is packed") {
    const Person person;
    const Project project;
    const auto before = pack(project, person).sha256;
    write_file_atomic(project.path() / "pkg/__pycache__/x.pyc", "left over");
    write_file_atomic(project.path() / ".git/config", "history");
    CHECK(pack(project, person).sha256 == before);
    // A checkout is packed as it is but for git's own folder.
    CHECK(pack(project, person, spec::LeftOut::RepositoryFolder).sha256 != before);
    fs::remove_all(project.path() / "pkg/__pycache__");
    CHECK(pack(project, person, spec::LeftOut::RepositoryFolder).sha256 == before);
}

TEST_CASE("folders as archives: a folder that changed since its hash was taken is refused") {
    const Person person;
    const Project project;
    CHECK_THROWS_WITH(pack_folder(project.path(), spec::LeftOut::IgnoreRules, sha256("another"), person.bench),
                      Catch::Contains("changed while"));
    CHECK_THROWS_WITH(keep_file(project.path() / "setup.py", sha256("another"), person.bench),
                      Catch::Contains("changed while"));
    CHECK(keep_file(project.path() / "setup.py", sha256("code"), person.bench).sha256 == sha256("code"));
}

TEST_CASE("pip's own record of where a package is from") {
    const std::string commit(40, 'a');
    auto repository = package("git+https://host.test/repo.git@" + commit);
    repository.subdirectory = "sub";
    const auto json = value_or_throw(Json::parse(direct_url(repository)));
    CHECK(json.string_or("url", "") == "https://host.test/repo.git");
    CHECK(json["vcs_info"].string_or("commit_id", "") == commit);
    CHECK(json.string_or("subdirectory", "") == "sub");
    const auto wheel = value_or_throw(Json::parse(direct_url(package("https://host.test/x-1.0-py3-none-any.whl"))));
    CHECK(wheel["archive_info"]["hashes"].string_or("sha256", "") == sha256("some bytes").hex());
    CHECK(direct_url(package("./pkg")).empty());
    auto indexed = package("https://host.test/x-1.0-py3-none-any.whl");
    indexed.direct = false;
    CHECK(direct_url(indexed).empty());
}

TEST_CASE("a local source that is gone or another than was locked is refused") {
    const Person person;
    const Project project;
    auto wanted = package("./absent");
    CHECK_THROWS_WITH(restore_source(wanted, project.path(), person.bench), Catch::Contains("is not there"));
    wanted.url = ".";
    CHECK_THROWS_WITH(restore_source(wanted, project.path(), person.bench), Catch::Contains("but the lock says"));
    const Person other("bob");
    wanted.sha256 = pack(project, other).sha256;
    restore_source(wanted, project.path(), person.bench);
    CHECK(person.bench.downloader().find(wanted.sha256));
}

TEST_CASE("pip lines that cannot be kept are refused before anything is fetched") {
    CHECK_NOTHROW(check_pip_lines(pip_spec(vcs("git+https://host.test/repo@main"))));
    CHECK_THROWS_WITH(check_pip_lines(pip_spec(vcs("hg+https://host.test/repo"))), Catch::Contains("git alone"));

    auto options = vcs("git+https://host.test/repo");
    options.options = {"--config-settings=a=b"};
    CHECK_THROWS_WITH(check_pip_lines(pip_spec(options)), Catch::Contains("options for a build"));
    options.kind = pypi::RequirementLine::Kind::DirectUrl;
    options.url = value_or_throw(Url::parse("https://host.test/x-1.0.tar.gz"));
    CHECK_THROWS_WITH(check_pip_lines(pip_spec(options)), Catch::Contains("options for a build"));
    options.url = value_or_throw(Url::parse("https://host.test/x-1.0-py3-none-any.whl"));
    CHECK_NOTHROW(check_pip_lines(pip_spec(options)));

    auto hashes = pip_spec(vcs("git+https://host.test/repo"));
    hashes.indexes.require_hashes = true;
    CHECK_THROWS_WITH(check_pip_lines(hashes), Catch::Contains("has no hash"));

    spec::EnvironmentSpec links;
    links.indexes.find_links = {"https://host.test/wheels.html"};
    CHECK_NOTHROW(check_pip_lines(links));
    links.indexes.find_links = {"./wheels"};
    CHECK_THROWS_WITH(check_pip_lines(links), Catch::Contains("'./wheels' is a folder of this machine"));
    links.indexes.find_links = {"file:///srv/wheels"};
    CHECK_THROWS_WITH(check_pip_lines(links), Catch::Contains("folder of this machine"));
}
