#include "solve/pip_solver.hpp"

#include <catch2/catch.hpp>

#include "solve/pip_support.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using Strings = std::vector<std::string>;

namespace {

struct Fixture {
    PipWorld world;
    std::string answer(const Strings& lines, const Strings& constraints = {}) {
        return pip_answer(pip_request(lines, constraints), world);
    }
    solve::PipSolution solution(const solve::PipRequest& request) { return solve::solve_pip(request, world); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "pip: the newest of what is asked and of what that needs") {
    world.offer("app", "1.0", {.needs = {"lib>=1"}}).offer("app", "2.0", {.needs = {"lib<2", "tool"}});
    world.offer("lib", "1.0").offer("lib", "1.5").offer("lib", "2.0").offer("tool", "3.0").offer("unneeded", "1.0");
    CHECK(answer({"app"}) == "app 2.0, lib 1.5, tool 3.0");
    CHECK(answer({"app<2"}) == "app 1.0, lib 2.0");
    CHECK(answer({"app<2", "lib<2"}) == "app 1.0, lib 1.5");
    CHECK_FALSE(world.projects_asked.contains("unneeded"));
    const auto solved = solution(pip_request({"lib", "app"}));
    REQUIRE(solved.packages.size() == 3);
    CHECK(solved.packages[0].requested);
    CHECK_FALSE(solved.packages[2].requested);
    CHECK(solved.packages[0].file->file.filename == "app-2.0-py3-none-any.whl");
}

TEST_CASE_METHOD(Fixture, "pip: an older version where the newest cannot be had, and no metadata of the others") {
    world.offer("app", "3.0", {.needs = {"lib==3"}}).offer("app", "2.0", {.needs = {"lib==2"}});
    world.offer("app", "1.0").offer("lib", "2");
    CHECK(answer({"app"}) == "app 2.0, lib 2");
    CHECK_FALSE(world.metadata_asked.contains("app-1.0-py3-none-any.whl"));
}

TEST_CASE_METHOD(Fixture, "pip: projects choose in the order of their names, whatever the order of the lines") {
    world.offer("a", "2.0", {.needs = {"shared<2"}}).offer("a", "1.0");
    world.offer("b", "2.0", {.needs = {"shared>=2"}}).offer("b", "1.0");
    world.offer("shared", "1.0").offer("shared", "2.0");
    CHECK(answer({"b", "a"}) == "a 2.0, b 1.0, shared 1.0");
    CHECK(answer({"a", "b"}) == "a 2.0, b 1.0, shared 1.0");
    // What is asked goes before what is needed.
    CHECK(answer({"b", "a", "shared"}) == "a 2.0, b 1.0, shared 1.0");
    CHECK(answer({"a", "b>=2"}) == "a 1.0, b 2.0, shared 2.0");
}

TEST_CASE_METHOD(Fixture, "pip: extras bring what they need, at the version that is taken") {
    world.offer("app", "2.0", {.needs = {"base", "fast>=2; extra == 'speed'"}, .extras = {"speed"}});
    world.offer("app", "1.0", {.needs = {"base", "fast; extra == 'speed'"}, .extras = {"speed"}});
    world.offer("base", "1.0").offer("fast", "1.0").offer("user", "1.0", {.needs = {"app[speed]"}});
    CHECK(answer({"app"}) == "app 2.0, base 1.0");
    CHECK(answer({"app[speed]"}) == "app 1.0, base 1.0, fast 1.0");
    CHECK(answer({"user"}) == "app 1.0, base 1.0, fast 1.0, user 1.0");
    CHECK(answer({"user", "app>=2"}).starts_with("'app>=2' and 'user' cannot be had together"));
    const auto solved = solution(pip_request({"app[nothing]"}));
    CHECK(solved.packages.size() == 2);
    CHECK(solved.notes == Strings{"app 2.0 has no extra 'nothing'"});
}

TEST_CASE_METHOD(Fixture, "pip: an extra may stand for others of its project") {
    world.offer("app", "1.0",
                {.needs = {"app[one,two]; extra == 'all'", "x; extra == 'one'", "y; extra == 'two'"},
                 .extras = {"all", "one", "two"}});
    world.offer("x", "1").offer("y", "1");
    CHECK(answer({"app[all]"}) == "app 1.0, x 1, y 1");
}

TEST_CASE_METHOD(Fixture, "pip: markers are those of the target") {
    world.offer(
        "app", "1.0",
        {.needs = {"old; python_version < '3.8'", "win; sys_platform == 'win32'", "new; python_version >= '3.8'"}});
    world.offer("new", "1.0");
    CHECK(answer({"app", "nothing; sys_platform == 'darwin'"}) == "app 1.0, new 1.0");
}

TEST_CASE_METHOD(Fixture, "pip: pre-releases where they are asked for, or nothing else is there") {
    world.offer("app", "1.0").offer("app", "2.0rc1").offer("only", "1.0a1");
    CHECK(answer({"app", "only"}) == "app 1.0, only 1.0a1");
    CHECK(answer({"app>=2.0rc1"}) == "app 2.0rc1");
    CHECK(answer({"app>=1.0rc1"}) == "app 2.0rc1");
    CHECK(answer({"app>1.0"}) == "app 2.0rc1");
    CHECK(answer({"app"}, {"app==2.0rc1"}) == "app 2.0rc1");
    auto request = pip_request({"app"});
    request.rules.pre = true;
    CHECK(pip_answer(request, world) == "app 2.0rc1");
    // One requirement asks for a pre-release, and another goes with it.
    world.offer("a", "1.0", {.needs = {"app>=1"}}).offer("b", "1.0", {.needs = {"app==2.0rc1"}});
    CHECK(answer({"a", "b"}) == "a 1.0, app 2.0rc1, b 1.0");
    CHECK(answer({"a"}) == "a 1.0, app 1.0");
}

TEST_CASE_METHOD(Fixture, "pip: what was yanked is for those who pin it") {
    world.offer("app", "1.0").offer("app", "2.0", {.yanked = "broken"});
    CHECK(answer({"app"}) == "app 1.0");
    CHECK(answer({"app==2.0"}) == "app 2.0");
    world.offer("user", "1.0", {.needs = {"app"}}).offer("pins", "1.0", {.needs = {"app==2.0"}});
    CHECK(answer({"user", "app==2.0"}) == "app 2.0, user 1.0");
    CHECK(answer({"user", "pins"}) == "app 2.0, pins 1.0, user 1.0");
    CHECK(solution(pip_request({"app==2.0"})).notes == Strings{"app 2.0 was yanked by its authors: broken"});
}

TEST_CASE_METHOD(Fixture, "pip: what was only read ahead lets no pre-release in, nor what was yanked") {
    world.offer("a", "1.0", {.needs = {"z"}}).offer("b", "1.0", {.needs = {"z<2"}});
    world.offer("z", "1.0").offer("z", "2.0", {.needs = {"y==2.0rc1", "w==2.0"}});
    world.offer("y", "1.0").offer("y", "2.0rc1").offer("w", "1.0").offer("w", "2.0", {.yanked = "broken"});
    CHECK(answer({"a", "b", "w", "y"}) == "a 1.0, b 1.0, w 1.0, y 1.0, z 1.0");
    // A conflict that a pre-release mends, of something else.
    world.offer("p", "1.0", {.needs = {"x>=1"}}).offer("q", "1.0", {.needs = {"x==2.0rc1"}});
    world.offer("x", "1.0").offer("x", "2.0rc1");
    CHECK(answer({"a", "b", "p", "q", "w", "y"}) == "a 1.0, b 1.0, p 1.0, q 1.0, w 1.0, x 2.0rc1, y 1.0, z 1.0");
    CHECK(world.metadata_asked.contains("z-2.0-py3-none-any.whl"));
}

TEST_CASE_METHOD(Fixture, "pip: constraints narrow and bring nothing in") {
    world.offer("app", "1.0", {.needs = {"lib"}}).offer("lib", "1.0").offer("lib", "2.0").offer("other", "1.0");
    CHECK(answer({"app"}, {"lib<2", "other==1.0"}) == "app 1.0, lib 1.0");
    CHECK(answer({"app"}, {"lib>2"}) ==
          "'app' and the constraint 'lib>2' cannot be had together\n"
          "└─ asked: app\n"
          "   └─ app 1.0 needs lib\n"
          "      └─ lib 1.0, 2.0 do not fit the constraint 'lib>2'");
}

TEST_CASE_METHOD(Fixture, "pip: what conda provides stays, and nothing is fetched for it") {
    world.offer("app", "2.0", {.needs = {"numpy>=2"}}).offer("app", "1.0", {.needs = {"numpy"}}).offer("numpy", "2.1");
    auto request = pip_request({"app", "numpy"});
    request.provided = {{"numpy", *pypi::Pep440Version::parse("1.26.4"), "conda's numpy"}};
    CHECK(pip_answer(request, world) == "app 1.0");
    CHECK_FALSE(world.projects_asked.contains("numpy"));
    request.lines.push_back(pip_line("app>=2"));
    CHECK(pip_answer(request, world) ==
          "'app>=2' cannot be installed\n"
          "└─ asked: app>=2\n"
          "   └─ app 2.0 needs numpy>=2\n"
          "      └─ nothing provides it: conda's numpy is 1.26.4, and stays");
    request = pip_request({"numpy[fast]"});
    request.provided = {{"numpy", *pypi::Pep440Version::parse("1.26.4"), "conda's numpy"}};
    CHECK(pip_answer(request, world) == "; numpy 1.26.4 is asked for with its extra 'fast'");
}

TEST_CASE_METHOD(Fixture, "pip: an extra is a reason to ask pip only where it is taken") {
    world.offer("b", "2.0", {.needs = {"numpy[dev]", "lib>=2"}}).offer("b", "1.0", {.needs = {"numpy"}});
    world.offer("lib", "1.0").offer("lib", "2.0").offer("a", "1.0", {.needs = {"lib<2"}});
    auto request = pip_request({"a", "b"});
    request.provided = {{"numpy", *pypi::Pep440Version::parse("1.26.4"), "conda's numpy"}};
    CHECK(pip_answer(request, world) == "a 1.0, b 1.0, lib 1.0");
    request = pip_request({"b"});
    request.provided = {{"numpy", *pypi::Pep440Version::parse("1.26.4"), "conda's numpy"}};
    CHECK(pip_answer(request, world) == "b 2.0, lib 2.0; numpy 1.26.4 is asked for with its extra 'dev'");

    world.offer("d", "2.0", {.needs = {"c[far]", "lib>=2"}}).offer("d", "1.0", {.needs = {"c"}});
    world.offer("c", "1.0", {.needs = {"x @ https://h.test/x.whl ; extra == 'far'"}, .extras = {"far"}});
    CHECK(answer({"a", "d"}) == "a 1.0, c 1.0, d 1.0, lib 1.0");
    CHECK(answer({"d"}) == "c 1.0, d 2.0, lib 2.0; c 1.0 needs x from a URL");
}

TEST_CASE_METHOD(Fixture, "pip: a wheel that is named by its place is the one candidate of its project") {
    world.offer("lib", "1.0").offer("lib", "2.0").offer("app", "1.0", {.needs = {"tool>=2"}}).offer("tool", "3.0");
    auto request = pip_request({"app"});
    auto metadata =
        *pypi::CoreMetadata::parse("Metadata-Version: 2.1\nName: tool\nVersion: 2.5.dev1\nRequires-Dist: lib<2\n", "w");
    request.direct = {{"tool @ https://h.test/tool.whl", {}, metadata}};
    CHECK(pip_answer(request, world) == "app 1.0, lib 1.0, tool 2.5.dev1");
    CHECK_FALSE(world.projects_asked.contains("tool"));
    request.lines.push_back(pip_line("tool>=3"));
    CHECK(pip_answer(request, world) ==
          "'tool>=3' cannot be installed\n"
          "└─ asked: tool>=3\n"
          "   └─ nothing provides it: 'tool @ https://h.test/tool.whl' is 2.5.dev1");
}

TEST_CASE_METHOD(Fixture, "pip: a source archive is a reason to ask pip only where it would be taken") {
    world.offer("app", "2.0", {.tag = ""}).offer("app", "1.0").offer("lib", "1.0").offer("lib", "1.0", {.tag = ""});
    CHECK(answer({"app", "lib"}) == "app 2.0, lib 1.0; app 2.0 is a source archive");
    CHECK(answer({"app<2", "lib"}) == "app 1.0, lib 1.0");
    auto request = pip_request({"app"});
    request.rules.prefer_binary = true;
    CHECK(pip_answer(request, world) == "app 1.0");
    request.rules.only_binary = {":all:"};
    request.lines = {pip_line("app>1")};
    CHECK(pip_answer(request, world).find("every file of 'app>1' is ruled out by --only-binary") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "pip: a file whose metadata cannot be used is passed over, and said") {
    world.offer("app", "2.0", {.broken = true})
        .offer("app", "1.0")
        .offer("app", "1.0", {.tag = "cp311-cp311-linux_x86_64", .broken = true});
    const auto solved = solution(pip_request({"app"}));
    REQUIRE(solved.packages.size() == 1);
    CHECK(solved.packages[0].file->file.filename == "app-1.0-py3-none-any.whl");
    REQUIRE(solved.notes.size() == 1);
    CHECK_THAT(solved.notes[0], Catch::StartsWith("app 1.0 is taken, and 2.0 left out: app-2.0-py3-none-any.whl:1: "));
}

TEST_CASE_METHOD(Fixture, "pip: metadata that is damaged on its way chooses no other version") {
    world.offer("app", "2.0", {.damaged = true}).offer("app", "1.0");
    CHECK(answer({"app"}) == "app-2.0-py3-none-any.whl has another sha256");
    CHECK(answer({"app<2"}) == "app 1.0");
}

TEST_CASE_METHOD(Fixture, "pip: Requires-Python of the index and of the metadata") {
    world.offer("app", "3.0", {.python = ">=3.12"})
        .offer("app", "2.0", {.metadata_python = ">=3.12"})
        .offer("app", "1.0", {.python = ">=3.8"});
    CHECK(answer({"app"}) == "app 1.0");
    CHECK(answer({"app>=2,<3"}) ==
          "'app<3,>=2' cannot be installed\n└─ asked: app<3,>=2\n"
          "   └─ app 2.0 does not take the target's Python: needs Python >=3.12");
    CHECK_THAT(answer({"app>=3"}),
               Catch::Contains("no release of 'app>=3' takes Python 3.11.4: 3.0 needs Python >=3.12"));
}

TEST_CASE_METHOD(Fixture, "pip: hashes choose among files, and are asked of everything") {
    const auto wheel = PipWorld::hash_of("app-1.0-py3-none-any.whl");
    world.offer("app", "1.0")
        .offer("app", "1.0", {.tag = "cp311-cp311-linux_x86_64"})
        .offer("app", "2.0", {.needs = {"lib"}})
        .offer("lib", "1.0");
    auto request = pip_request({});
    request.lines = {pip_line("app==1.0", {wheel})};
    const auto solved = solution(request);
    REQUIRE(solved.packages.size() == 1);
    CHECK(solved.packages[0].file->file.filename == "app-1.0-py3-none-any.whl");
    request.lines = {pip_line("app==1.0", {PipWorld::hash_of("another")})};
    CHECK_THAT(pip_answer(request, world), Catch::Contains("app 1.0 has no file with a hash that is asked for"));
    request.lines = {pip_line("app>=1.0", {wheel})};
    CHECK_THAT(pip_answer(request, world), Catch::Contains("does not pin its version by =="));
    request.lines = {pip_line("app==1.0", {wheel}), pip_line("lib==1.0")};
    CHECK_THAT(pip_answer(request, world), Catch::Contains("'lib==1.0' has no hash"));
    request.lines = {pip_line("app==2.0", {PipWorld::hash_of("app-2.0-py3-none-any.whl")})};
    CHECK_THAT(pip_answer(request, world),
               Catch::Contains("need 1 further package, which no line gives a hash for: lib==1.0 --hash=sha256:"));
}

TEST_CASE_METHOD(Fixture, "pip: one file name with two hashes is refused where it would be taken") {
    world.offer("app", "2.0", {.dispute = "two indexes"}).offer("app", "1.0");
    CHECK(answer({"app"}) == "two indexes");
    CHECK(answer({"app<2"}) == "app 1.0");
}

TEST_CASE_METHOD(Fixture, "pip: a hash decides between two files of one name") {
    world.offer("app", "1.0", {.dispute = "two indexes", .bytes = "one"});
    world.offer("app", "1.0", {.dispute = "two indexes", .bytes = "two"});
    CHECK(answer({"app"}) == "two indexes");
    auto request = pip_request({});
    for (const auto* bytes : {"one", "two"}) {
        request.lines = {pip_line("app==1.0", {PipWorld::hash_of(bytes)})};
        const auto solved = solution(request);
        REQUIRE(solved.packages.size() == 1);
        CHECK(solved.packages[0].file->file.sha256->to_string() == PipWorld::hash_of(bytes));
    }
}

TEST_CASE_METHOD(Fixture, "pip: a yanked file that a hash names is taken, though the version has others") {
    const std::string tag = "cp311-cp311-linux_x86_64";
    world.offer("app", "1.0").offer("app", "1.0", {.tag = tag, .yanked = "broken"});
    auto request = pip_request({});
    request.lines = {pip_line("app==1.0", {PipWorld::hash_of("app-1.0-" + tag + ".whl")})};
    const auto solved = solution(request);
    REQUIRE(solved.packages.size() == 1);
    CHECK(solved.packages[0].file->file.filename == "app-1.0-" + tag + ".whl");
    CHECK(solved.notes == Strings{"app 1.0 was yanked by its authors: broken"});
    request.lines = {pip_line("app==1.0")};
    CHECK(solution(request).packages.at(0).file->file.filename == "app-1.0-py3-none-any.whl");
}

TEST_CASE_METHOD(Fixture, "pip: hashes that no index gives are pip's to compare") {
    world.offer("app", "1.0");
    auto request = pip_request({});
    const auto sha512 = "sha512:" + std::string(128, 'a');
    request.lines = {pip_line("app==1.0", {PipWorld::hash_of("app-1.0-py3-none-any.whl"), sha512})};
    CHECK(pip_answer(request, world) == "; app has a --hash by sha512");
    CHECK(world.projects_asked.empty());
    request.lines = {pip_line("app==1.0", {PipWorld::hash_of("app-1.0-py3-none-any.whl")}),
                     pip_line("app==2.0; python_version < '3'", {sha512})};
    CHECK(pip_answer(request, world) == "app 1.0");
}

TEST_CASE_METHOD(Fixture, "pip: --gpu takes the build for the target's CUDA") {
    for (const auto* version : {"2.0", "2.0+cpu", "2.0+cu117", "2.0+cu118", "2.0+cu121", "1.0+cu113", "1.0"})
        world.offer("torch", version);
    auto request = pip_request({"torch"});
    CHECK(pip_answer(request, world) == "torch 2.0+cu121");
    request.gpu = true;
    request.cuda = "11.8";
    CHECK(pip_answer(request, world) == "torch 2.0+cu118");
    request.cuda = "11.7";
    CHECK(pip_answer(request, world) == "torch 2.0+cu117");
    request.cuda = "12.4";
    CHECK(pip_answer(request, world) == "torch 2.0+cu121");
    request.lines = {pip_line("torch==2.0+cu121")};
    request.cuda = "11.8";
    CHECK(pip_answer(request, world) == "torch 2.0+cu121");
    request.lines = {pip_line("torch==2.0+cpu")};
    CHECK(pip_answer(request, world) == "torch 2.0+cpu");
}

TEST_CASE_METHOD(Fixture, "pip: a CPU build under --gpu is an error that says what to do") {
    world.offer("torch", "2.0+cpu").offer("torch", "1.0+cu121");
    auto request = pip_request({"torch"});
    request.gpu = true;
    request.cuda = "11.8";
    try {
        (void)solve::solve_pip(request, world);
        FAIL("it did not fail");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Unsatisfiable);
        CHECK(error.message() ==
              "'torch' and --gpu cannot be had together\n└─ asked: torch\n"
              "   ├─ torch 2.0+cpu is a CPU build, and --gpu asks for a GPU build\n"
              "   └─ torch 1.0+cu121 is built for a newer CUDA: CUDA 12.1, and the target has 11.8");
        CHECK_THAT(error.hint(), Catch::Contains("--extra-index-url") && Catch::Contains("torch==2.0+cpu"));
        CHECK_FALSE(error.details().empty());
    }
}

TEST_CASE_METHOD(Fixture, "pip: a conflict names the fewest lines, who needs what, and what there is") {
    world.offer("a", "1.0", {.needs = {"lib<2"}}).offer("b", "1.0", {.needs = {"lib>=2"}}).offer("c", "1.0");
    world.offer("lib", "1.0").offer("lib", "2.0");
    CHECK(answer({"a", "b", "c"}) ==
          "'a' and 'b' cannot be had together\n"
          "└─ asked: a\n"
          "   └─ a 1.0 needs lib<2\n"
          "      └─ lib 1.0 does not fit 'lib>=2', which is needed by b 1.0");
    CHECK(
        answer({"c", "nowhere"}) ==
        "'nowhere' cannot be installed\n└─ asked: nowhere\n   └─ nothing provides it: no package index has 'nowhere'");
    CHECK(answer({"lib>5"}) ==
          "'lib>5' cannot be installed\n└─ asked: lib>5\n   └─ nothing provides it: no release fits 'lib>5'; there are "
          "2.0, 1.0");
    world.offer("w", "1.0", {.tag = "cp312-cp312-win_amd64"});
    CHECK_THAT(answer({"w"}),
               Catch::Contains("no wheel of 'w' fits the target") && Catch::Contains("offered cp312-cp312-win_amd64"));
}
