#include "build/environment_ref.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "build/prefix_export.hpp"
#include "build/published_names.hpp"
#include "catalog/curated_set.hpp"
#include "spec/definition_check.hpp"

namespace envbuild::build {

namespace {

namespace fs = std::filesystem;

catalog::CuratedSet curated_set(const Workbench& bench) {
    return catalog::load_curated(bench.settings().share_dir / "curated/environments");
}

Error not_found(const std::string& what, const std::string& word, const std::vector<std::string>& known) {
    const auto near = nearest(word, known);
    return Error(ErrorKind::NotFound, what)
        .with_hint(near.empty() ? "envbuild list shows the environments that there are; a file is named by its path"
                                : fmt::format("did you mean '{}'? envbuild list shows all", near));
}

void warn_of_status(const FoundEnvironment& found, const Workbench& bench) {
    if (found.status == to_string(catalog::CuratedStatus::Current)) return;
    bench.reporter().warn(
        fmt::format("{} is {}{}{}", found.label, found.status, found.note.empty() ? "" : ": ", found.note));
}

FoundEnvironment curated(const NameRef& ref, const catalog::CuratedEnvironment& environment, const Workbench& bench) {
    const catalog::CuratedVersion* version = &environment.latest();
    if (!ref.version.empty()) {
        version = environment.find(ref.version);
    } else if (!ref.label.empty() && ref.label != "latest") {
        version = nullptr;
    }
    if (version == nullptr) {
        std::vector<std::string> versions;
        for (const auto& one : environment.versions) versions.push_back(one.definition.version);
        throw Error(ErrorKind::NotFound, fmt::format("{} is not there", ref.to_string()))
            .with_hint(fmt::format("{} has the versions {}", environment.name, join(versions, ", ")));
    }
    FoundEnvironment found;
    found.kind = FoundEnvironment::Kind::Curated;
    found.definition = version->definition;
    found.path = environment.directory;
    found.label = environment.name + ":" + version->definition.version;
    if (version == &environment.latest()) found.labels = {"latest"};
    found.status = catalog::to_string(version->status);
    found.note = version->note;
    warn_of_status(found, bench);
    return found;
}

// Nothing where the repository does not give that name.
std::optional<FoundEnvironment> published(const NameRef& ref, const PublishedNames& names, const Workbench& bench) {
    const auto* entry = names.find(ref.name);
    if (entry == nullptr) return std::nullopt;
    if (const auto moved = names.book().renamed_to(ref.name))
        bench.reporter().warn(fmt::format("{} has been renamed to {}", ref.name, *moved));
    const auto wanted = ref.label.empty() ? "latest" : ref.label;
    const auto* version = ref.version.empty() ? names.labelled(*entry, wanted) : entry->find(ref.version);
    // All are archived: it can still be built, with the warning below.
    if (version == nullptr && ref.version.empty() && wanted == "latest") version = &entry->versions.back();
    if (version == nullptr) {
        std::vector<std::string> there;
        for (const auto& one : entry->versions) there.push_back(one.version);
        for (const auto& [label, unused] : entry->labels) there.push_back("@" + label);
        throw Error(ErrorKind::NotFound, fmt::format("{} has no {}", entry->name,
                                                     ref.version.empty() ? "@" + wanted : "version " + ref.version))
            .with_hint(fmt::format("it has {}", join(there, ", ")));
    }
    if (version->archived || entry->archived)
        bench.reporter().warn(fmt::format("{}:{} is archived", entry->name, version->version));
    FoundEnvironment found;
    found.kind = names.is_curated(*entry) ? FoundEnvironment::Kind::Curated : FoundEnvironment::Kind::Registered;
    found.path = names.open(*version);
    found.label = entry->name + ":" + version->version;
    try {
        found.definition = spec::read_definition(found.path).definition;
        // Whoever may register names is not thereby one who may read this machine's files.
        spec::check_self_contained(*found.definition, found.path, bench.env());
    } catch (const Error& error) {
        throw Error(error).with_context(fmt::format("{} as it was registered", found.label));
    }
    found.definition->name = entry->name;
    found.definition->version = version->version;
    found.definition->description = version->description;
    found.definition->tags = version->tags;
    for (const auto& [label, of] : entry->labels) {
        if (of == version->version) found.labels.push_back(label);
    }
    if (version == names.latest(*entry) && !entry->labels.contains("latest")) found.labels.emplace_back("latest");
    found.registered = *version;
    if (names.is_curated(*entry)) {
        found.status = curated_status(*version);
        const auto note = version->tags.find(std::string(kNoteTag));
        if (note != version->tags.end()) found.note = note->second;
        warn_of_status(found, bench);
    }
    return found;
}

FoundEnvironment on_disk(const std::string& word, const Workbench& bench) {
    FoundEnvironment found;
    found.label = word;
    found.path = word;
    const fs::path path(word);
    std::error_code ignored;
    if (word != "-" && fs::is_directory(path / "conda-meta", ignored)) {
        found.kind = FoundEnvironment::Kind::Prefix;
        found.folder = std::make_shared<TempDir>("prefix", bench.cache_folder("tmp"));
        found.path = found.folder->path();
        write_file_atomic(found.path / spec::kCondaFile, export_prefix(path));
        found.definition.emplace();
        found.definition->name = fs::absolute(path).lexically_normal().filename().string();
        found.definition->conda_file = spec::kCondaFile;
    } else if (word != "-" && spec::is_definition(path)) {
        auto read = spec::read_definition(path);
        found.warnings = std::move(read.warnings);
        for (const auto& login : read.logins) bench.learn_registry_login(login.address, login.user, login.password);
        found.kind = FoundEnvironment::Kind::Directory;
        found.definition = std::move(read.definition);
        found.path = read.directory;
    } else if (word != "-" && fs::is_directory(path)) {
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{} is a directory, and holds neither a definition ({}) nor a conda environment (conda-meta)",
                        word, spec::kDefinitionFile))
            .with_hint("a name that is also a folder's is written NAME:VERSION or NAME@latest");
    }
    return found;
}

