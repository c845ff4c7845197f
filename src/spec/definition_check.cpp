#include "spec/definition_check.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "base/url.hpp"
#include "spec/definition_files.hpp"
#include "spec/file_kind.hpp"
#include "spec/literal_credential.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

namespace {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

[[noreturn]] void refuse(const std::string& place, std::string_view written) {
    throw Error(ErrorKind::InvalidInput,
                fmt::format("{}: '{}' is on the disk of whoever reads the definition", place, redact(written)))
        .with_hint(
            "name something that everybody reaches by http or https, or put it beside the conda file and name "
            "it by a relative path");
}

// "file:///x", "git+file:///x", "file:///channel::numpy"; "profile:x" is none.
bool names_file_url(std::string_view text) {
    const auto lower = to_lower(text);
    for (auto at = lower.find("file:"); at != std::string::npos; at = lower.find("file:", at + 1)) {
        if (at == 0 || !is_alphanumeric(lower[at - 1])) return true;
    }
    return false;
}

void check_scalars(const YamlNode& node) {
    if (node.is_scalar() && names_file_url(node.text())) refuse(node.place().to_string(), node.text());
    for (const auto& item : node.items()) check_scalars(item);
    for (const auto& member : node.members()) {
        check_scalars(member.key);
        check_scalars(member.value);
    }
}

void check_channels(const YamlNode& channels) {
    for (const auto& item : channels.items()) {
        if (item.is_scalar() && !item.text().empty() && std::string_view("/.~").contains(item.text().front()))
            refuse(item.place().to_string(), item.text());
    }
}

void check_conda(const CondaPart& part) {
    // Requirements in its place would be read by other rules than what is looked through here.
    if (kind_of_text(value_or_throw(decode_text(part.bytes, part.file)), part.file) == FileKind::Requirements)
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is no conda environment file", part.file));
    const auto root = value_or_throw(parse_yaml(part.bytes, part.file));
    for (const auto& member : root.members()) {
        if (member.key.text() == "variables") continue;  // for the program in the image
        check_scalars(member.value);
        if (member.key.text() == "channels") check_channels(member.value);
    }
}

void check_pip(const pypi::Requirements& pip, const std::string& file) {
    for (const auto* lines : {&pip.requirements, &pip.constraints}) {
        for (const auto& one : *lines) {
            const auto url = one.line.url.to_string();
            if (names_file_url(url)) refuse(one.place.to_string(), url);
        }
    }
    for (const auto* urls : {&pip.indexes.index_urls, &pip.indexes.find_links}) {
        for (const auto& url : *urls) {
            if (names_file_url(url) || url.starts_with('/')) refuse(file, url);
        }
    }
}

void gather(std::vector<CredentialPlace>& out, std::string_view text, const std::string& file, bool read) {
    int number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        if (has_literal_credential(line)) out.push_back({file, number, read});
    }
}

}  // namespace

void check_self_contained(const Definition& definition, const std::filesystem::path& directory, const ProcessEnv& env) {
    const auto& context = definition.base.context;
    if (definition.base.context_is_git() && names_file_url(context)) refuse("the build context", context);
    const auto part = conda_part(definition, directory);
    const auto plan = plan_definition_files(definition, directory, env);
    if (!part) return;
    check_conda(*part);
    for (const auto& pip : plan.pip) check_pip(pip, part->file);
}

std::vector<CredentialPlace> literal_credentials(const Definition& definition, const std::filesystem::path& directory) {
    std::vector<CredentialPlace> out;
    if (const auto part = conda_part(definition, directory)) gather(out, part->bytes, part->file, true);
    for (const auto& path : plan_definition_files(definition, directory).texts)
        gather(out, pypi::read_requirements_text(path), path.string(), true);
    gather(out, definition.base.dockerfile, std::string(kDockerfileName), false);
    for (const auto& [name, value] : definition.variables) {
        if (has_literal_credential(value)) out.push_back({"the variable " + name, 0, false});
    }
    return out;
}

}  // namespace envbuild::spec
