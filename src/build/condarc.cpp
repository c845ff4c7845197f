#include "build/condarc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/shown.hpp"
#include "base/strings.hpp"
#include "conda/condarc.hpp"
#include "spec/yaml.hpp"

namespace envbuild::build {

namespace {

struct File {
    std::string path;
    Json content;
};

// A word as conda takes it: of older versions it was true or false, which YAML and conda write in several ways.
Expected<std::string> priority_of(const File& file) {
    const Json& value = file.content["channel_priority"];
    const auto word = value.is_string() ? value.as_string()
                      : value.is_bool() ? (value.as_bool() ? "true" : "false")
                                        : "";
    if (word == "strict" || word == "flexible" || word == "disabled") return word;
    static constexpr std::array<std::string_view, 4> kTrue = {"true", "yes", "on", "y"};
    static constexpr std::array<std::string_view, 4> kFalse = {"false", "no", "off", "n"};
    if (std::ranges::find(kTrue, to_lower(word)) != kTrue.end()) return "flexible";
    if (std::ranges::find(kFalse, to_lower(word)) != kFalse.end()) return "disabled";
    return std::unexpected(
        Error(ErrorKind::InvalidInput, fmt::format("{}: channel_priority is {}, and means nothing", file.path,
                                                   value.is_string() ? "'" + shown(word) + "'" : value.canonical()))
            .with_hint("it is strict, flexible or disabled; envbuild's own setting of that name goes before it"));
}

Expected<std::vector<spec::WrittenPin>> pins_of(const File& file) {
    const Json& value = file.content["pinned_packages"];
    std::vector<spec::WrittenPin> pins;
    bool is_list_of_texts = value.is_array();
    if (is_list_of_texts) {
        for (const Json& pin : value.as_array()) {
            is_list_of_texts = is_list_of_texts && pin.is_string();
            if (is_list_of_texts) pins.push_back({pin.as_string(), file.path});
        }
    }
    if (is_list_of_texts || value.is_null()) return pins;
    return std::unexpected(
        Error(ErrorKind::InvalidInput, fmt::format("{}: pinned_packages is no list of package specs", file.path))
            .with_hint("write each on a line of its own, such as '  - numpy 1.26.*'; --no-pin leaves these pins out"));
}

}  // namespace

Condarc read_condarc(const ProcessEnv& env, std::vector<std::string>& warnings) {
    std::vector<Json> contents;
    Condarc read;
    for (const auto& path : conda::condarc_paths(env)) {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored)) continue;
        try {
            const File file{path.string(), spec::yaml_to_json(spec::read_yaml(path))};
            contents.push_back(file.content);
            if (!file.content.is_object()) continue;
            if (!file.content["channel_priority"].is_null()) read.channel_priority = priority_of(file);
            auto pins = pins_of(file);
            if (!pins || !read.pins) {
                if (read.pins) read.pins = std::move(pins);
                continue;
            }
            for (const auto& weaker : *read.pins) {
                if (std::ranges::find(*pins, weaker.text, &spec::WrittenPin::text) == pins->end())
                    pins->push_back(weaker);
            }
            read.pins = std::move(pins);
        } catch (const Error& error) {
            warnings.push_back(fmt::format("conda's configuration is passed over: {}", error.message()));
        }
    }
    read.channels = conda::ChannelSettings::from_condarc(
        conda::expand_condarc(conda::merge_condarc(contents), env, warnings), warnings);
    return read;
}

}  // namespace envbuild::build