bool is_there(const std::string& word) {
    std::error_code ignored;
    return fs::exists(word, ignored) || fs::is_symlink(word, ignored);
}

}  // namespace

Expected<NameRef> NameRef::parse(std::string_view text) {
    NameRef ref;
    const auto mark = text.find_first_of(":@");
    const auto rest = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
    auto name = spec::check_name(text.substr(0, mark));
    if (!name) return std::unexpected(name.error());
    ref.name = *name;
    if (mark == std::string_view::npos) return ref;
    if (rest.empty() || rest.find_first_of(":@/ \t") != std::string_view::npos) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("'{}': a name is followed by nothing, :VERSION or @LABEL", text));
    }
    (text[mark] == ':' ? ref.version : ref.label) = rest;
    return ref;
}

std::string NameRef::to_string() const {
    if (!version.empty()) return name + ":" + version;
    return label.empty() ? name : name + "@" + label;
}

bool is_path_word(const std::string& word) {
    return word == "-" || word.find('/') != std::string::npos || is_there(word) || has_file_ending(word);
}

bool has_file_ending(std::string_view word) {
    static constexpr std::array<std::string_view, 5> kEndings = {".yml", ".yaml", ".txt", ".json", ".toml"};
    return std::ranges::any_of(kEndings, [&](std::string_view ending) { return word.ends_with(ending); });
}

std::vector<std::string> known_names(const Workbench& bench) {
    std::vector<std::string> names;
    for (const auto& environment : curated_set(bench).environments) names.push_back(environment.name);
    const auto add = [&](const PublishedNames& published) {
        for (const auto* entry : published.entries()) names.push_back(entry->name);
    };
    try {
        if (const auto curated = PublishedNames::curated(bench)) add(*curated);
        add(PublishedNames::own(bench));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;  // what cannot be asked offers no names
    }
    return names;
}

FoundEnvironment find_environment(const std::string& word, const Workbench& bench, Warnings warnings) {
    if (is_path_word(word)) {
        auto found = on_disk(word, bench);
        if (warnings == Warnings::Told) {
            for (const auto& warning : found.warnings) bench.reporter().warn(warning.located_message());
        }
        return found;
    }
    const auto ref = value_or_throw(NameRef::parse(word));
    const bool reserved = catalog::ReservedPrefixes(bench.settings().reserved_prefixes).reserves(ref.name);
    if (reserved) {
        if (const auto names = PublishedNames::curated(bench)) {
            if (auto found = published(ref, *names, bench)) return std::move(*found);
        }
    }
    const auto set = curated_set(bench);
    if (const auto* environment = set.find(ref.name)) return curated(ref, *environment, bench);
    const auto broken = std::ranges::find(set.faults, ref.name, &catalog::CuratedFault::name);
    if (broken != set.faults.end()) throw Error(broken->error);
    // The team's own repository gives no curated names where these have one of their own.
    if (!reserved || bench.settings().curated_repository.empty()) {
        if (auto found = published(ref, PublishedNames::own(bench), bench)) return std::move(*found);
    }
    throw not_found(fmt::format("there is no environment '{}', neither a file nor a name", ref.to_string()), ref.name,
                    known_names(bench));
}

}  // namespace envbuild::build
