#include "build/environment_facts.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::build {

namespace {

bool is_framework(std::string_view manager, const std::string& name, const catalog::CudaCompat& compat) {
    return std::ranges::any_of(compat.frameworks(), [&](const catalog::FrameworkRow& row) {
        return row.manager == manager && row.package.substr(0, row.package.find('[')) == name;
    });
}

// "python 3.6.2.*" and "python ==3.6.2" say one version; ">=3.8,<3.12" is left as it is.
std::string python_of(const spec::EnvironmentSpec& spec) {
    for (const auto& asked : spec.conda) {
        if (asked.name() != "python") continue;
        const auto text = asked.canonical("");
        const auto words = split(text, ' ');
        if (words.size() < 2) return "";
        std::string version(words[1]);
        if (version.starts_with("==")) version.erase(0, 2);
        if (version.ends_with(".*")) version.resize(version.size() - 2);
        return version;
    }
    return "";
}

// "…:12.4.1-cudnn-…", "…-cuda10.1-…".
std::string cuda_of(const std::string& base) {
    auto at = base.find("cuda");
    if (at == std::string::npos) return "";
    at = base.find_first_of("0123456789", at);
    if (at == std::string::npos) return "";
    const auto end = base.find_first_not_of("0123456789.", at);
    return base.substr(at, end == std::string::npos ? end : end - at);
}

}  // namespace

EnvironmentFacts environment_facts(const spec::EnvironmentSpec& spec, const catalog::CudaCompat& compat) {
    EnvironmentFacts facts;
    facts.gpu = spec.gpu.wanted;
    facts.base = spec.base_image;
    facts.cuda = spec.gpu.cuda.empty() ? cuda_of(spec.base_image) : spec.gpu.cuda;
    facts.python = python_of(spec);
    for (const auto& asked : spec.conda) {
        if (is_framework("conda", asked.name(), compat)) facts.frameworks.push_back(asked.canonical(""));
    }
    for (const auto& line : spec.pip) {
        if (is_framework("pip", line.name, compat)) facts.frameworks.push_back(line.canonical());
    }
    return facts;
}

Json to_json(const EnvironmentFacts& facts) {
    Json json = Json::object();
    json.set("python", facts.python).set("gpu", facts.gpu).set("cuda", facts.cuda);
    return json.set("base", facts.base).set("frameworks", Json(facts.frameworks));
}

}  // namespace envbuild::build
