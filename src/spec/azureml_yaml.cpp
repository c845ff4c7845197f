// The YAML of Azure ML's CLI and SDK v2, schema environment.schema.json (docs/azure-ml.md).
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "spec/definition.hpp"
#include "spec/definition_fields.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

namespace {

// Read, or told apart from slips because the service's own listings have them.
const std::vector<std::string>& known_keys() {
    static const std::vector<std::string> kKeys = {"$schema",
                                                   "name",
                                                   "version",
                                                   "description",
                                                   "image",
                                                   "build",
                                                   "tags",
                                                   "conda_file",
                                                   "properties",
                                                   "environment_variables",
                                                   "envbuild",
                                                   "os_type",
                                                   "id",
                                                   "creation_context",
                                                   "resourceGroup",
                                                   "inference_config",
                                                   "datastore",
                                                   "is_anonymous",
                                                   "auto_delete_setting"};
    return kKeys;
}

// As Json, with what YAML would take for a fraction as the text that was written.
Json kept_json(const YamlNode& node) {
    Json out;
    if (node.is_sequence()) {
        out = Json::array();
        for (const auto& item : node.items()) out.push(kept_json(item));
    } else if (node.is_mapping()) {
        out = Json::object();
        for (const auto& member : node.members()) out.set(member.key.text(), kept_json(member.value));
    } else if (node.is_scalar() && node.scalar_type() == YamlNode::ScalarType::Float) {
        out = node.text();
    } else {
        out = yaml_to_json(node);
    }
    return out;
}

class YamlReader {
  public:
    YamlReader(const YamlNode& root, DefinitionRead& out) : root_(root), definition_(out.definition), fields_(out) {}

    void read() {
        check_kind();
        fields_.check_keys(&root_, "", known_keys());
        fields_.name_and_version(root_.find("name"), root_.find("version"));
        if (const YamlNode* node = root_.find("description"); node != nullptr && !node->is_null()) {
            definition_.description = DefinitionFields::scalar(*node, "description");
        }
        definition_.tags = DefinitionFields::texts(root_.find("tags"), "tags");
        fields_.variables(root_.find("environment_variables"), "environment_variables");
        read_base();
        if (const YamlNode* os = root_.find("os_type"); os != nullptr && !os->is_null())
            fields_.platform(*os, DefinitionFields::text(os, "os_type"), "");
        fields_.gpu(root_.find("envbuild"));
        if (const YamlNode* inference = root_.find("inference_config"); inference != nullptr && !inference->is_null())
            fields_.warn(*inference, "inference_config is kept and has no effect on the image");
        keep_the_rest();
    }

  private:
    void check_kind() const {
        const std::string schema = root_.string_or("$schema", "");
        const std::string name = to_lower(schema.substr(schema.rfind('/') + 1));
        if (!name.empty() && !name.starts_with("environment.")) {
            DefinitionFields::refuse(*root_.find("$schema"),
                                     "this is an Azure ML asset of another kind, not an environment",
                                     "name the file of the environment that it uses");
        }
        if (const YamlNode* node = root_.find("dependencies")) {
            DefinitionFields::refuse(*node, "an Azure ML environment has no 'dependencies'",
                                     "put name, channels and dependencies under conda_file");
        }
    }

    void read_base() {
        const YamlNode* conda = root_.find("conda_file");
        fields_.image(root_.find("image"), "image");
        fields_.conda(conda, "conda_file");
        const YamlNode* build = DefinitionFields::mapping(root_.find("build"), "build");
        if (build != nullptr) {
            fields_.check_keys(build, "build", {"path", "dockerfile_path"});
            const YamlNode* path = build->find("path");
            if (DefinitionFields::text(path, "path").empty()) {
                DefinitionFields::refuse(*build, "build has no path",
                                         "name the folder of the build context: path: docker-context");
            }
            if (!definition_.base.image.empty()) {
                DefinitionFields::refuse(*build, "image and build are both set and exclude each other",
                                         "keep one: the Dockerfile of build names the image that it starts from");
            }
            fields_.context(*path, "path", build->find("dockerfile_path"));
        }
        const bool has_conda = !definition_.conda_file.empty() || !definition_.conda_text.empty();
        if (build != nullptr && has_conda) {
            fields_.warn(*conda,
                         "Azure ML takes conda_file only with image; here it is installed onto what build makes");
        }
        if (!has_conda && build == nullptr && definition_.base.image.empty()) {
            DefinitionFields::refuse(root_, "the environment names no image, build or conda_file",
                                     "image: registry/name:tag, or conda_file: conda.yml, or both");
        }
        // An image or a Dockerfile alone is the environment.
        definition_.user_managed = !has_conda;
    }

    void keep_the_rest() {
        static const std::vector<std::string> kTyped = {"$schema", "name",      "version", "description",
                                                        "image",   "build",     "tags",    "environment_variables",
                                                        "os_type", "conda_file"};
        for (const auto& member : root_.members()) {
            if (std::ranges::find(kTyped, member.key.text()) == kTyped.end())
                definition_.document.set(member.key.text(), kept_json(member.value));
        }
    }

    const YamlNode& root_;
    Definition& definition_;
    DefinitionFields fields_;
};

}  // namespace

DefinitionRead parse_definition_yaml(std::string_view bytes, const std::string& file,
                                     const std::filesystem::path& directory) {
    DefinitionRead out;
    out.file = file;
    out.directory = directory;
    const auto root = parse_yaml(bytes, file);
    if (!root) throw without_password(root.error());
    if (!root->is_mapping()) {
        throw Error(ErrorKind::InvalidInput,
                    root->is_null()
                        ? fmt::format("{}:1:1: the file is empty", file)
                        : fmt::format("{}:1:1: the file is {}, not a mapping of keys", file, root->describe()))
            .with_hint("an Azure ML environment has the keys name, image, conda_file and build");
    }
    YamlReader(*root, out).read();
    return out;
}

}  // namespace envbuild::spec
