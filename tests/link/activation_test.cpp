#include "link/activation.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "link/link_support.hpp"

using namespace envbuild;
using namespace envbuild::link;

namespace {

class Files : public ActivationFiles {
  public:
    std::map<std::string, std::string> texts;
    [[nodiscard]] std::vector<std::string> list(std::string_view directory) const override {
        std::vector<std::string> names;
        for (const auto& [path, text] : texts) {
            const std::string folder = std::string(directory) + "/";
            if (path.starts_with(folder) && path.find('/', folder.size()) == std::string::npos)
                names.push_back(path.substr(folder.size()));
        }
        return names;
    }
    [[nodiscard]] std::optional<std::string> read(const std::string& path) const override {
        return texts.contains(path) ? std::optional(texts.at(path)) : std::nullopt;
    }
    [[nodiscard]] What what(const std::string& path) const override {
        if (texts.contains(path)) return What::File;
        const auto below = texts.lower_bound(path + "/");
        return below != texts.end() && below->first.starts_with(path + "/") ? What::Directory : What::Nothing;
    }
};

Activation run(const std::string& script, const std::map<std::string, std::string>& base = {}) {
    Files files;
    files.texts["etc/conda/activate.d/x.sh"] = script;
    files.texts["share/gdal/data"] = "";
    return capture_activation(files, "/opt/env", base);
}

// The variable after the script, "unset" without one; the script must have been understood.
std::string value(const std::string& name, const std::string& script,
                  const std::map<std::string, std::string>& base = {}) {
    CAPTURE(script);
    const Activation result = run(script, base);
    for (const auto& warning : result.warnings) FAIL(warning.to_string());
    return result.variables.contains(name) ? result.variables.at(name) : "unset";
}

// The reason why the script was not understood.
std::string reason(const std::string& script, const std::map<std::string, std::string>& base = {}) {
    CAPTURE(script);
    const Activation result = run(script, base);
    REQUIRE(result.warnings.size() == 1);
    CHECK(result.variables.size() == 4);  // only what activation itself sets
    return result.warnings[0].to_string();
}

}  // namespace

