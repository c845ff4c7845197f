#include "build/condarc.hpp"

#include <fmt/format.h>

#include "conda/condarc.hpp"
#include "spec/yaml.hpp"

namespace envbuild::build {

conda::ChannelSettings read_condarc(const ProcessEnv& env, std::vector<std::string>& warnings) {
    std::vector<Json> files;
    for (const auto& path : conda::condarc_paths(env)) {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored)) continue;
        try {
            files.push_back(spec::yaml_to_json(spec::read_yaml(path)));
        } catch (const Error& error) {
            warnings.push_back(fmt::format("conda's configuration is passed over: {}", error.message()));
        }
    }
    return conda::ChannelSettings::from_condarc(conda::merge_condarc(files), warnings);
}

}  // namespace envbuild::build
