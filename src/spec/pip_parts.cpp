// The pip part of an intent: a pip section, or a requirements file of its own.
#include <fmt/format.h>

#include <algorithm>

#include "base/credential_name.hpp"
#include "base/strings.hpp"
#include "pypi/requirements_file.hpp"
#include "spec/python_demand.hpp"
#include "spec/reading.hpp"

namespace envbuild::spec {

namespace {

const SourceAccess& sources_of(const ReadOptions& options) {
    return options.sources != nullptr ? *options.sources : disk_sources();
}

pypi::RequirementsOptions requirements_options(const std::filesystem::path& directory, const ReadOptions& options) {
    const SourceAccess& sources = sources_of(options);
    return {options.env, directory, [&sources](const std::filesystem::path& path) { return sources.read_text(path); }};
}

// The configured index URLs as they count: without user information or a slash at the end.
std::vector<std::string> configured_indexes(const ReadOptions& options, Reading& out) {
    std::vector<std::string> urls;
    for (const auto& text : options.index_urls) {
        auto url = Url::parse(text);
        if (!url) {
            out.report(Diagnostic::Severity::Error, {"index_urls", 0, 0}, url.error().message(),
                       "this is the configured package index");
            continue;
        }
        if (url->user_info()) out.credentials.push_back(*url);
        std::string canonical = url->without_user_info().without_fragment().to_string();
        while (canonical.ends_with('/')) canonical.pop_back();
        urls.push_back(std::move(canonical));
    }
    return urls;
}

void digest_local(pypi::RequirementLine& line, const SourcePlace& place, const std::filesystem::path& directory,
                  const ReadOptions& options, Reading& out) {
    const std::filesystem::path path =
        std::filesystem::path(line.path).is_absolute() ? std::filesystem::path(line.path) : directory / line.path;
    try {
        line.source_digest = sources_of(options).digest_source(path).hex();
    } catch (const Error& error) {
        const bool frozen = line.path.find("conda-bld") != std::string::npos ||
                            line.path.find("/croot/") != std::string::npos ||
                            line.path.find("build_artifacts") != std::string::npos || line.path.ends_with("/work");
        out.report(Diagnostic::Severity::Error, place, error.message(),
                   frozen ? "`pip freeze` inside conda wrote this: the path was on the machine that built the package; "
                            "write name==version"
                          : "local sources are looked up from the folder of the file");
    }
}

void take_requirements(pypi::Requirements parsed, const std::filesystem::path& directory, const ReadOptions& options,
                       Reading& out) {
    for (auto& diagnostic : parsed.diagnostics) {
        if (diagnostic.excerpt.empty() && diagnostic.place.file == out.file && out.root) {
            diagnostic.excerpt = caret_excerpt(out.root->source().line(diagnostic.place.line), diagnostic.place.column);
        }
        out.diagnostics.push_back(std::move(diagnostic));
    }
    out.credentials.insert(out.credentials.end(), parsed.with_credentials.begin(), parsed.with_credentials.end());
    for (auto& requirement : parsed.requirements) {
        // It would be in the hash, in locks and in what the image says of itself.
        if (const auto& url = requirement.line.url;
            url.scheme().starts_with("git+") && query_holds_credential(url.query())) {
            out.report(Diagnostic::Severity::Error, requirement.place,
                       fmt::format("{}: the query of the repository's URL holds a credential", redact(url.to_string())),
                       "write it as user information, git+https://${TOKEN}@HOST/REPOSITORY, or put it into ~/.netrc");
        }
        if (requirement.line.kind == pypi::RequirementLine::Kind::Local) {
            digest_local(requirement.line, requirement.place, directory, options, out);
        }
        out.spec.pip.push_back(std::move(requirement.line));
        out.pip_places.push_back(requirement.place);
    }
    for (const auto& constraint : parsed.constraints) out.spec.pip_constraints.push_back(constraint.line.canonical());
    std::ranges::sort(out.spec.pip_constraints);
    const auto repeated = std::ranges::unique(out.spec.pip_constraints);
    out.spec.pip_constraints.erase(repeated.begin(), repeated.end());

    out.spec.indexes = std::move(parsed.indexes);
    auto& urls = out.spec.indexes.index_urls;
    if (out.spec.indexes.no_index) {
        std::erase(urls, "");
    } else if (urls.empty() || urls.front().empty()) {
        auto expanded = configured_indexes(options, out);
        for (const auto& url : urls) {
            if (!url.empty() && std::ranges::find(expanded, url) == expanded.end()) expanded.push_back(url);
        }
        urls = std::move(expanded);
    }
}

}  // namespace

void read_pip_items(const std::vector<PipItem>& items, const std::filesystem::path& directory,
                    const ReadOptions& options, Reading& out) {
    pypi::RequirementsParser parser(requirements_options(directory, options));
    for (const auto& item : items) {
        SourcePlace place = item.node.place();
        // Columns count within a plain scalar's text; a quoted one begins a character later, a block's text on the next
        // line.
        if (item.node.quoted()) ++place.column;
        parser.add_item(item.text, place);
    }
    take_requirements(parser.take(), directory, options, out);
}

void read_requirements_text(std::string_view text, const std::filesystem::path& directory, const ReadOptions& options,
                            Reading& out) {
    if (const auto mark = template_mark(text); !mark.empty()) {
        int number = 0;
        for (const auto line : split(text, '\n')) {
            ++number;
            if (trim(line).starts_with('#') || template_mark(line).empty()) continue;
            out.diagnostics.push_back({Diagnostic::Severity::Error,
                                       {out.file, number, static_cast<int>(line.find(template_mark(line))) + 1},
                                       "the line is a template that was never rendered",
                                       "fill in what stands between the braces",
                                       caret_excerpt(line, static_cast<int>(line.find(template_mark(line))) + 1)});
        }
        if (!out.ok()) return;
    }
    read_channels(nullptr, directory, options, out);
    read_variables(nullptr, options, out);
    if (options.python.empty()) {
        out.report(Diagnostic::Severity::Error, {out.file, 0, 0},
                   "a requirements file does not say which Python it is for",
                   "add --python VERSION, such as --python 3.11");
    } else if (const auto python = python_spec(options.python); !python) {
        out.report(Diagnostic::Severity::Error, {"--python", 0, 0}, python.error().message(), python.error().hint());
    } else {
        add_conda_spec(*python, std::nullopt, directory, options, out);
        out.spec.python = options.python;
    }
    add_conda_spec("pip", std::nullopt, directory, options, out);
    pypi::RequirementsParser parser(requirements_options(directory, options));
    parser.add_file_text(text, out.file);
    take_requirements(parser.take(), directory, options, out);
    if (out.spec.pip.empty() && out.ok()) {
        out.report(Diagnostic::Severity::Warning, {out.file, 0, 0}, "the file names no requirement",
                   "the image will hold Python and pip alone");
    }
}

}  // namespace envbuild::spec
