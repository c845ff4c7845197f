#include <fcntl.h>
#include <sys/file.h>
#include <catch2/catch.hpp>

#include "base/strings.hpp"
#include "spec/definition_support.hpp"
#include "spec/environment_reader.hpp"
#include "spec/literal_credential.hpp"
#include "spec/source_access.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using namespace envbuild::spec::test;
using Catch::Matchers::Contains;

namespace {

// What is left of `definition` when it is saved and read again.
Definition saved(const Definition& definition, const fs::path& source, const fs::path& target) {
    save_definition(definition, source, target, false);
    return read_definition(target).definition;
}

std::string save_refusal(const Definition& definition, const fs::path& source, const fs::path& target,
                         bool overwrite = false) {
    try {
        save_definition(definition, source, target, overwrite);
        return "taken";
    } catch (const Error& error) {
        return error.to_string();
    }
}

Definition with_conda(const std::string& path) {
    Definition definition;
    definition.name = "x";
    definition.conda_file = path;
    return definition;
}

constexpr std::string_view kConda = "dependencies:\n  - python=3.10\n  - pip:\n    - torch\n";

}  // namespace

TEST_CASE("save: what is saved reads as it was") {
    Folder source;
    Folder out;
    source.file("conda.yml", kConda)
        .file("ctx/Dockerfile", "FROM x\n")
        .file("ctx/empty.log", "")
        .file("ctx/.dockerignore", "*.log\n");
    Definition definition;
    definition.name = "my-env";
    definition.version = "3";
    definition.description = "two\nlines, \xC3\xA9";
    definition.tags = {{"python", "3.10"}, {"b", ""}};
    definition.variables = {{"A", "yes"}, {"B", "0x10"}};
    definition.interpreter = "/opt/python";
    definition.platform = "linux-aarch64";
    definition.shm_size = "8g";
    definition.arguments = {"--ipc=host"};
    definition.gpu = {true, "11.8", "12.2", "haswell"};
    SECTION("with nothing more") {}
    SECTION("with a conda file") {
        definition.conda_file = "conda.yml";
    }
    SECTION("with a conda file and an image") {
        definition.conda_file = "conda.yml";
        definition.base.image = "ubuntu:22.04";
    }
    SECTION("with a Dockerfile") {
        definition.base.dockerfile = "FROM ubuntu:22.04\nRUN echo 'a'\n";
    }
    SECTION("with a build context") {
        definition.base.context = "ctx";
    }
    SECTION("with a git context") {
        definition.base.context = "https://github.com/a/b.git#main:sub";
        definition.base.context_dockerfile = "docker/Dockerfile";
    }
    SECTION("user managed") {
        definition.user_managed = true;
        definition.base.image = "ubuntu:22.04";
    }
    SECTION("conda's words inline") {
        definition.conda_text = "dependencies:\n  - python=3.10\n";
    }

    const Definition once = saved(definition, source.path(), out.path("one"));
    Definition expected = definition;
    expected.document = once.document;
    if (!definition.conda_file.empty() || !definition.conda_text.empty()) expected.conda_file = kCondaFile;
    expected.conda_text.clear();
    CHECK(once == expected);
    // And from then on nothing changes.
    const Definition twice = saved(once, out.path("one"), out.path("two"));
    CHECK(twice == once);
    CHECK(tree_of(out.path("one")) == tree_of(out.path("two")));
    CHECK(read_definition(out.path("two")).warnings.empty());
}

TEST_CASE("save: a definition of the SDK comes out as it went in") {
    Folder folder;
    folder.file("in/azureml_environment.json", replace_all(full_json(), "\\u00fc", "\xC3\xBC") + "\n")
        .file("in/conda_dependencies.yml", kConda);
    const auto read = read_definition(folder.path("in"));
    CHECK(read.definition.conda_file == kCondaFile);
    save_definition(read.definition, read.directory, folder.path("out"), false);
    CHECK(tree_of(folder.path("in")) == tree_of(folder.path("out")));
}

