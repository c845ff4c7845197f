#include "spec/definition.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "spec/environment_reader.hpp"
#include "spec/file_kind.hpp"
#include "spec/inside_link.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

namespace {

constexpr std::uint64_t kMaxBytes = 4U << 20U;

enum class Form : std::uint8_t { None, Json, Yaml };

// JSON of the SDK tells itself by its sections, under any name.
bool has_sdk_sections(const Json& json) {
    const auto is_section = [&json](std::string_view key) {
        const Json* found = json.find(key);
        return found != nullptr && found->is_object();
    };
    return is_section("docker") || is_section("python");
}

bool is_environment_yaml(std::string_view text, const std::string& file) {
    if (kind_of_text(text, file) != FileKind::CondaEnvironment) return false;
    const auto root = parse_yaml(text, file);
    if (!root || !root->is_mapping() || kind_of_yaml(*root) != FileKind::AzureMlAsset) return false;
    const YamlNode* schema = root->find("$schema");
    if (schema == nullptr || !schema->is_scalar()) return true;
    const std::string name = to_lower(schema->text().substr(schema->text().rfind('/') + 1));
    return name.starts_with("environment.");
}

Form form_of(std::string_view bytes, const std::string& file) {
    if (fs::path(file).filename() == kDefinitionFile) return Form::Json;
    const auto text = decode_text(bytes, file);
    if (!text) return Form::None;
    if (fs::path(file).extension() == ".json") {
        if (const auto json = Json::parse(*text); json && has_sdk_sections(*json)) return Form::Json;
    }
    return is_environment_yaml(*text, file) ? Form::Yaml : Form::None;
}

std::string read_limited(const fs::path& path) {
    if (fs::is_directory(path) || fs::is_regular_file(path) || !fs::exists(path)) return read_file(path, kMaxBytes);
    throw Error(ErrorKind::InvalidInput, fmt::format("{} is no regular file", path.string()));
}

Form form_of_file(const fs::path& path) {
    try {
        return fs::is_regular_file(path) ? form_of(read_limited(path), path.string()) : Form::None;
    } catch (const Error&) {
        return Form::None;  // unreadable or too large: whoever reads it says why
    } catch (const fs::filesystem_error&) {
        return Form::None;
    }
}

// The v2 files of a directory without azureml_environment.json, by name.
std::vector<fs::path> yaml_definitions_in(const fs::path& directory) {
    std::vector<fs::path> out;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(directory, failed)) {
        const auto ending = entry.path().extension();
        if ((ending == ".yml" || ending == ".yaml") && form_of_file(entry.path()) == Form::Yaml)
            out.push_back(entry.path());
    }
    std::ranges::sort(out);
    return out;
}

DefinitionRead read_file_as(const fs::path& path, Form form) {
    const auto directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
    // Which YAML file is the definition is the user's own choice; this one belongs to its folder.
    if (path.filename() == kDefinitionFile) refuse_link_out(path, directory);
    const std::string bytes = read_limited(path);
    return form == Form::Json ? parse_definition_json(bytes, path.string(), directory)
                              : parse_definition_yaml(bytes, path.string(), directory);
}

DefinitionRead read_directory(const fs::path& directory) {
    if (fs::exists(directory / kDefinitionFile)) return read_file_as(directory / kDefinitionFile, Form::Json);
    const auto found = yaml_definitions_in(directory);
    if (found.size() == 1) {
        refuse_link_out(found.front(), directory);
        return read_file_as(found.front(), Form::Yaml);
    }
    if (found.empty()) {
        throw Error(ErrorKind::NotFound, fmt::format("{} holds no {} and no Azure ML environment in YAML",
                                                     directory.string(), kDefinitionFile))
            .with_hint("name a file in it, or a directory that `envbuild save` wrote");
    }
    throw Error(ErrorKind::InvalidInput, fmt::format("{} holds several environments: {} and {}", directory.string(),
                                                     found[0].filename().string(), found[1].filename().string()))
        .with_hint("name the file");
}

}  // namespace

bool is_definition(const std::filesystem::path& path) {
    std::error_code failed;
    if (!fs::is_directory(path, failed)) return form_of_file(path) != Form::None;
    return fs::exists(path / kDefinitionFile, failed) || !yaml_definitions_in(path).empty();
}

DefinitionRead read_definition(const std::filesystem::path& path) {
    try {
        if (fs::is_directory(path)) return read_directory(path);
        const std::string bytes = read_limited(path);
        const Form form = form_of(bytes, path.string());
        // A file that was named as a definition and is none is refused by the reader of its form.
        return read_file_as(path, form == Form::Json ? Form::Json : Form::Yaml);
    } catch (const fs::filesystem_error& error) {
        throw Error(ErrorKind::Io, fmt::format("{}: {}", path.string(), error.code().message()));
    }
}

Expected<std::string> check_shm_size(std::string_view size) {
    const auto unit = size.find_first_not_of("0123456789");
    const bool proper = unit == std::string_view::npos ||
                        (unit + 1 == size.size() && std::string_view("bkmgBKMG").contains(size.back()));
    if (!size.empty() && unit != 0 && proper) return std::string(size);
    return std::unexpected(Error(ErrorKind::InvalidInput, fmt::format("'{}' is no size of shared memory", size))
                               .with_hint("a number with b, k, m or g behind it: \"2g\""));
}

}  // namespace envbuild::spec
