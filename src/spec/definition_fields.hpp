// What the readers of azureml_environment.json and of v2 YAML share: fields with their checks, at their place. JSON is
// read through YamlNode too, for the places. Internal to this folder.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/definition.hpp"
#include "spec/inside_link.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

// Fills `out` of one definition. Every method takes a null or absent node as "not said"; all throw InvalidInput at the
// node's place, without an excerpt where the line may hold a password.
class DefinitionFields {
  public:
    explicit DefinitionFields(DefinitionRead& out) : out_(out), definition_(out.definition) {}

    [[noreturn]] static void refuse(const YamlNode& node, const std::string& message, const std::string& hint = "");
    void warn(const YamlNode& node, const std::string& message, const std::string& hint = "");
    // A warning for each key of a mapping that is in neither list; `what` names the mapping ("docker").
    void check_keys(const YamlNode* mapping, std::string_view what, const std::vector<std::string>& known);

    [[nodiscard]] static std::string text(const YamlNode* node, std::string_view what);  // one line; "" for not said
    // The same of a version, which may be a number: 11.8 and 1.10 are taken as they are written.
    [[nodiscard]] static std::string version(const YamlNode* node, std::string_view what);
    [[nodiscard]] static const std::string& lines(const YamlNode& node, std::string_view what);  // a text of any size
    [[nodiscard]] static const std::string& scalar(const YamlNode& node,
                                                   std::string_view what);  // or a number, true, …
    [[nodiscard]] static bool flag(const YamlNode* node, std::string_view what, bool fallback);
    // In YAML people leave the quotes out, and scalars are taken as written; what JSON has no quotes around is no text.
    enum class Scalars : std::uint8_t { Any, Texts };
    [[nodiscard]] static std::map<std::string, std::string> texts(const YamlNode* node, std::string_view what,
                                                                  Scalars scalars = Scalars::Any);
    // The mapping, or null where nothing was said.
    [[nodiscard]] static const YamlNode* mapping(const YamlNode* node, std::string_view what);

    void name_and_version(const YamlNode* name, const YamlNode* version);
    void variables(const YamlNode* node, std::string_view what, Scalars scalars = Scalars::Any);
    void image(const YamlNode* node, std::string_view what);
    // Text of a Dockerfile from `file` (for messages).
    void dockerfile(std::string_view text, const std::string& file);
    // A folder beside the definition, or a git URL.
    void context(const YamlNode& location, std::string_view what, const YamlNode* dockerfile_path);
    void conda(const YamlNode* node, std::string_view what);  // a path or the mapping itself
    void conda_path(const YamlNode& node, std::string_view what);
    void gpu(const YamlNode* node);  // the mapping "envbuild"
    void platform(const YamlNode& node, const std::string& os, const std::string& architecture);

    // The path as a normalised relative one that does not lead out of the definition's directory, symlinks counted.
    [[nodiscard]] std::string inside(const YamlNode& node, std::string_view path, std::string_view what) const;

  private:
    DefinitionRead& out_;
    Definition& definition_;
};

// A version as Azure ML has them: "3", "1.0.0", "Autosave_2020-09-01T00.00.00Z".
[[nodiscard]] Expected<std::string> check_version(std::string_view version);
// The error without an excerpt that shows a password.
[[nodiscard]] Error without_password(Error error);

}  // namespace envbuild::spec