TEST_CASE("save: BaseDockerfile goes out of the JSON into its file, and back") {
    Folder folder;
    folder.file("in.json", R"({"docker": {"baseDockerfile": "FROM ubuntu:18.04\nRUN true\n"}})");
    const auto read = read_definition(folder.path("in.json"));
    save_definition(read.definition, read.directory, folder.path("out"), false);
    CHECK(read_file(folder.path("out/BaseDockerfile")) == "FROM ubuntu:18.04\nRUN true\n");
    CHECK_FALSE(read_file(folder.path("out/azureml_environment.json")).contains("ubuntu"));
    CHECK(read_definition(folder.path("out")).definition.base.dockerfile == "FROM ubuntu:18.04\nRUN true\n");
    // The file and an image exclude each other too.
    folder.file("out/azureml_environment.json", R"({"docker": {"baseImage": "x"}})");
    CHECK_THROWS_WITH(read_definition(folder.path("out")), Contains("the file BaseDockerfile are both set"));
    folder.file("out/azureml_environment.json", R"({"docker": {"baseDockerfile": "FROM other"}})");
    CHECK_THROWS_WITH(read_definition(folder.path("out")), Contains("differ"));
}

TEST_CASE("read: the conda file that counts") {
    Folder folder;
    folder.file("conda_dependencies.yml", kConda).file("other.yml", kConda);
    const auto read = [&](const std::string& python) {
        folder.file("azureml_environment.json", R"({"python": {)" + python + "}}");
        return read_definition(folder.path());
    };
    CHECK(read("").definition.conda_file == kCondaFile);
    const auto named = read(R"("condaDependenciesFile": "other.yml")");
    CHECK(named.definition.conda_file == "other.yml");
    CHECK_THAT(warnings_of(named), Contains("conda_dependencies.yml is not read"));
    const auto both = read(R"("condaDependencies": {"dependencies": ["python"]})");
    CHECK(both.definition.conda_file == kCondaFile);
    CHECK(both.definition.conda_text.empty());
    CHECK_THAT(warnings_of(both), Contains("condaDependencies is not used"));
    CHECK(conda_part(both.definition, folder.path())->bytes == kConda);
    CHECK_FALSE(conda_part(Definition{}, folder.path()));
}

TEST_CASE("save: the local files of a pip section go along, and mean the same") {
    Folder source;
    Folder out;
    source
        .file("env.yml",
              "dependencies:\n  - python=3.10\n  - pip:\n    - -r reqs/base.txt\n    - -c constraints.txt\n"
              "    - ./wheels/a-1.0-py3-none-any.whl\n    - -e ./lib\n    - --find-links ./links\n"
              "    - --extra-index-url https://${USER}:${PASS}@h/simple\n    - broken==={{latest}}\n"
              "  - sel(linux):\n    - pip:\n      - ./other\n")
        .file("reqs/base.txt", "numpy\n-r more.txt\n# -r none.txt\n")
        .file("reqs/more.txt", "scipy\n")
        .file("constraints.txt", "numpy<2\n")
        .file("wheels/a-1.0-py3-none-any.whl", "wheel")
        .file("wheels/unused.whl", "no")
        .file("lib/setup.py", "x")
        .file("lib/run.sh", "x", fs::perms(0755))
        .file("lib/.gitignore", "*.tmp\n")
        .file("lib/junk.tmp", "x")
        .file("lib/__pycache__/x.pyc", "x")
        .file("other/pyproject.toml", "x")
        .file("links/b.whl", "b")
        .file("secret.txt", "not named");
    fs::create_symlink("setup.py", source.path("lib/link.py"));
    save_definition(with_conda("env.yml"), source.path(), out.path("d"), false);
    std::vector<std::string> paths;
    for (const auto& [path, bytes] : tree_of(out.path("d"))) paths.push_back(path);
    CHECK(paths == std::vector<std::string>{"azureml_environment.json", "conda_dependencies.yml", "constraints.txt",
                                            "lib/.gitignore", "lib/link.py", "lib/run.sh*", "lib/setup.py",
                                            "links/b.whl", "other/pyproject.toml", "reqs/base.txt", "reqs/more.txt",
                                            "wheels/a-1.0-py3-none-any.whl"});
    CHECK(read_file(out.path("d/conda_dependencies.yml")) == read_file(source.path("env.yml")));
    CHECK(disk_sources().digest_source(out.path("d/lib")) == disk_sources().digest_source(source.path("lib")));
}

