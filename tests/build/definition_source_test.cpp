// What becomes of a user's files when they are registered, and what of others' definitions when they are opened.
#include "build/definition_source.hpp"

#include <catch2/catch.hpp>

#include "build/environment_view.hpp"
#include "build/intent.hpp"
#include "build/name_changes.hpp"
#include "build/names_support.hpp"
#include "catalog/base_images.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;
using Catch::Matchers::Contains;

namespace {

// Somebody with files and a repository; offline, as registering only reads.
struct Team {
    explicit Team(const std::string& registry = "")
        : bench(environment(), settings(registry), CancelToken(), reporter) {}

    [[nodiscard]] ProcessEnv environment() const {
        return ProcessEnv({{"HOME", home.path().string()}, {"USER", "ada"}, {"SECRET_PLACE", home.path().string()}});
    }
    [[nodiscard]] Settings settings(const std::string& registry) const {
        std::vector<std::string> warnings;
        auto made = load_settings(environment(), {{"registry", registry}}, warnings);
        made.share_dir = ENVBUILD_SOURCE_DIR;
        return made;
    }
    [[nodiscard]] std::string write(const std::string& path, const std::string& text) const {
        write_file_atomic(home.path() / "files" / path, text);
        return (home.path() / "files" / path).string();
    }
    [[nodiscard]] Registered register_file(const std::string& file, const Registration& registration,
                                           const std::string& python = "") const {
        DefinitionEdits edits;
        edits.intent.environment = file;
        edits.intent.python = python;
        return register_definition(definition_source(edits, bench), registration, bench);
    }
    [[nodiscard]] std::string refusal(const std::function<void()>& work) const {
        const auto error = error_of(work);
        CHECK(error.kind() == ErrorKind::InvalidInput);
        return error.to_string();
    }
    // Somebody who writes his own claims, past all that register looks at.
    void forge(const std::string& name, const std::string& conda) const {
        const Folder folder(name);
        folder.write("conda_dependencies.yml", conda);
        const auto repository = bench.repository();
        (void)NameRegistry(*repository, bench).write(registration(name), folder.archive());
    }
    [[nodiscard]] std::size_t tags() const { return bench.repository()->list_tags().size(); }

    TempDir home{"team"};
    RecordingReporter reporter;
    Workbench bench;
};

Registration as(const std::string& name) {
    Registration made;
    made.name = name;
    return made;
}

std::string conda_with(const std::string& pip) {
    return "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n    - " + pip + "\n";
}

}  // namespace

TEST_CASE("register: a credential that is written out is refused at its line, ${VAR} is not") {
    const Team team;
    const auto refused = [&](const std::string& text) {
        return team.refusal([&] { (void)team.register_file(team.write("env.yml", text), as("env")); });
    };
    CHECK_THAT(refused(conda_with("--extra-index-url https://bob:hunter2@pypi.lab/simple")),
               Contains("env.yml:6") && Contains("${VAR}") && !Contains("hunter2"));
    CHECK_THAT(refused("channels:\n  - https://conda.lab/t/to-ken/team\ndependencies: [python=3.11]\n"),
               Contains("env.yml:2") && !Contains("to-ken"));
    CHECK_THAT(refused(conda_with("six  # from https://t0k3n@pypi.lab/simple")), Contains("env.yml:6"));
    (void)team.write("reqs/more.txt", "six\n--index-url https://a:b@pypi.lab/simple\n");
    CHECK_THAT(refused(conda_with("-r reqs/more.txt")), Contains("more.txt:2"));
    CHECK(team.tags() == 0);
    const auto good = team.write("env.yml", conda_with("--extra-index-url https://bob:${PASSWORD}@pypi.lab/simple") +
                                                "    - git+ssh://git@code.lab/a/b@v1\n");
    CHECK(team.register_file(good, as("env")).version == "1");
}

TEST_CASE("show: credentials of a conda file are not printed") {
    const Team team;
    const auto text = conda_with("--extra-index-url https://bob:hunter2@pypi.lab/simple") +
                      "    - --extra-index-url https://${USER}:${PASS}@other.lab/simple\n";
    (void)team.write("d/conda_dependencies.yml", text);
    (void)team.write("d/azureml_environment.json", "{}");
    const auto json = view_environment({.environment = (team.home.path() / "files/d").string()}, team.bench).to_json();
    CHECK_THAT(json.dump(), !Contains("hunter2") && Contains("https://***@pypi.lab") && Contains("${USER}:${PASS}@"));
}

