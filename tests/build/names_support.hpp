// What the tests of names share: a workbench of its own for each person, definitions to register, repositories.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "build/name_registry.hpp"
#include "build/settings.hpp"
#include "build/workbench.hpp"
#include "support/registry_run.hpp"

namespace envbuild::testing {

// Somebody with a machine: own caches, own HTTP client.
struct Person {
    explicit Person(const std::string& user = "ada")
        : bench(environment(home, user), settings(home), CancelToken(), reporter) {}

    static ProcessEnv environment(const TempDir& home, const std::string& user) {
        return ProcessEnv({{"HOME", home.path().string()}, {"USER", user}});
    }
    static build::Settings settings(const TempDir& home) {
        build::Settings made;
        made.data_dir = home.path() / "data";
        made.cache_dir = home.path() / "cache";
        return made;
    }
    // A registry's repository, or "oci:/path".
    [[nodiscard]] std::unique_ptr<cache::ImageRepository> repository(const std::string& name) {
        return cache::open_repository(name, bench.registries(), {});
    }

    TempDir home{"person"};
    RecordingReporter reporter;
    build::Workbench bench;
};

// A definition's directory whose content is `text`.
class Folder {
  public:
    explicit Folder(const std::string& text = "one") {
        write("azureml_environment.json", R"({"name": "x", "version": null, "environmentVariables": {"A": ")" + text +
                                              R"("}, "python": {"condaDependenciesFile": "conda_dependencies.yml"}})");
        write("conda_dependencies.yml", "dependencies: [python=3.11]\n");
    }
    void write(const std::string& path, const std::string& bytes, unsigned mode = 0644) const {
        write_file_atomic(directory_.path() / path, bytes, static_cast<fs::perms>(mode));
    }
    [[nodiscard]] const fs::path& path() const { return directory_.path(); }
    [[nodiscard]] fs::path archive() const {
        (void)build::pack_definition(path(), scratch_.path() / "definition.tar");
        return scratch_.path() / "definition.tar";
    }
    [[nodiscard]] Digest digest() const { return sha256(read_file(archive())); }

  private:
    TempDir directory_{"definition"}, scratch_{"archive"};
};

inline catalog::Claim registration(const std::string& name, const std::string& version = "") {
    catalog::Claim claim;
    claim.name = name;
    claim.version = version;
    return claim;
}

inline catalog::Claim renaming(const std::string& from, const std::string& to) {
    catalog::Claim claim;
    claim.kind = catalog::ClaimKind::Rename;
    claim.name = from;
    claim.target = to;
    return claim;
}

inline catalog::Claim labelling(const std::string& name, const std::string& version, const std::string& label,
                                bool set = true) {
    catalog::Claim claim;
    claim.kind = catalog::ClaimKind::Label;
    claim.name = name;
    claim.version = version;
    claim.target = label;
    claim.set = set;
    return claim;
}

inline catalog::Claim archiving(const std::string& name, const std::string& version = "", bool set = true) {
    catalog::Claim claim;
    claim.kind = catalog::ClaimKind::Archive;
    claim.name = name;
    claim.version = version;
    claim.set = set;
    return claim;
}

}  // namespace envbuild::testing