TEST_CASE("save: the spec of a conda file is the same before and after") {
    Folder source;
    Folder out;
    source.file("a/env.yml", "dependencies:\n  - python=3.10\n  - pip:\n    - -r ../reqs.txt\n    - ./pkg\n")
        .file("reqs.txt", "numpy\n./pkg\n")
        .file("a/pkg/setup.py", "x");
    // Its folder is kept, as the paths in it start there.
    const Definition once = saved(with_conda("a/env.yml"), source.path(), out.path("d"));
    CHECK(once.conda_file == "a/env.yml");
    const auto hash = [](const fs::path& path) { return read_environment(path, {}).spec.hash().hex(); };
    CHECK(hash(out.path("d/a/env.yml")) == hash(source.path("a/env.yml")));
    CHECK(saved(once, out.path("d"), out.path("e")) == once);
}

TEST_CASE("save: build contexts") {
    Folder source;
    Folder out;
    source.file("Dockerfile", "FROM x\n")
        .file("run.sh", "x", fs::perms(0755))
        .file(".dockerignore", "*.log\n")
        .file("noise.log", "x");
    fs::create_symlink("run.sh", source.path("l"));
    fs::create_directory(source.path("empty"));
    Definition definition;
    definition.base.context = ".";
    const Definition once = saved(definition, source.path(), out.path("d"));
    CHECK(once.base.context == "context");
    CHECK(tree_of(out.path("d/context")) == std::map<std::string, std::string>{{".dockerignore", "*.log\n"},
                                                                               {"Dockerfile", "FROM x\n"},
                                                                               {"empty/", ""},
                                                                               {"l", "-> run.sh"},
                                                                               {"run.sh*", "x"}});
    CHECK(saved(once, out.path("d"), out.path("e")) == once);
}

TEST_CASE("save: nothing is taken from outside of the source") {
    Folder top;
    top.file("outside.txt", "numpy\n").file("src/ok.txt", "numpy\n").file("lib/setup.py", "x");
    fs::create_symlink("../outside.txt", top.path("src/sly.txt"));
    fs::create_directory_symlink("../lib", top.path("src/slylib"));
    const auto refused = [&](const std::string& line) {
        top.file("src/env.yml", "dependencies:\n  - pip:\n    - " + line + "\n");
        return save_refusal(with_conda("env.yml"), top.path("src"), top.path("out"));
    };
    for (const std::string& line :
         std::vector<std::string>{"-r ../outside.txt", "-r sly.txt", "../lib", "-e ../lib", "./slylib",
                                  "-r " + top.path("outside.txt").string(), top.path("lib").string(), "-f ../lib"}) {
        INFO(line);
        CHECK_THAT(refused(line), Contains("lies outside of the definition's folder") && Contains("copy it into"));
        CHECK_FALSE(fs::exists(top.path("out")));
    }
    CHECK_THAT(refused("-r none.txt"), Contains("none.txt"));
    CHECK_THAT(refused("./none"), Contains("there is no such file or folder"));
    CHECK_THAT(refused("-r ${WHERE}/x.txt"), Contains("names a local file by a variable"));
    Definition context;
    context.base.context = "../lib";
    CHECK_THAT(save_refusal(context, top.path("src"), top.path("out")), Contains("lies outside"));
    Definition conda = with_conda("sly.txt");
    CHECK_THAT(save_refusal(conda, top.path("src"), top.path("out")), Contains("lies outside"));
}

