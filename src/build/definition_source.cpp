#include "build/definition_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "build/environment_facts.hpp"
#include "build/git_context.hpp"
#include "build/name_registry.hpp"
#include "catalog/base_images.hpp"
#include "spec/definition_check.hpp"
#include "spec/file_kind.hpp"
#include "spec/python_demand.hpp"

namespace envbuild::build {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileLimit = 100ULL << 20;

// A requirements file becomes a conda file that includes it: what pip gets is written in one place.
std::string conda_text_for(const fs::path& requirements, const std::string& python) {
    if (python.empty()) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is a requirements file, which does not say the Python", requirements.string()))
            .with_hint("say it with --python, such as --python 3.11");
    }
    return fmt::format("dependencies:\n  - {}\n  - pip\n  - pip:\n      - {}\n",
                       json_quote(value_or_throw(spec::python_spec(python))),
                       json_quote("-r " + requirements.filename().string()));
}

void take_file(DefinitionSource& source, const fs::path& file, const std::string& python) {
    const auto bytes = read_file(file, kFileLimit);
    const auto name = file.filename().string();
    source.directory = file.parent_path().empty() ? fs::path(".") : file.parent_path();
    const auto kind = spec::kind_of_text(bytes, name);
    if (kind == spec::FileKind::Requirements) {
        source.definition.conda_text = conda_text_for(file, python);
    } else {
        if (!python.empty()) {
            throw Error(ErrorKind::InvalidInput, fmt::format("{}: --python is for a requirements file", name))
                .with_hint("this file says itself which Python it wants: add python=" + python +
                           " to its dependencies");
        }
        source.definition.conda_file = name;
    }
}

void refuse_together(const DefinitionEdits& edits) {
    const int bases =
        (edits.intent.base.empty() ? 0 : 1) + (edits.dockerfile.empty() ? 0 : 1) + (edits.context.empty() ? 0 : 1);
    if (bases > 1) {
        throw Error(ErrorKind::InvalidInput,
                    "an image stands on one base: --image, --dockerfile and --context exclude each other");
    }
    if (bases == 0 && edits.intent.environment.empty()) {
        throw Error(
            ErrorKind::InvalidInput,
            "nothing to take: name a file, a directory, an environment or a conda prefix, or a base with --image, "
            "--dockerfile or --context");
    }
    if (!edits.intent.channels.empty())
        throw Error(ErrorKind::InvalidInput, "a definition has its channels in its conda file: write them there");
}

void apply(const DefinitionEdits& edits, DefinitionSource& source) {
    auto& definition = source.definition;
    const auto set = [](std::string& field, const std::string& edit) {
        if (!edit.empty()) field = edit;
    };
    if (!edits.intent.base.empty()) definition.base = {.image = edits.intent.base, .dockerfile = {}, .context = {}};
    if (!edits.dockerfile.empty())
        definition.base = {.image = {}, .dockerfile = read_file(edits.dockerfile, kFileLimit), .context = {}};
    if (!edits.context.empty()) {
        definition.base = {.image = {}, .dockerfile = {}, .context = edits.context};
        definition.base.context_dockerfile = edits.context_dockerfile;
    }
    set(definition.platform, edits.intent.platform);
    if (!edits.shm_size.empty()) definition.shm_size = value_or_throw(spec::check_shm_size(edits.shm_size));
    set(definition.gpu.cuda, edits.intent.cuda);
    set(definition.gpu.target_cuda, edits.intent.target_cuda);
    set(definition.gpu.target_cpu, edits.intent.target_cpu);
    definition.gpu.wanted = definition.gpu.wanted || edits.intent.gpu || !edits.intent.cuda.empty();
    for (const auto& [name, value] : edits.intent.variables) definition.variables[name] = value;
    if (edits.user_managed) {
        definition.user_managed = true;
        definition.conda_file.clear();
        definition.conda_text.clear();
    }
}

// Contexts are named relative to the definition's directory.
void place_context(const DefinitionEdits& edits, DefinitionSource& source) {
    if (edits.context.empty()) return;
    if (source.definition.base.context_is_git()) {
        source.definition.base.context = value_or_throw(spec::GitLocation::parse(edits.context)).to_string();
        return;
    }
    const auto context = fs::weakly_canonical(edits.context);
    if (source.directory.empty()) {
        source.directory = context.parent_path();
        source.definition.base.context = context.filename().string();
        return;
    }
    const auto relative = context.lexically_relative(fs::weakly_canonical(source.directory));
    if (relative.empty() || *relative.begin() == "..") {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("the build context {} is not below {}", edits.context, source.directory.string()))
            .with_hint("a definition is one directory: copy the context beside the conda file");
    }
    source.definition.base.context = relative.string();
}

// What is registered is read by all who may read the repository.
void check_credentials(const DefinitionSource& source, const Workbench& bench) {
    for (const auto& place : spec::literal_credentials(source.definition, source.directory)) {
        const auto where = place.line > 0 ? fmt::format("{}:{}", place.file, place.line) : place.file;
        if (!place.read_by_envbuild) {
            bench.reporter().warn(
                fmt::format("{} holds a credential, which everybody who reads the repository will see", where));
            continue;
        }
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{}: a URL holds a credential, which everybody who reads the repository would see", where))
            .with_hint("write ${VAR} in its place: each who builds it sets that variable");
    }
}

