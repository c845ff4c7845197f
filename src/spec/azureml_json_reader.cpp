// azureml_environment.json (docs/azure-ml.md).
#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "spec/azureml_json.hpp"
#include "spec/definition.hpp"
#include "spec/definition_fields.hpp"
#include "spec/git_location.hpp"
#include "spec/json_fault.hpp"

namespace envbuild::spec {

namespace {

constexpr std::uint64_t kMaxBytes = 4U << 20U;

// JSON that YAML reads as the same: tabs between tokens become spaces, surrogate pairs one escape.
std::string as_yaml(std::string_view json) {
    const auto unit = [json](std::size_t at) -> unsigned {
        if (at + 6 > json.size() || json[at] != '\\' || json[at + 1] != 'u') return 0;
        unsigned value = 0;
        for (std::size_t k = at + 2; k < at + 6; ++k) {
            const char c = static_cast<char>(json[k] | 0x20);
            value = value * 16 + static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : json[k] - '0');
        }
        return value;
    };
    std::string out;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (!in_string) {
            in_string = c == '"';
            out += c == '\t' ? ' ' : c;
        } else if (c == '\\') {
            const unsigned high = unit(i);
            if (high >= 0xD800 && high < 0xDC00) {
                out += fmt::format("\\U{:08x}", 0x10000U + ((high - 0xD800U) << 10U) + (unit(i + 6) - 0xDC00U));
                i += 11;
            } else {
                out += c;
                out += json[++i];
            }
        } else {
            in_string = c != '"';
            out += c;
        }
    }
    return out;
}

// Nothing of a registry's credentials stays in what may be saved.
Json without_credentials(const Json& document) {
    const Json* docker = document.find("docker");
    const Json* registry = docker == nullptr ? nullptr : docker->find("baseImageRegistry");
    if (registry == nullptr || !registry->is_object()) return document;
    Json kept = Json::object();
    for (const auto& [key, value] : registry->as_object()) kept.set(key, is_credential_key(key) ? Json() : value);
    Json changed = *docker;
    changed.set("baseImageRegistry", std::move(kept));
    Json out = document;
    out.set("docker", std::move(changed));
    return out;
}

Error no_json(const std::string& text, const std::string& file, const Error& said) {
    const auto fault = find_json_fault(text);
    if (!fault) return {ErrorKind::InvalidInput, fmt::format("{}: {}", file, said.message())};
    Diagnostic out;
    out.place = {file, fault->line, fault->column};
    out.message = "this is not JSON: " + fault->message;
    out.excerpt = caret_excerpt(YamlSource(file, text).line(fault->line), fault->column);
    return without_password(out.to_error());
}

class JsonReader {
  public:
    JsonReader(const YamlNode& root, DefinitionRead& out)
        : root_(root), out_(out), definition_(out.definition), fields_(out) {}

    void read() {
        fields_.check_keys(&root_, "", known_fields());
        fields_.name_and_version(root_.find("name"), root_.find("version"));
        if (const YamlNode* node = root_.find("description"); node != nullptr && !node->is_null()) {
            definition_.description = DefinitionFields::lines(*node, "description");
        }
        definition_.tags = DefinitionFields::texts(root_.find("tags"), "tags", DefinitionFields::Scalars::Texts);
        fields_.variables(root_.find("environmentVariables"), "environmentVariables", DefinitionFields::Scalars::Texts);
        read_python(section("python"));
        read_docker(section("docker"));
        fields_.gpu(root_.find("envbuild"));
        warn_without_effect();
        read_files_beside();
    }

  private:
    [[nodiscard]] const YamlNode* section(const std::string& name) {
        const YamlNode* found = DefinitionFields::mapping(root_.find(name), name);
        fields_.check_keys(found, name, known_fields(name));
        return found;
    }

    void read_python(const YamlNode* python) {
        if (python == nullptr) return;
        definition_.user_managed =
            DefinitionFields::flag(python->find("userManagedDependencies"), "userManagedDependencies", false);
        if (const auto path = DefinitionFields::text(python->find("interpreterPath"), "interpreterPath"); !path.empty())
            definition_.interpreter = path;
        const YamlNode* file = python->find("condaDependenciesFile");
        inline_conda_ = python->find("condaDependencies");
        if (inline_conda_ != nullptr && inline_conda_->is_null()) inline_conda_ = nullptr;
        if (inline_conda_ != nullptr)
            fields_.conda(DefinitionFields::mapping(inline_conda_, "condaDependencies"), "condaDependencies");
        if (DefinitionFields::text(file, "condaDependenciesFile").empty()) return;
        fields_.conda_path(*file, "condaDependenciesFile");
    }

