#include "spec/definition_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/credential_name.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "base/url.hpp"
#include "conda/platform.hpp"
#include "spec/definition_conda.hpp"
#include "spec/git_location.hpp"
#include "spec/reading.hpp"

namespace envbuild::spec {

namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kMaxName = 255;

bool only_of(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::ranges::all_of(
        text, [&](char c) { return std::ranges::any_of(sets, [c](std::string_view set) { return set.contains(c); }); });
}

}  // namespace

Expected<std::string> check_name(std::string_view name) {
    const auto refuse = [&](const std::string& why) -> Expected<std::string> {
        return std::unexpected(
            Error(ErrorKind::InvalidInput,
                  fmt::format("'{}' cannot be an environment's name: {}", redact(name.substr(0, 80)), why))
                .with_hint(
                    "a name is letters, digits, '-', '_' and '.', begins with a letter or digit, and has at most "
                    "255 characters"));
    };
    if (name.empty()) return refuse("it is empty");
    if (name.size() > kMaxName) return refuse(fmt::format("it has {} characters", name.size()));
    if (has_control_character(name)) {
        return std::unexpected(
            Error(ErrorKind::InvalidInput, "an environment's name holds no control character or line end"));
    }
    if (!only_of(name.substr(0, 1), {kLetters, kDigits})) return refuse("it begins with another character");
    for (const char c : name) {
        if (only_of({&c, 1}, {kLetters, kDigits, "-_."})) continue;
        if (static_cast<unsigned char>(c) >= 0x80) return refuse("it holds a character that is not ASCII");
        return refuse(fmt::format("it holds '{}'", c));
    }
    return std::string(name);
}

Expected<std::string> check_version(std::string_view version) {
    if (!version.empty() && version.size() <= kMaxName && only_of(version, {kLetters, kDigits, "-_.+"}))
        return std::string(version);
    return std::unexpected(
        Error(ErrorKind::InvalidInput,
              has_control_character(version)
                  ? std::string("a version holds no control character or line end")
                  : fmt::format("'{}' cannot be a version of an environment", redact(version.substr(0, 80))))
            .with_hint("a version is letters, digits, '-', '_', '.' and '+', such as 3 or 1.0.0"));
}

Error without_password(Error error) {
    if (names_credential(error.hint())) return std::move(error).with_hint("");
    return error;
}

void DefinitionFields::refuse(const YamlNode& node, const std::string& message, const std::string& hint) {
    Diagnostic out = node.diagnostic(Diagnostic::Severity::Error, message, hint);
    if (names_credential(out.excerpt)) out.excerpt.clear();
    throw out.to_error();
}

void DefinitionFields::warn(const YamlNode& node, const std::string& message, const std::string& hint) {
    Diagnostic out = node.diagnostic(Diagnostic::Severity::Warning, message, hint);
    if (names_credential(out.excerpt)) out.excerpt.clear();
    out_.warnings.push_back(std::move(out));
}

void DefinitionFields::check_keys(const YamlNode* mapping, std::string_view what,
                                  const std::vector<std::string>& known) {
    if (mapping == nullptr) return;
    for (const auto& member : mapping->members()) {
        const std::string& key = member.key.text();
        if (std::ranges::find(known, key) != known.end()) continue;
        const std::string near = nearest(key, known);
        warn(member.key,
             what.empty() ? fmt::format("the key '{}' is not known; it is kept and has no effect", key)
                          : fmt::format("the key '{}' of {} is not known; it is kept and has no effect", key, what),
             near.empty() ? "" : fmt::format("did you mean '{}'?", near));
    }
}

namespace {

std::string one_line(const YamlNode& node, std::string text, std::string_view what) {
    if (has_control_character(text))
        DefinitionFields::refuse(node, fmt::format("{} holds a control character or several lines", what));
    return text;
}

}  // namespace

std::string DefinitionFields::text(const YamlNode* node, std::string_view what) {
    if (node == nullptr || node->is_null()) return "";
    return one_line(*node, lines(*node, what), what);
}

std::string DefinitionFields::version(const YamlNode* node, std::string_view what) {
    if (node == nullptr || node->is_null()) return "";
    if (node->is_scalar() && node->scalar_type() == YamlNode::ScalarType::Bool) (void)lines(*node, what);
    return one_line(*node, scalar(*node, what), what);
}

const std::string& DefinitionFields::lines(const YamlNode& node, std::string_view what) {
    (void)scalar(node, what);
    if (node.scalar_type() != YamlNode::ScalarType::String) {
        refuse(node, fmt::format("{} is {} and should be a text", what, node.describe()),
               fmt::format("a text that looks like it stands in quotes: {}", json_quote(node.text())));
    }
    return node.text();
}