void unpack(const fs::path& archive, const fs::path& directory) {
    fs::create_directory(directory);
    unpack_definition(*oci::file_source(archive)->open(), directory);
}

void set_labels(NameRegistry& names, const Registration& registration, const Registered& done) {
    for (const auto& label : registration.labels) {
        catalog::Claim said;
        said.kind = catalog::ClaimKind::Label;
        said.name = done.name;
        said.version = done.version;
        said.target = label;
        const auto failed =
            fmt::format("{}:{} is registered, and the label {} is not set", done.name, done.version, label);
        try {
            const auto written = names.write(said);
            if (!written.outcome.refused.empty()) throw Error(ErrorKind::InvalidInput, written.outcome.refused);
        } catch (const Error& error) {
            throw Error(error).with_context(failed);
        }
    }
}

}  // namespace

DefinitionSource definition_source(const DefinitionEdits& edits, const Workbench& bench) {
    refuse_together(edits);
    DefinitionSource source;
    const auto& word = edits.intent.environment;
    if (word == "-") {
        throw Error(ErrorKind::InvalidInput, "a definition has files beside it, so it is not read from standard input")
            .with_hint("write it to a file first");
    }
    if (word.empty()) {
        source.definition.user_managed = true;
        source.label = !edits.intent.base.empty() ? edits.intent.base : edits.context + edits.dockerfile;
    } else {
        auto found = find_environment(word, bench);
        source.label = found.label;
        source.folder = found.folder;
        source.registered = found.registered;
        if (found.definition) {
            source.definition = std::move(*found.definition);
            source.directory = found.path;
        } else {
            take_file(source, found.path, edits.intent.python);
        }
    }
    apply(edits, source);
    place_context(edits, source);
    if (source.directory.empty()) source.directory = ".";
    check_options(edits.intent, source.definition, bench);
    return source;
}

void save(const DefinitionSource& source, const fs::path& target, bool overwrite, const CancelToken& cancel) {
    spec::save_definition(source.definition, source.directory, target, overwrite, cancel);
}

namespace {

// Versions never change: one that nobody can build must not come to be. A commit that this host cannot fetch may be
// there for those who build.
void check_buildable(const OwnContext& context, const Workbench& bench) {
    try {
        static_cast<void>(context.files(bench));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::InvalidInput || error.kind() == ErrorKind::NotFound ||
            error.kind() == ErrorKind::Cancelled)
            throw;
        bench.reporter().warn(fmt::format("the build context was not looked into: {}", error.message()));
    }
}

}  // namespace

Registered register_definition(const DefinitionSource& source, const Registration& registration,
                               const Workbench& bench) {
    return register_definition(source, registration, *bench.repository(), bench);
}

Registered register_definition(const DefinitionSource& source, const Registration& registration,
                               cache::ImageRepository& repository, const Workbench& bench) {
    for (const auto& label : registration.labels) (void)value_or_throw(catalog::check_label(label));
    check_credentials(source, bench);
    auto definition = source.definition;
    definition.name = value_or_throw(spec::check_name(registration.name));
    definition.version.clear();

    const TempDir folder("register", bench.cache_folder("tmp"));
    const auto directory = folder.path() / "definition";
    // A version stays what it is, wherever the branch moves.
    if (auto& base = definition.base; base.context_is_git()) {
        base.context = pin(value_or_throw(spec::GitLocation::parse(base.context)), bench).to_string();
    }
    spec::save_definition(definition, source.directory, directory, false, bench.cancel());
    // The hash is that of what everybody else will read: the archive, unpacked.
    const auto archive = folder.path() / "definition.tar";
    const auto content = pack_definition(directory, archive);
    const auto unpacked = folder.path() / "unpacked";
    unpack(archive, unpacked);
    spec::check_self_contained(spec::read_definition(unpacked).definition, unpacked, bench.env());
    if (const auto& base = definition.base; base.context_is_git()) {
        const auto location = value_or_throw(spec::GitLocation::parse(base.context));
        check_buildable(git_context(location, base.context_dockerfile, bench), bench);
    }
    // Its warnings were given when it was read where the user has it.
    const IntentOptions options{.environment = unpacked.string()};
    const auto intent = make_intent(find_environment(options.environment, bench), options, bench);

    catalog::Claim claim;
    claim.kind = catalog::ClaimKind::Register;
    claim.name = registration.name;
    claim.version = registration.version;
    claim.description = registration.description.empty() ? definition.description : registration.description;
    claim.tags = definition.tags;
    for (const auto& [key, value] : registration.tags) claim.tags[key] = value;
    const auto catalog = catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated");
    claim.facts = to_json(environment_facts(intent.spec(), catalog.cuda()));
    claim.content = content;

    NameRegistry names(repository, bench);
    const auto written = names.write(claim, archive);
    Registered result{registration.name, written.outcome.version, intent.hash.hex(), written.new_version};
    set_labels(names, registration, result);
    return result;
}

}  // namespace envbuild::build