    void read_docker(const YamlNode* docker) {
        if (docker == nullptr) return;
        fields_.image(docker->find("baseImage"), "baseImage");
        image_ = definition_.base.image.empty() ? nullptr : docker->find("baseImage");
        const YamlNode* dockerfile = docker->find("baseDockerfile");
        if (dockerfile != nullptr && !dockerfile->is_null()) read_dockerfile(*dockerfile);
        const YamlNode* context = DefinitionFields::mapping(docker->find("buildContext"), "buildContext");
        if (context != nullptr) read_context(*context);

        const DefinitionBase& base = definition_.base;
        if (!base.image.empty() && !base.dockerfile.empty()) exclude(*dockerfile, "baseImage", "baseDockerfile");
        if (!base.image.empty() && !base.context.empty()) exclude(*context, "baseImage", "buildContext");
        if (!base.dockerfile.empty() && !base.context.empty()) exclude(*context, "baseDockerfile", "buildContext");
        context_ = base.context.empty() ? nullptr : context;

        read_run_options(*docker);
        if (const YamlNode* platform = DefinitionFields::mapping(docker->find("platform"), "platform")) {
            fields_.check_keys(platform, "docker.platform", {"os", "architecture"});
            fields_.platform(*platform, DefinitionFields::text(platform->find("os"), "os"),
                             DefinitionFields::text(platform->find("architecture"), "architecture"));
        }
        if (const YamlNode* registry =
                DefinitionFields::mapping(docker->find("baseImageRegistry"), "baseImageRegistry"))
            read_registry(*registry);
    }

    [[noreturn]] static void exclude(const YamlNode& node, std::string_view one, std::string_view other) {
        DefinitionFields::refuse(node, fmt::format("{} and {} are both set and exclude each other", one, other),
                                 "keep one, and set the other to null");
    }

    // Text, or the path of a file that holds it, as the SDK takes both.
    void read_dockerfile(const YamlNode& node) {
        const std::string& text = DefinitionFields::lines(node, "baseDockerfile");
        if (trim(text).empty()) return;
        if (text.contains('\n') || split_whitespace(text).size() > 1)
            return fields_.dockerfile(text, fmt::format("{}: baseDockerfile", node.place().to_string()));
        const std::string path = fields_.inside(node, text, "baseDockerfile");
        if (!fs::is_regular_file(out_.directory / path)) {
            DefinitionFields::refuse(node,
                                     fmt::format("baseDockerfile is no Dockerfile's text, and there is no file {}",
                                                 (out_.directory / path).string()),
                                     "give the text with its line ends, or a path beside the definition");
        }
        fields_.dockerfile(read_file(out_.directory / path, kMaxBytes), (out_.directory / path).string());
    }

    void read_context(const YamlNode& node) {
        fields_.check_keys(&node, "docker.buildContext", {"locationType", "location", "dockerfilePath"});
        const YamlNode* location = node.find("location");
        const YamlNode* type_node = node.find("locationType");
        const std::string type = to_lower(DefinitionFields::text(type_node, "locationType"));
        if (DefinitionFields::text(location, "location").empty()) {
            if (!type.empty())
                DefinitionFields::refuse(node, "buildContext has no location", "name a folder or a git URL");
            return;
        }
        if (type == "storageaccount") {
            DefinitionFields::refuse(*type_node, "a build context in a storage account cannot be read from here",
                                     "download it beside the definition, and give: \"locationType\": \"local\", "
                                     "\"location\": \"FOLDER\"");
        }
        if (!type.empty() && type != "git" && type != "local") {
            DefinitionFields::refuse(*type_node, fmt::format("locationType is '{}'", type_node->text()),
                                     "known are git and, for a folder beside the definition, local");
        }
        const bool is_url = location->text().contains("://");
        if (const auto url = url_of_scp(location->text()); type == "git" && !url.empty()) {
            DefinitionFields::refuse(*location, "the location is git's short form of an address, which names no scheme",
                                     fmt::format("write {}, or the repository's https URL", url));
        }
        if (is_url ? type == "local" : type == "git") {
            DefinitionFields::refuse(
                *location, fmt::format("locationType is {}, and the location is {}", type, is_url ? "a URL" : "no URL"),
                "for git: https://host/repository.git#ref:folder or ssh://git@host/repository.git; "
                "for local: a folder's path");
        }
        fields_.context(*location, "location", node.find("dockerfilePath"));
    }

    void read_run_options(const YamlNode& docker) {
        const YamlNode* size = docker.find("shmSize");
        definition_.shm_size = DefinitionFields::text(size, "shmSize");
        if (const std::string& shm = definition_.shm_size; !shm.empty()) {
            if (const auto checked = check_shm_size(shm); !checked)
                DefinitionFields::refuse(*size, fmt::format("shmSize is '{}'", shm), checked.error().hint());
        }
        const YamlNode* arguments = docker.find("arguments");
        if (arguments == nullptr || arguments->is_null()) return;
        if (!arguments->is_sequence()) {
            DefinitionFields::refuse(*arguments,
                                     fmt::format("arguments is {} and should be a list", arguments->describe()));
        }
        for (const auto& item : arguments->items()) {
            definition_.arguments.push_back(DefinitionFields::text(&item, "an item of arguments"));
        }
    }