const std::string& DefinitionFields::scalar(const YamlNode& node, std::string_view what) {
    if (!node.is_scalar()) refuse(node, fmt::format("{} is {} and should be a text", what, node.describe()));
    return node.text();
}

bool DefinitionFields::flag(const YamlNode* node, std::string_view what, bool fallback) {
    if (node == nullptr || node->is_null()) return fallback;
    if (node->scalar_type() != YamlNode::ScalarType::Bool)
        refuse(*node, fmt::format("{} is {} and should be true or false", what, node->describe()));
    return node->as_bool(what);
}

const YamlNode* DefinitionFields::mapping(const YamlNode* node, std::string_view what) {
    if (node == nullptr || node->is_null()) return nullptr;
    if (!node->is_mapping()) refuse(*node, fmt::format("{} is {} and should be a mapping", what, node->describe()));
    return node;
}

std::map<std::string, std::string> DefinitionFields::texts(const YamlNode* node, std::string_view what,
                                                           Scalars scalars) {
    std::map<std::string, std::string> out;
    const YamlNode* found = mapping(node, what);
    if (found == nullptr) return out;
    for (const auto& [key, value] : found->members()) {
        const auto name = fmt::format("'{}' of {}", key.text(), what);
        out[key.text()] = value.is_null() ? "" : scalars == Scalars::Texts ? lines(value, name) : scalar(value, name);
    }
    return out;
}

void DefinitionFields::name_and_version(const YamlNode* name, const YamlNode* version) {
    definition_.name = text(name, "name");
    definition_.version = DefinitionFields::version(version, "version");
    if (!definition_.name.empty()) {
        if (const auto checked = check_name(definition_.name); !checked)
            refuse(*name, checked.error().message(), checked.error().hint());
    }
    if (!definition_.version.empty()) {
        if (const auto checked = check_version(definition_.version); !checked)
            refuse(*version, checked.error().message(), checked.error().hint());
    }
}

void DefinitionFields::variables(const YamlNode* node, std::string_view what, Scalars scalars) {
    definition_.variables = texts(node, what, scalars);
    if (definition_.variables.empty()) return;
    for (const auto& [key, value] : node->members()) {
        const std::string& name = key.text();
        if (name.empty() || !only_of(name, {kLetters, kDigits, "_"}) || kDigits.contains(name[0])) {
            refuse(key, fmt::format("'{}' is no name for an environment variable", name),
                   "letters, digits and '_', not a digit first");
        }
        if (has_control_character(value.text())) {
            refuse(value, fmt::format("the variable {} holds a control character or several lines", name),
                   "a value that goes into an image is one line of text");
        }
    }
}

void DefinitionFields::image(const YamlNode* node, std::string_view what) {
    definition_.base.image = trim(text(node, what));
    const std::string& image = definition_.base.image;
    if (!template_mark(image).empty()) {
        refuse(*node, fmt::format("'{}' is a template that was never rendered", image),
               "fill in what stands between the braces");
    }
    if (image.contains(' ')) refuse(*node, fmt::format("{} holds a space", what));
    if (image.contains("://"))
        refuse(*node, fmt::format("{} is a URL", what), "an image is named as for docker pull: registry/name:tag");
}

void DefinitionFields::dockerfile(std::string_view text, const std::string& file) {
    const std::string decoded = value_or_throw(decode_text(text, file));
    bool from = false;
    int number = 0;
    for (const auto line : split(decoded, '\n')) {
        ++number;
        const auto words = split_whitespace(line);
        if (words.empty() || to_lower(words[0]) != "from") continue;
        from = true;
        if (template_mark(line).empty()) continue;
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{}:{}: '{}' is a template that was never rendered", file, number, trim(line)))
            .with_hint("fill in what stands between the braces");
    }
    if (!from) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: a Dockerfile needs a FROM, and there is none", file))
            .with_hint("begin it with: FROM registry/name:tag");
    }
    definition_.base.dockerfile = decoded;
}