TEST_CASE("save: an existing directory") {
    Folder folder;
    folder.file("conda.yml", kConda);
    Definition definition = with_conda("conda.yml");
    const auto out = folder.path("out");
    save_definition(definition, folder.path(), out, false);
    CHECK_THAT(save_refusal(definition, folder.path(), out), Contains("exists already") && Contains("--overwrite"));
    fs::create_directory(folder.path("empty"));
    CHECK_THAT(save_refusal(definition, folder.path(), folder.path("empty")), Contains("exists already"));
    CHECK(save_refusal(definition, folder.path(), folder.path("empty"), true) == "taken");

    SECTION("an overwrite leaves nothing of the old one") {
        Definition other;
        other.name = "y";
        save_definition(other, folder.path(), out, true);
        CHECK(tree_of(out).size() == 1);
        CHECK(read_definition(out).definition.name == "y");
    }
    SECTION("an overwrite of itself") {
        const auto read = read_definition(out);
        const auto before = tree_of(out);
        save_definition(read.definition, read.directory, out, true);
        CHECK(tree_of(out) == before);
    }
    SECTION("an overwrite deletes nothing that is no definition's") {
        folder.file("out/notes.md", "mine");
        CHECK_THAT(save_refusal(definition, folder.path(), out, true), Contains("holds notes.md"));
        CHECK(read_file(folder.path("out/notes.md")) == "mine");
        folder.file("home/thesis.tex", "mine");
        CHECK_THAT(save_refusal(definition, folder.path(), folder.path("home"), true), Contains("holds thesis.tex"));
        CHECK_THAT(save_refusal(definition, folder.path(), folder.path("conda.yml"), true), Contains("no directory"));
    }
    SECTION("a broken definition can be overwritten") {
        folder.file("out/azureml_environment.json", "{");
        CHECK(save_refusal(definition, folder.path(), out, true) == "taken");
    }
    SECTION("no temporary folder stays") {
        for (const auto& entry : fs::directory_iterator(folder.path()))
            CHECK_FALSE(entry.path().filename().string().starts_with(".tmp"));
    }
}

TEST_CASE("save: into a folder of what is copied") {
    Folder folder;
    folder.file("env.yml", "dependencies:\n  - pip:\n    - -e ./pkg\n").file("pkg/setup.py", "x");
    save_definition(with_conda("env.yml"), folder.path(), folder.path("pkg/out"), false);
    CHECK(tree_of(folder.path("pkg/out")).size() == 3);  // the JSON, the conda file, pkg/setup.py
}

TEST_CASE("save: the definition's own folder is no source") {
    Folder folder;
    folder.file("setup.py", "x").file("sub/setup.py", "x").file("sub/env.yml", "dependencies: [{pip: ['-e ..']}]\n");
    for (const std::string line : {".", "-e .", "./", "./sub/.."}) {
        INFO(line);
        folder.file("env.yml", "dependencies:\n  - pip:\n    - " + line + "\n");
        CHECK_THAT(save_refusal(with_conda("env.yml"), folder.path(), folder.path("out")),
                   Contains("the definition's own folder") && Contains("./pkg"));
    }
    CHECK_THAT(save_refusal(with_conda("sub/env.yml"), folder.path(), folder.path("out")), Contains("own folder"));
}

