#include "dockerfile/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "dockerfile/quote.hpp"
#include "dockerfile/template_check.hpp"

namespace envbuild::dockerfile {

namespace {

namespace mustache = kainjow::mustache;

// Mustache leaves an empty line where a section is not rendered: at most one is kept, none at the end.
std::string without_blank_runs(std::string_view text) {
    std::string tidy;
    tidy.reserve(text.size());
    for (const char c : text) {
        if (c == '\n' && tidy.ends_with("\n\n")) continue;
        tidy += c;
    }
    while (tidy.ends_with("\n\n")) tidy.pop_back();
    return tidy;
}

const std::vector<std::string>& variables() {
    static const std::vector<std::string> names{"base",    "bind_mount", "command", "context", "env",    "from",
                                                "install", "labels",     "mount",   "pairs",   "prefix", "steps"};
    return names;
}

// KEY="value" for each, on a line of its own but within one instruction.
std::string pairs(const std::map<std::string, std::string>& values, std::string_view kind,
                  void (*check)(std::string_view)) {
    std::string text;
    for (const auto& [name, value] : values) {
        check(name);
        if (!text.empty()) text += " \\\n    ";
        text += fmt::format("{}={}", name, quote_value(fmt::format("the {} {}", kind, name), value));
    }
    return text;
}

// A section that is rendered once, or not at all for an empty map.
mustache::data pairs_section(const std::map<std::string, std::string>& values, std::string_view kind,
                             void (*check)(std::string_view)) {
    if (values.empty()) return mustache::data(false);
    return mustache::data(mustache::object{{"pairs", pairs(values, kind, check)}});
}

void check_platform(std::string_view platform) {
    const bool proper = std::ranges::all_of(
        platform, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/'; });
    if (!proper)
        throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is no platform of the form linux/amd64", platform));
}

std::vector<std::string> install_command(const RenderInput& input) {
    if (!input.install_command.empty()) return input.install_command;
    return {fmt::format("{}/envbuild-install", kContextRoot), "--manifest",
            fmt::format("{}/install.json", kContextRoot), "--packages", fmt::format("{}/packages", kContextRoot)};
}

mustache::data template_data(const RenderInput& input) {
    check_base_reference(input.base);
    check_platform(input.platform);
    check_prefix(input.prefix);
    const std::string root(kContextRoot);

    mustache::data data;
    data.set("base", input.base);
    data.set("from", input.platform.empty() ? input.base : fmt::format("--platform={} {}", input.platform, input.base));
    data.set("context", root);
    data.set("prefix", input.prefix);
    data.set("bind_mount", mustache::data(input.bind_mount));
    data.set("mount",
             input.bind_mount ? fmt::format("--mount=type=bind,source=envbuild,target={} ", root) : std::string());
    data.set("install", exec_form("the install command", install_command(input)));
    data.set("env", pairs_section(input.env, "environment variable", check_variable_name));
    data.set("labels", pairs_section(input.labels, "label", check_label_key));
    mustache::data steps{mustache::data::type::list};
    for (std::size_t i = 0; i < input.extra_steps.size(); ++i) {
        const auto form = exec_form(fmt::format("step {}", i + 1), {"/bin/sh", "-c", input.extra_steps[i]});
        steps.push_back(mustache::data("command", form));
    }
    data.set("steps", steps);
    return data;
}

void check_file_name(const std::string& name) {
    const bool proper = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                        is_valid_utf8(name) && !has_control_character(name);
    if (!proper)
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is no proper name for a package file", json_quote(name)));
}

void add_files(std::vector<layer::ContextFile>& files, const std::vector<CachedFile>& cached) {
    for (const CachedFile& file : cached) {
        check_file_name(file.name);
        files.push_back({.path = fmt::format("envbuild/packages/{}", file.name), .bytes = {}, .file = file.path});
    }
}

}  // namespace

const std::string& Context::dockerfile() const {
    const auto found = std::ranges::find(files, "Dockerfile", &layer::ContextFile::path);
    if (found == files.end()) throw Error(ErrorKind::Bug, "a build context without a Dockerfile");
    return found->bytes;
}

std::string render_dockerfile(const Templates& templates, const RenderInput& input) {
    check_template("Dockerfile.mustache", templates.dockerfile(), variables());
    mustache::mustache dockerfile(templates.dockerfile());
    // A Dockerfile is no HTML: both {{x}} and {{{x}}} put in what was quoted above.
    dockerfile.set_custom_escape([](const std::string& text) { return text; });
    const std::string text = dockerfile.is_valid() ? dockerfile.render(template_data(input)) : std::string();
    if (!dockerfile.is_valid()) {
        throw Error(ErrorKind::InvalidInput, fmt::format("Dockerfile.mustache: {}", dockerfile.error_message()));
    }
    return without_blank_runs(text);
}

Context render(const Templates& templates, const RenderInput& input) {
    Context context;
    auto& files = context.files;
    files.push_back({.path = "Dockerfile", .bytes = render_dockerfile(templates, input), .file = {}});
    files.push_back({.path = "envbuild/install.json", .bytes = input.install_json, .file = {}});
    files.push_back({.path = "envbuild/envbuild-install", .bytes = {}, .file = input.installer, .mode = 0755});
    add_files(files, input.packages);
    std::ranges::sort(files, {}, &layer::ContextFile::path);
    const auto twice = std::ranges::adjacent_find(files, {}, &layer::ContextFile::path);
    if (twice != files.end()) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("two packages would have the same file name in the build context: {}", twice->path));
    }
    return context;
}

}  // namespace envbuild::dockerfile