TEST_CASE("registered definitions do not reach the files of who reads them") {
    const Team team;
    const auto secret = team.write("secret/setup.py", "x");
    const auto folder = fs::path(secret).parent_path().string();
    int number = 0;
    for (const auto& line :
         std::vector<std::string>{"-r " + secret, "-r ../../../secret/setup.py", folder, "-e " + folder,
                                  "six @ file://" + secret, "git+file://" + folder + "#egg=x",
                                  "${SECRET_PLACE}/files/secret", "-c ${SECRET_PLACE}/files/secret/setup.py",
                                  "--find-links " + folder, "--index-url file://" + folder, "-e ."}) {
        INFO(line);
        const auto name = "evil" + std::to_string(++number);
        team.forge(name, conda_with("'" + line + "'"));
        CHECK_THAT(team.refusal([&] { (void)find_environment(name, team.bench); }),
                   Contains(name + ":1 as it was registered"));
    }
    team.forge("channel", "channels: ['file://" + folder + "']\ndependencies: [python]\n");
    CHECK_THAT(team.refusal([&] { (void)find_environment("channel", team.bench); }), Contains("on the disk"));
    // Requirements in the conda file's place would be read by other rules.
    const Folder requirements;
    requirements.write("reqs.txt", "-r " + secret + "\n");
    requirements.write("azureml_environment.json", R"({"python": {"condaDependenciesFile": "reqs.txt"}})");
    const auto repository = team.bench.repository();
    (void)NameRegistry(*repository, team.bench).write(registration("requirements"), requirements.archive());
    CHECK_THAT(team.refusal([&] { (void)find_environment("requirements", team.bench); }),
               Contains("no conda environment file"));
    team.forge("good", conda_with("six"));
    CHECK(find_environment("good", team.bench).label == "good:1");
}

TEST_CASE("register: the hash is the one that everybody computes") {
    const Team team;
    (void)team.write("pkg/setup.py", "x");
    (void)team.write("pkg/azureml_environment.json", R"({"name": "no definition", "version": "7"})");
    const auto file = team.write("env.yml", conda_with("-e ./pkg"));
    const auto done = team.register_file(file, as("one"));
    CHECK(done.spec_hash == read_intent({.environment = "one"}, team.bench).hash.hex());
    CHECK(done.spec_hash == read_intent({.environment = file}, team.bench).hash.hex());
    CHECK(team.register_file("one", as("two")).spec_hash == done.spec_hash);
    CHECK(read_intent({.environment = "two"}, team.bench).hash.hex() == done.spec_hash);
    CHECK_THAT(team.refusal([&] { (void)team.register_file(team.write("root.yml", conda_with("-e .")), as("root")); }),
               Contains("the definition's own folder") && Contains("./pkg"));
}

TEST_CASE("register: --python means of a requirements file what it means to build") {
    const Team team;
    const auto file = team.write("reqs.txt", "six\n");
    for (const auto* python : {"3.11", ">=3.10,<3.12", "3.11.*", "3.10|3.11"}) {
        INFO(python);
        (void)team.register_file(file, as("reqs"), python);
        const auto own = read_intent({.environment = file, .python = python}, team.bench);
        const auto back = read_intent({.environment = "reqs"}, team.bench);
        CHECK(back.spec().conda.front().canonical("") == own.spec().conda.front().canonical(""));
        CHECK(back.hash == own.hash);
    }
    CHECK_THAT(team.refusal([&] { (void)team.register_file(file, as("reqs"), "three"); }),
               Contains("'three' is no version of Python"));
}

TEST_CASE("register: labels are looked at first, and one that fails says what is registered") {
    FakeRegistry registry;
    const Team team(registry.domain() + "/team/envs");
    const auto file = team.write("env.yml", conda_with("six"));
    auto labelled = as("env");
    labelled.labels = {"stable", "a b"};
    CHECK_THAT(team.refusal([&] { (void)team.register_file(file, labelled); }), Contains("'a b' is no proper label"));
    CHECK(team.tags() == 0);
    labelled.labels = {"stable"};
    auto puts = std::make_shared<std::atomic<int>>(0);
    registry.set_hook([puts](const FaultRequest& request, FaultConnection& connection) {
        if (request.method != "PUT" || request.target.find("/manifests/") == std::string::npos) return false;
        if (++*puts == 1) return false;
        fault::respond(400, "{}", "Content-Type: application/json\r\n")(request, connection);
        return true;
    });
    CHECK_THAT(team.refusal([&] { (void)team.register_file(file, labelled); }),
               Contains("env:1 is registered, and the label stable is not set"));
    CHECK(team.tags() == 1);
}