TEST_CASE("save: a file of the definition is not named by an absolute path") {
    Folder folder;
    folder.file("wheels/a-1.0-py3-none-any.whl", "wheel").file("more.txt", "six\n");
    const auto wheel = folder.path("wheels/a-1.0-py3-none-any.whl").string();
    for (const std::string& line :
         std::vector<std::string>{wheel, "a @ file://" + wheel, "file://" + wheel,
                                  "-r " + folder.path("more.txt").string(), "-e " + folder.path("wheels").string()}) {
        INFO(line);
        folder.file("env.yml", "dependencies:\n  - pip:\n    - " + line + "\n");
        CHECK_THAT(save_refusal(with_conda("env.yml"), folder.path(), folder.path("out")),
                   Contains("env.yml:3") && Contains("by an absolute path") && Contains("relative"));
        CHECK_FALSE(fs::exists(folder.path("out")));
    }
    folder.file("env.yml", "dependencies:\n  - pip:\n    - ./wheels/a-1.0-py3-none-any.whl\n");
    CHECK(save_refusal(with_conda("env.yml"), folder.path(), folder.path("out")) == "taken");
}

TEST_CASE("credentials that are written out are told from variables and plain URLs") {
    for (const auto* line :
         {"https://user:password@host/x", "  - --index-url=https://a:b${C}@h/simple", "# https://token@host/",
          "- https://conda.lab/t/TOKEN/channel", "git+https://u:p@h/a/b@v1", "x: postgres://u:p@db/x",
          "https://h/t/a-${B}/c", "https://a:pa/ss@h/x", "git+https://h/a.git?private_token=abc"}) {
        INFO(line);
        CHECK(has_literal_credential(line));
        CHECK(without_literal_credentials(line).contains("***"));
    }
    for (const auto* line : {"https://${USER}:${PASSWORD}@host/x", "https://__token__:${T}@h/s", "https://${T}@h/s",
                             "git+ssh://git@h/a/b", "git+https://github.com/a/b@v1", "https://h/t/${TOKEN}/channel",
                             "https://h/a/t/", "user@host: //x", "a://", "https://h:8443/simple",
                             "pkg @ https://h/pkg.whl#sha256=00", "git+https://h/a.git?private_token=${T}&ref=x"}) {
        INFO(line);
        CHECK_FALSE(has_literal_credential(line));
        CHECK(without_literal_credentials(line) == line);
    }
    CHECK(without_literal_credentials("a\nhttps://u:p@h\n\nb\n") == "a\nhttps://***@h\n\nb\n");
}

TEST_CASE("save: what a killed one left beside the target goes, what is in use and others' files stay") {
    Folder folder;
    Folder out;
    folder.file("env.yml", kConda);
    const auto age = [](const fs::path& path) {
        fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::minutes(5));
    };
    for (const auto* name :
         {".tmp-d-aB3xY9", ".tmp-d-held00", ".tmp-d-e-aB3xY9", ".tmp-d-longer-than-that", "d-aB3xY9"}) {
        out.file(std::string(name) + "/new/file", "x");
        age(out.path(name));
    }
    out.file(".tmp-d-justme/new/file", "x");
    const UniqueFd held(::open(out.path(".tmp-d-held00").c_str(), O_RDONLY | O_DIRECTORY));
    REQUIRE(::flock(held.get(), LOCK_EX | LOCK_NB) == 0);
    save_definition(with_conda("env.yml"), folder.path(), out.path("d"), false);
    CHECK_FALSE(fs::exists(out.path(".tmp-d-aB3xY9")));
    for (const auto* name :
         {".tmp-d-held00", ".tmp-d-e-aB3xY9", ".tmp-d-longer-than-that", "d-aB3xY9", ".tmp-d-justme", "d"}) {
        INFO(name);
        CHECK(fs::exists(out.path(name)));
    }
}

TEST_CASE("save: a cancelled one leaves nothing") {
    Folder folder;
    Folder out;
    folder.file("env.yml", kConda);
    const CancelToken cancel;
    cancel.cancel();
    CHECK_THROWS_AS(save_definition(with_conda("env.yml"), folder.path(), out.path("d"), false, cancel), Error);
    CHECK(fs::is_empty(out.path()));
}
