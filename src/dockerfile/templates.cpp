#include "dockerfile/templates.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"

namespace envbuild::dockerfile {

namespace {

constexpr std::string_view kSuffix = ".mustache";
constexpr std::uint64_t kLimit = 1U << 20;

}  // namespace

Templates::Templates(std::map<std::string, std::string> files) : files_(std::move(files)) {
    if (!files_.contains("Dockerfile.mustache")) {
        throw Error(ErrorKind::InvalidInput, "the templates have no Dockerfile.mustache");
    }
    for (const auto& [name, content] : files_) {
        if (!is_valid_utf8(content))
            throw Error(ErrorKind::InvalidInput, fmt::format("the template {} is not UTF-8", name));
    }
}

Templates Templates::load(const std::filesystem::path& folder) {
    std::error_code error;
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(kSuffix) && entry.is_regular_file()) files.emplace(name, read_file(entry.path(), kLimit));
    }
    if (error) {
        throw Error(ErrorKind::NotFound,
                    fmt::format("{}: cannot read the Dockerfile templates: {}", folder.string(), error.message()));
    }
    try {
        return Templates(std::move(files));
    } catch (Error& problem) {
        throw problem.add_context(fmt::format("while reading the templates in {}", folder.string()));
    }
}

Digest Templates::digest() const {
    Json json = Json::object();
    for (const auto& [name, content] : files_) json.set(name, content);
    return sha256(json.canonical());
}

}  // namespace envbuild::dockerfile
