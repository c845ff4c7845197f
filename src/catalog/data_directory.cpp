#include "catalog/data_directory.hpp"

#include "base/error.hpp"

namespace envbuild::catalog {

namespace {

constexpr std::string_view kWitness = "base-images.yaml";

}  // namespace

std::filesystem::path executable_path() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error);
}

std::filesystem::path find_data_directory(const std::filesystem::path& configured,
                                          const std::filesystem::path& executable) {
    std::vector<std::filesystem::path> places;
    if (!configured.empty()) {
        places.push_back(configured);
    } else {
        const auto folder = executable.parent_path();
        places.push_back((folder / "../share/envbuild/curated").lexically_normal());
        for (auto above = folder; above.has_relative_path(); above = above.parent_path()) {
            places.push_back(above / "curated");
        }
#ifdef ENVBUILD_DATA_DIRECTORY
        places.emplace_back(ENVBUILD_DATA_DIRECTORY);
#endif
    }
    std::string tried;
    for (const auto& place : places) {
        std::error_code error;
        if (std::filesystem::is_regular_file(place / kWitness, error)) return place;
        tried += (tried.empty() ? "" : ", ") + place.string();
    }
    throw Error(ErrorKind::NotFound, "the data files (" + std::string(kWitness) + ") are in none of: " + tried)
        .with_hint("say where they are with the setting data_directory or $ENVBUILD_DATA_DIRECTORY");
}

}  // namespace envbuild::catalog