TEST_CASE("activation itself: PATH and conda's own variables") {
    const auto bare = capture_activation(Files{}, "/opt/env", {});
    CHECK(bare.variables == std::map<std::string, std::string>{
                                {"CONDA_DEFAULT_ENV", "/opt/env"},
                                {"CONDA_PREFIX", "/opt/env"},
                                {"CONDA_SHLVL", "1"},
                                {"PATH", "/opt/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}});
    CHECK(capture_activation(Files{}, "/opt/env", {{"PATH", "/usr/local/nvidia/bin:/bin"}}).variables.at("PATH") ==
          "/opt/env/bin:/usr/local/nvidia/bin:/bin");
    CHECK_FALSE(capture_activation(Files{}, "/opt/env", {{"PATH", "/opt/env/bin:/bin"}}).variables.contains("PATH"));
}

TEST_CASE("plain assignments and exports") {
    CHECK(value("X", "export X=1") == "1");
    CHECK(value("X", "X=1; export X") == "1");
    CHECK(value("X", "X=1") == "unset");
    CHECK(value("X", "X=new", {{"X", "old"}}) == "new");
    CHECK(value("X", "#!/bin/sh\n# comment\nexport X='a b' Y=\"c d\"  # more\n") == "a b");
    CHECK(value("X", "export X=$CONDA_PREFIX/share") == "/opt/env/share");
    CHECK(value("X", "export X=\"${CONDA_PREFIX}/a b\"") == "/opt/env/a b");
    CHECK(value("X", "export X='$CONDA_PREFIX'") == "$CONDA_PREFIX");
    CHECK(value("X", "export X=a\\ b\\$c") == "a b$c");
    CHECK(value("X", "export X=one\\\ntwo") == "onetwo");
    CHECK(value("X", "A=1\nB=$A$A\nexport X=\"$B\"") == "11");
    CHECK(value("PATH", "export PATH=\"$CONDA_PREFIX/libexec:$PATH\"", {{"PATH", "/bin"}}) ==
          "/opt/env/libexec:/opt/env/bin:/bin");
    CHECK(value("X", "export X=1\nunset X") == "unset");
    CHECK(value("X", ": \"${X:=set}\"\nexport X") == "set");
    CHECK(value("X", "echo hello; true\nexport X=1\r\n") == "1");
    CHECK(value("X", "export X=1; return 0\nexport X=2") == "1");
    CHECK(value("X", "") == "unset");
}

TEST_CASE("defaults") {
    CHECK(value("X", "export X=${Y:-fallback}") == "fallback");
    CHECK(value("X", "export X=${Y:-fallback}", {{"Y", ""}}) == "fallback");
    CHECK(value("X", "export X=${Y-fallback}", {{"Y", ""}}) == "");
    CHECK(value("X", "export X=\"${Y:-$CONDA_PREFIX/etc}\"") == "/opt/env/etc");
    CHECK(value("X", "export X=a${Y:+:$Y}", {{"Y", "b"}}) == "a:b");
    CHECK(value("X", "export X=a${Y:+:$Y}") == "a");
    CHECK(value("X", "export X=\"${Y:-\"a b\"}\"") == "a b");
}

TEST_CASE("conditions") {
    CHECK(value("X", "if [ -z \"${X:-}\" ]; then\n  export X=new\nfi") == "new");
    CHECK(value("X", "if [ -z \"${X:-}\" ]; then\n  export X=new\nfi", {{"X", "mine"}}) ==
          "unset");  // as it was: nothing to set
    CHECK(value("X", "if [ -n \"$Y\" ]; then export X=1; elif [ \"$Z\" = z ]; then export X=2; else export X=3; fi",
                {{"Z", "z"}}) == "2");
    CHECK(value("X", "if [ -n \"$Y\" ]; then export X=1; elif [ \"$Z\" = z ]; then export X=2; else export X=3; fi") ==
          "3");
    CHECK(value("X", "if [ -d \"$CONDA_PREFIX/share/gdal\" ]; then export X=$CONDA_PREFIX/share/gdal; fi") ==
          "/opt/env/share/gdal");
    CHECK(value("X", "if [ -f $CONDA_PREFIX/share/none ]; then export X=1; fi") == "unset");
    CHECK(value("X", "if [ -f ${CONDA_PREFIX}/share/gdal/data ] && [ ! -e $CONDA_PREFIX/none ]; then export X=1; fi") ==
          "1");
    CHECK(value("X", "[ -n \"$Y\" ] || export X=1") == "1");
    CHECK(value("X", "[ -n \"$Y\" ] && export X=1") == "unset");
    CHECK(value("X", "if [[ \"${X:-}\" == \"\" ]]; then export X=1; fi") == "1");
    CHECK(value("X", "if test \"$Y\" != a; then if [ 1 ]; then export X=1; else export X=2; fi; fi") == "1");
    CHECK(value("X", "if ! [ -n \"$Y\" ]; then export X=1; fi") == "1");
    CHECK(value("X", "if [ -n $Y ]; then export X=yes; fi") == "yes");  // a shell's own trap: [ -n ] is true
    // What is not run need not be understood.
    CHECK(value("X", "if [ -n \"$Y\" ]; then\n  export X=$(uname)\n  frobnicate > /dev/null\nelse\n  export X=1\nfi") ==
          "1");
}

TEST_CASE("a script's own memory for deactivation stays out") {
    const auto result =
        run("export CONDA_BACKUP_X=\"${X:-}\" GSETTINGS_SCHEMA_DIR_CONDA_BACKUP=1 _CONDA_SET_X=1\nexport X=1");
    CHECK(result.warnings.empty());
    CHECK(result.variables.size() == 5);
    CHECK(result.variables.at("X") == "1");
}

TEST_CASE("scripts of real packages") {
    CHECK(
        value(
            "SSL_CERT_FILE",
            "if [[ \"${SSL_CERT_FILE:-}\" == \"\" ]]; then\n    export "
            "SSL_CERT_FILE=\"${CONDA_PREFIX}/ssl/cacert.pem\"\n    export __CONDA_OPENSLL_CERT_FILE_SET=\"1\"\nfi\n") ==
        "/opt/env/ssl/cacert.pem");
    const std::string gdal =
        "#!/bin/bash\n\n# Store existing GDAL env vars and set to this conda env\n\nif [[ -n \"$GDAL_DATA\" ]]; then\n "
        "   export _CONDA_SET_GDAL_DATA=$GDAL_DATA\nfi\n"
        "if [ -d $CONDA_PREFIX/share/gdal ]; then\n    export GDAL_DATA=$CONDA_PREFIX/share/gdal\nelif [ -d "
        "$CONDA_PREFIX/Library/share/gdal ]; then\n    export GDAL_DATA=$CONDA_PREFIX/Library/share/gdal\nfi\nexport "
        "CPL_ZIP_ENCODING=UTF-8\n";
    CHECK(value("GDAL_DATA", gdal) == "/opt/env/share/gdal");
    CHECK(value("CPL_ZIP_ENCODING", gdal) == "UTF-8");
}

TEST_CASE("what only a shell can do is told with file and line, and nothing of the script counts") {
    CHECK(reason("export X=1\n\nexport Y=$(uname)") == "etc/conda/activate.d/x.sh:3: runs a command");
    CHECK_THAT(reason("export Y=`uname`"), Catch::Contains("runs a command"));
    CHECK_THAT(reason("source /etc/profile"), Catch::Contains("runs source"));
    CHECK_THAT(reason("export X=1\n. ./other"), Catch::Contains(":2: runs a command"));
    CHECK_THAT(reason("for x in a b; do export X=$x; done"), Catch::Contains("uses 'for'"));
    CHECK_THAT(reason("f() { export X=1; }\nf"), Catch::Contains("defines a function"));
    CHECK_THAT(reason("case $X in a) export Y=1;; esac"), Catch::Contains("uses 'case'"));
    CHECK_THAT(reason("echo x > /etc/passwd"), Catch::Contains("uses '>'"));
    CHECK_THAT(reason("export X=1 | cat"), Catch::Contains("uses '|'"));
    CHECK_THAT(reason("export X=1 & "), Catch::Contains("uses '&'"));
    CHECK_THAT(reason("export X=${Y#prefix}"), Catch::Contains("expansion"));
    CHECK_THAT(reason("export X=$1"), Catch::Contains("special parameter"));
    CHECK_THAT(reason("export X=$HOME/x"), Catch::Contains("$HOME"));
    CHECK_THAT(reason("export X=~/x"), Catch::Contains("'~'"));
    CHECK_THAT(reason("if [ -d /usr/lib ]; then export X=1; fi"), Catch::Contains("outside the environment"));
    CHECK_THAT(reason("if [ -d $CONDA_PREFIX/../x ]; then export X=1; fi"), Catch::Contains("outside the environment"));
    CHECK_THAT(reason("if [ 1 -lt 2 ]; then export X=1; fi"), Catch::Contains("unknown form"));
    CHECK_THAT(reason("if [ 1 ]; then export X=1"), Catch::Contains("'fi' is missing"));
    CHECK_THAT(reason("fi"), Catch::Contains("fi"));
    CHECK_THAT(reason("export X='open"), Catch::Contains("quote does not end"));
    CHECK_THAT(reason("export X=\"open"), Catch::Contains("quote does not end") || Catch::Contains("ends within"));
    CHECK_THAT(reason("export X=${open"), Catch::Contains("ends within") || Catch::Contains("expansion"));
    CHECK_THAT(reason("X=1 program"), Catch::Contains("runs a command"));
    CHECK_THAT(reason("export X=$'\\n'"), Catch::Contains("special parameter"));
    CHECK_THAT(reason("export X=\"a\nb\""), Catch::Contains("control character"));
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "if true; then ";
    CHECK_THAT(reason(deep), Catch::Contains("too deeply"));
    std::string braces;
    for (int i = 0; i < 1000; ++i) braces += "${X:-";
    CHECK_THAT(reason("export Y=" + braces), Catch::Contains("too deeply"));
}

TEST_CASE("a variable of the base image cannot be unset, and that is told") {
    const auto result = run("unset LD_PRELOAD\nexport X=1", {{"LD_PRELOAD", "x.so"}});
    CHECK(result.variables.at("X") == "1");
    REQUIRE(result.warnings.size() == 1);
    CHECK_THAT(result.warnings[0].to_string(), Catch::Contains("LD_PRELOAD would be unset"));
}

TEST_CASE("env_vars.d, the state and scripts, in conda's order") {
    Files files;
    files.texts["etc/conda/env_vars.d/a.json"] = R"({"A": "a", "B": "package"})";
    files.texts["etc/conda/env_vars.d/b.json"] = R"({"A": "b", "BAD NAME": "x", "N": 1})";
    files.texts["etc/conda/env_vars.d/c.json"] = "nonsense";
    files.texts["etc/conda/env_vars.d/ignored.txt"] = "nonsense";
    files.texts["conda-meta/state"] = R"({"version": 1, "env_vars": {"B": "state", "C": "***unset***"}})";
    files.texts["etc/conda/activate.d/1.sh"] = "export D=$B";
    files.texts["etc/conda/activate.d/2.sh"] = "export D=\"$D:2\"";
    files.texts["etc/conda/activate.d/3.fish"] = "set -x D 3";
    const auto result = capture_activation(files, "/opt/env", {});
    CHECK(result.variables.at("A") == "b");
    CHECK(result.variables.at("B") == "state");
    CHECK_FALSE(result.variables.contains("C"));
    CHECK(result.variables.at("D") == "state:2");
    CHECK(result.warnings.size() == 3);
}

TEST_CASE("from a folder on disk, and from a plan") {
    testing::PackageWriter package;
    package
        .file("etc/conda/activate.d/demo.sh",
              "if [ -f \"$CONDA_PREFIX/share/demo\" ]; then export DEMO=$CONDA_PREFIX/share/demo; fi\n")
        .file("share/demo", "x");
    package.symlink("etc/conda/activate.d/also.sh", "demo.sh").symlink("etc/conda/activate.d/out.sh", "/etc/profile");
    const auto made = plan({package});
    const auto planned = capture_activation(PlannedActivation(made), "/opt/env", {});
    CHECK(planned.variables.at("DEMO") == "/opt/env/share/demo");
    REQUIRE(planned.warnings.size() == 1);
    CHECK_THAT(planned.warnings[0].to_string(), Catch::Contains("out.sh"));

    const TempDir temp("activation");
    write_file_atomic(temp.path() / "etc/conda/activate.d/demo.sh", "[ -d $CONDA_PREFIX/etc ] && export DEMO=1");
    fs::create_symlink("/etc/passwd", temp.path() / "etc/conda/activate.d/out.sh");
    const auto disk = capture_activation(ActivationDirectory(temp.path()), "/opt/env", {});
    CHECK(disk.variables.at("DEMO") == "1");
    CHECK(disk.warnings.size() == 1);
    CHECK(capture_activation(ActivationDirectory(temp.path() / "none"), "/opt/env", {}).variables.size() == 4);
}
