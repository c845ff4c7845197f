// Definitions on the disk for the tests of reading and saving them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/fs.hpp"
#include "spec/definition.hpp"

namespace envbuild::spec::test {

// A folder that is gone at the end, with files written by path.
class Folder {
  public:
    Folder() : work_("envbuild-definition") {}
    Folder& file(const std::string& path, std::string_view bytes, fs::perms mode = fs::perms(0644)) {
        write_file_atomic(work_.path() / path, bytes, mode);
        return *this;
    }
    [[nodiscard]] fs::path path(const std::string& relative = "") const {
        return relative.empty() ? work_.path() : work_.path() / relative;
    }

  private:
    TempDir work_;
};

// Every file below `root` with its bytes, links as "-> target", executables with a '*' behind the path.
[[nodiscard]] std::map<std::string, std::string> tree_of(const fs::path& root);
// What azureml_environment.json of a curated environment looks like: every field, in the SDK's order.
[[nodiscard]] std::string full_json();
[[nodiscard]] DefinitionRead read_json(std::string_view json, const fs::path& directory = {});
[[nodiscard]] DefinitionRead read_yaml_definition(std::string_view yaml, const fs::path& directory = {});
// The error's whole text, or "taken".
[[nodiscard]] std::string json_refusal(std::string_view json, const fs::path& directory = {});
[[nodiscard]] std::string yaml_refusal(std::string_view yaml, const fs::path& directory = {});
[[nodiscard]] std::string warnings_of(const DefinitionRead& read);

}  // namespace envbuild::spec::test