TEST_CASE("names that would be taken for files are refused") {
    const Team team;
    const auto file = team.write("env.yml", conda_with("six"));
    (void)team.register_file(file, as("env"));
    for (const auto* name : {"foo.yml", "a.yaml", "x.txt", "a.json", "b.toml"}) {
        INFO(name);
        CHECK_THAT(team.refusal([&] { (void)team.register_file(file, as(name)); }), Contains("taken for a file"));
        CHECK_THAT(team.refusal([&] { (void)team.register_file("env", as(name)); }), Contains("without the ending"));
        CHECK_THAT(team.refusal([&] { (void)rename_environment("env", name, team.bench); }),
                   Contains("taken for a file"));
    }
    CHECK(team.tags() == 1);
    CHECK(team.register_file(file, as("torch-1.13")).version == "1");
}

TEST_CASE("--shm-size is a number with b, k, m or g") {
    const Team team;
    DefinitionEdits edits;
    edits.intent.base = "ubuntu:22.04";
    for (const auto* good : {"2g", "512m", "1073741824", "64K"}) {
        edits.shm_size = good;
        CHECK(definition_source(edits, team.bench).definition.shm_size == good);
    }
    for (const auto* bad : {"big", "2gb", "g", "-1", "2 g", "2g --privileged", "1.5g"}) {
        INFO(bad);
        edits.shm_size = bad;
        CHECK_THAT(team.refusal([&] { (void)definition_source(edits, team.bench); }),
                   Contains("no size of shared memory"));
    }
}

TEST_CASE("save takes no option that a build would refuse") {
    const Team team;
    const auto file = team.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11]\n");
    int made = 0;
    const auto both = [&](const std::function<void(IntentOptions&)>& change) {
        DefinitionEdits edits;
        edits.intent.environment = file;
        change(edits.intent);
        const auto refused = team.refusal([&] {
            save(definition_source(edits, team.bench), team.home.path() / ("saved" + std::to_string(++made)), false);
        });
        CHECK(refused == team.refusal([&] {
            const auto intent = read_intent(edits.intent, team.bench);
            (void)value_or_throw(
                catalog::BaseImageCatalog::load(fs::path(ENVBUILD_SOURCE_DIR) / "curated").choose(intent.spec()));
        }));
        return refused;
    };
    CHECK_THAT(both([](auto& intent) { intent.base = "Not An Image"; }), Contains("Not An Image"));
    CHECK_THAT(both([](auto& intent) { intent.cuda = "eleven"; }), Contains("eleven"));
    CHECK_THAT(both([](auto& intent) { intent.cuda = "99.9"; }), Contains("99.9"));
    CHECK_THAT(both([](auto& intent) { intent.target_cuda = "x"; }), Contains("x"));
    CHECK_THAT(both([](auto& intent) { intent.target_cpu = "Not-A-CPU"; }), Contains("Not-A-CPU"));
    CHECK_THAT(both([](auto& intent) { intent.platform = "amiga"; }), Contains("amiga"));
    CHECK_THAT(both([](auto& intent) { intent.variables = {{"1BAD", "x"}}; }), Contains("1BAD"));
    CHECK_THAT(both([](auto& intent) { intent.variables = {{"A", "x\ny"}}; }), Contains("one line"));
    // An image as it is installs nothing; its variables are looked at all the same.
    DefinitionEdits edits;
    edits.intent.base = "docker.io/library/debian:12";
    edits.intent.variables = {{"1BAD", "x"}};
    CHECK_THAT(team.refusal([&] { (void)definition_source(edits, team.bench); }), Contains("1BAD"));
    edits.intent.variables.clear();
    save(definition_source(edits, team.bench), team.home.path() / "plain", false);
    CHECK_THAT(team.refusal([&] {
        (void)read_intent({.environment = (team.home.path() / "plain").string(), .variables = {{"1BAD", "x"}}},
                          team.bench);
    }),
               Contains("1BAD"));
}

TEST_CASE("register: a build context in git stays at its commit, and is no path of this machine") {
    const Team team;
    const std::string commit(40, 'c');
    DefinitionEdits edits;
    edits.context = "https://nowhere.invalid/images.git#" + commit + ":torch";
    CHECK(register_definition(definition_source(edits, team.bench), as("git"), team.bench).version == "1");
    CHECK(find_environment("git", team.bench).definition->base.context == edits.context);
    edits.context = "file:///srv/images.git#" + commit;
    CHECK_THAT(
        team.refusal([&] { (void)register_definition(definition_source(edits, team.bench), as("file"), team.bench); }),
        Contains("on the disk of whoever reads"));
}