    void read_registry(const YamlNode& node) {
        fields_.check_keys(&node, "docker.baseImageRegistry", {"address", "username", "password", "registryIdentity"});
        DefinitionRead::RegistryLogin login;
        login.address = DefinitionFields::text(node.find("address"), "address");
        login.user = DefinitionFields::text(node.find("username"), "username");
        login.password = Secret(DefinitionFields::text(node.find("password"), "password"));
        if (login.user.empty() && login.password.empty()) return;
        fields_.warn(node, "the credentials of baseImageRegistry are used for this run and are never saved",
                     "take them out of the file: docker login keeps them where envbuild finds them");
        out_.logins.push_back(std::move(login));
    }

    void warn_without_effect() {
        const auto said = [](const YamlNode* node) {
            return node != nullptr && !node->is_null() && !(node->is_sequence() && node->items().empty()) &&
                   !(node->is_mapping() && node->members().empty());
        };
        const auto warn = [&](const YamlNode* node, const std::string& what) {
            if (said(node)) fields_.warn(*node, what + " is kept and has no effect on the image");
        };
        if (const YamlNode* python = root_.find("python"))
            warn(python->find("baseCondaEnvironment"), "baseCondaEnvironment");
        const YamlNode* spark = section("spark");
        const YamlNode* databricks = section("databricks");
        for (const auto& [part, name] : {std::pair{spark, "spark"}, std::pair{databricks, "databricks"}}) {
            if (part == nullptr) continue;
            for (const auto& [key, value] : part->members()) {
                if (value.is_sequence()) warn(&value, fmt::format("{} of {}", key.text(), name));
            }
        }
        warn(root_.find("r"), "r");
        warn(root_.find("inferencingStackVersion"), "inferencingStackVersion");
    }

    // What save_to_directory of the SDK puts beside the JSON.
    void read_files_beside() {
        if (out_.directory.empty() || fs::path(out_.file).filename() != kDefinitionFile) return;
        if (fs::is_regular_file(out_.directory / kCondaFile)) {
            const bool named = !definition_.conda_file.empty() && definition_.conda_file != kCondaFile;
            if (!named) definition_.conda_file = kCondaFile;
            if (named) {
                fields_.warn(root_, fmt::format("{} is not read: condaDependenciesFile names {}", kCondaFile,
                                                definition_.conda_file));
            }
            if (!lies_inside(out_.directory / kCondaFile, out_.directory))
                DefinitionFields::refuse(root_, fmt::format("{} is a link that leads out of the folder", kCondaFile));
        }
        if (!definition_.conda_file.empty() && !definition_.conda_text.empty()) {
            fields_.warn(*inline_conda_,
                         fmt::format("condaDependencies is not used: {} is there", definition_.conda_file),
                         "remove one of them");
            definition_.conda_text.clear();
        }
        const auto path = out_.directory / kDockerfileName;
        if (!fs::is_regular_file(path)) return;
        if (image_ != nullptr) exclude(*image_, "baseImage", "the file BaseDockerfile");
        if (context_ != nullptr) exclude(*context_, "buildContext", "the file BaseDockerfile");
        if (!lies_inside(path, out_.directory))
            DefinitionFields::refuse(root_, fmt::format("{} is a link that leads out of the folder", kDockerfileName));
        const std::string inline_text = definition_.base.dockerfile;
        fields_.dockerfile(read_file(path, kMaxBytes), path.string());
        if (!inline_text.empty() && inline_text != definition_.base.dockerfile) {
            DefinitionFields::refuse(*root_.find("docker")->find("baseDockerfile"),
                                     "baseDockerfile and the file BaseDockerfile differ", "keep one of them");
        }
    }

    const YamlNode& root_;
    DefinitionRead& out_;
    Definition& definition_;
    DefinitionFields fields_;
    const YamlNode *inline_conda_ = nullptr, *image_ = nullptr, *context_ = nullptr;
};

}  // namespace

DefinitionRead parse_definition_json(std::string_view bytes, const std::string& file,
                                     const std::filesystem::path& directory) {
    DefinitionRead out;
    out.file = file;
    out.directory = directory;
    const std::string text = value_or_throw(decode_text(bytes, file));
    auto document = Json::parse(text);
    if (!document) throw no_json(text, file, document.error());
    // JSON is YAML, whose reader knows where everything stands.
    const auto root = parse_yaml(as_yaml(text), file);
    if (!root) throw without_password(root.error());
    if (!root->is_mapping()) {
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{}:1:1: the file is {}, not an object with an environment's fields", file, root->describe()));
    }
    JsonReader(*root, out).read();
    out.definition.document = without_credentials(*document);
    return out;
}

}  // namespace envbuild::spec