void DefinitionFields::context(const YamlNode& location, std::string_view what, const YamlNode* dockerfile_path) {
    const std::string path = text(&location, what);
    DefinitionBase& base = definition_.base;
    if (const std::string file = text(dockerfile_path, "the Dockerfile's path"); !file.empty()) {
        base.context_dockerfile = fs::path(file).lexically_normal().generic_string();
        if (fs::path(file).is_absolute() || base.context_dockerfile == ".." ||
            base.context_dockerfile.starts_with("../")) {
            refuse(*dockerfile_path, fmt::format("the Dockerfile {} lies outside of the build context", file),
                   "copy it into the context, and name it relative to it");
        }
    }
    if (path.contains("://")) {
        if (const auto git = GitLocation::parse(path); !git)
            refuse(location, git.error().message(), git.error().hint());
        base.context = path;
        return;
    }
    if (const auto colon = path.find(':'); colon != std::string::npos && !path.substr(0, colon).contains('/')) {
        refuse(location, fmt::format("'{}' is no folder and no URL", redact(path)),
               path.contains('@') ? "write a git URL with its scheme: ssh://git@host/repository.git"
                                  : "name a folder beside the definition, or a git URL");
    }
    base.context = inside(location, path, what);
    if (out_.directory.empty()) return;
    const auto folder = out_.directory / base.context;
    if (!fs::is_directory(folder)) {
        refuse(location, fmt::format("there is no folder {}", folder.string()),
               fmt::format("{} is looked up beside the file that names it", what));
    }
    if (!fs::is_regular_file(folder / base.context_dockerfile)) {
        refuse(dockerfile_path != nullptr && !dockerfile_path->is_null() ? *dockerfile_path : location,
               fmt::format("there is no file {} in {}", base.context_dockerfile, folder.string()),
               "a build context holds a Dockerfile; name another one relative to the context");
    }
}

std::string DefinitionFields::inside(const YamlNode& node, std::string_view path, std::string_view what) const {
    std::string normal = fs::path(path).lexically_normal().generic_string();
    while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
    if (normal.empty()) refuse(node, fmt::format("{} is empty", what));
    const bool out = fs::path(normal).is_absolute() || normal == ".." || normal.starts_with("../");
    if (out || (!out_.directory.empty() && !lies_inside(out_.directory / normal, out_.directory))) {
        refuse(node, fmt::format("{} leads out of the definition's folder: {}", what, path),
               "copy what it names into the folder, and write a relative path");
    }
    return normal;
}

void DefinitionFields::conda_path(const YamlNode& node, std::string_view what) {
    std::string path = text(&node, what);
    if (path.starts_with("file:")) path = path.substr(path.starts_with("file://") ? 7 : 5);
    if (path.contains("://") || path.starts_with("azureml:")) {
        refuse(node, fmt::format("{} names no local file: {}", what, redact(path)),
               "download it, and name it by its path, so that the same text always means the same");
    }
    definition_.conda_file = inside(node, path, what);
    if (!out_.directory.empty() && !fs::is_regular_file(out_.directory / definition_.conda_file)) {
        refuse(node, fmt::format("there is no file {}", (out_.directory / definition_.conda_file).string()),
               fmt::format("{} is looked up beside the file that names it", what));
    }
}

void DefinitionFields::conda(const YamlNode* node, std::string_view what) {
    if (node == nullptr || node->is_null()) return;
    if (node->is_scalar()) return conda_path(*node, what);
    if (!node->is_mapping()) {
        refuse(*node, fmt::format("{} is {} and should be a path or a conda environment", what, node->describe()));
    }
    definition_.conda_text = conda_text_of(*node);
}

void DefinitionFields::gpu(const YamlNode* node) {
    const YamlNode* found = mapping(node, "envbuild");
    if (found == nullptr) return;
    check_keys(found, "envbuild", {"gpu", "cuda", "targetCuda", "targetCpu"});
    GpuAsk& ask = definition_.gpu;
    ask.wanted = flag(found->find("gpu"), "gpu", false);
    ask.cuda = version(found->find("cuda"), "cuda");
    ask.target_cuda = version(found->find("targetCuda"), "targetCuda");
    ask.target_cpu = text(found->find("targetCpu"), "targetCpu");
}

void DefinitionFields::platform(const YamlNode& node, const std::string& os, const std::string& architecture) {
    const auto parsed = conda::Platform::parse(fmt::format("{}/{}", os.empty() ? "linux" : to_lower(os),
                                                           architecture.empty() ? "amd64" : to_lower(architecture)));
    if (!parsed || !parsed->is_linux()) {
        refuse(node, fmt::format("images for {} {} are not built", os, architecture),
               "os is Linux, architecture amd64 or arm64");
    }
    // What the SDK always writes is no wish.
    if (*parsed != conda::Platform()) definition_.platform = parsed->to_string();
}

}  // namespace envbuild::spec
