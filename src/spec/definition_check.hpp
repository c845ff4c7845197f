// What a definition may not hold that others are to read: paths and URLs that lead to the disk of whoever reads it, and
// credentials.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/process_env.hpp"
#include "spec/definition.hpp"

namespace envbuild::spec {

// Throws Error, InvalidInput: a path that leads out of `directory` or is it, a file: or git+file: URL, a channel or
// --find-links that is a path of the machine. `env` is the reader's, for ${VAR}. NotFound, Io as save_definition.
void check_self_contained(const Definition& definition, const std::filesystem::path& directory, const ProcessEnv& env);

struct CredentialPlace {
    std::string file;  // as a person knows it
    int line = 0;
    bool read_by_envbuild = true;  // false: of the Dockerfile, or a variable's value
};
// Where credentials are written out: in the conda file, requirement and constraint files, BaseDockerfile and the
// variables. Throws as save_definition does.
[[nodiscard]] std::vector<CredentialPlace> literal_credentials(const Definition& definition,
                                                               const std::filesystem::path& directory);

}  // namespace envbuild::spec
