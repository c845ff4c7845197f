#include "build/environment_view.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "catalog/base_images.hpp"
#include "spec/literal_credential.hpp"

namespace envbuild::build {

namespace {

std::string_view kind_name(FoundEnvironment::Kind kind) {
    switch (kind) {
        case FoundEnvironment::Kind::File:
            return "file";
        case FoundEnvironment::Kind::Directory:
            return "directory";
        case FoundEnvironment::Kind::Prefix:
            return "prefix";
        case FoundEnvironment::Kind::Curated:
            return "curated";
        case FoundEnvironment::Kind::Registered:
            return "registered";
    }
    return "";
}

std::string conda_text_of(const FoundEnvironment& found) {
    if (!found.definition) return found.path == "-" ? "" : read_file(found.path);
    const auto part = spec::conda_part(*found.definition, found.path);
    return part ? part->bytes : "";
}

// get_image_details of Azure ML's SDK: image_exist is null where the registry could not be asked.
Json image_details(const EnvironmentView& view) {
    Json json = Json::object();
    const auto* hit = view.built ? std::get_if<cache::Hit>(&*view.built) : nullptr;
    const auto* unknown = view.built ? std::get_if<cache::Unknown>(&*view.built) : nullptr;
    json.set("image_exist", view.built && unknown == nullptr ? Json(hit != nullptr) : Json());
    json.set("error", unknown != nullptr ? Json(unknown->error.to_string()) : Json());
    if (hit != nullptr) {
        const auto at = hit->image.find('@');
        const auto repository = hit->image.substr(0, at);
        const auto slash = repository.find('/');
        const bool layout = repository.starts_with("oci:");
        json.set("registry", layout ? repository : repository.substr(0, slash));
        json.set("repository", layout ? Json() : Json(repository.substr(slash + 1)));
        json.set("image", hit->image).set("digest", hit->descriptor.digest.to_string());
        json.set("lock_hash", hit->lock_hash.hex());
    }
    const bool managed = view.found.definition && view.found.definition->user_managed;
    json.set("interpreter_path", managed ? view.found.definition->interpreter : "/opt/env/bin/python");
    json.set("environment_path", managed ? Json() : Json("/opt/env"));
    return json;
}

}  // namespace

EnvironmentView view_environment(const IntentOptions& options, const Workbench& bench) {
    EnvironmentView view;
    view.found = find_environment(options.environment, bench);
    try {
        view.conda_text = conda_text_of(view.found);
        view.intent = make_intent(view.found, options, bench);
        const auto catalog = catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated");
        view.facts = environment_facts(view.intent->spec(), catalog.cuda());
        const auto repository = bench.repository();
        view.built = cache::lookup(*repository, value_or_throw(Digest::from_hex(view.intent->hash.hex())));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        view.fault = error;
    }
    return view;
}

Json EnvironmentView::to_json() const {
    Json json = Json::object();
    const auto* definition = found.definition ? &*found.definition : nullptr;
    json.set("kind", kind_name(found.kind)).set("label", found.label);
    json.set("name", definition != nullptr ? definition->name : intent ? intent->spec().name : "");
    json.set("version", definition == nullptr || definition->version.empty() ? Json() : Json(definition->version));
    json.set("labels", Json(found.labels));
    json.set("description", definition != nullptr ? definition->description : "");
    Json tags = Json::object();
    if (definition != nullptr) {
        for (const auto& [key, value] : definition->tags) tags.set(key, value);
    }
    json.set("tags", std::move(tags));
    json.set("status", found.status.empty() ? Json() : Json(found.status));
    json.set("note", found.note.empty() ? Json() : Json(found.note));
    json.set("definition", definition != nullptr ? spec::to_json(*definition) : Json());
    json.set("conda_dependencies", conda_text.empty() ? Json() : Json(spec::without_literal_credentials(conda_text)));
    json.set("base_dockerfile", definition == nullptr || definition->base.dockerfile.empty()
                                    ? Json()
                                    : Json(spec::without_literal_credentials(definition->base.dockerfile)));
    json.set("facts", build::to_json(facts));
    json.set("spec_hash", intent ? Json(intent->hash.hex()) : Json());
    json.set("image_details", image_details(*this));
    json.set("error", fault ? Json(fault->to_string()) : Json());
    return json;
}

std::string EnvironmentView::to_text() const {
    std::string text = found.label;
    if (!found.labels.empty()) text += " (" + join(found.labels, ", ") + ")";
    text += "\n";
    const auto line = [&](std::string_view title, const std::string& value) {
        if (!value.empty()) text += fmt::format("  {:<12} {}\n", title, replace_all(value, "\n", "\n               "));
    };
    if (found.definition) {
        const auto& definition = *found.definition;
        line("description", definition.description);
        line("status", found.status.empty() || found.status == "current" ? "" : found.status + ": " + found.note);
        for (const auto& [key, value] : definition.tags) line("tag", key + "=" + value);
        line("base", definition.base.image);
        line("Dockerfile", definition.base.dockerfile.empty() ? "" : "an own one (--json shows it)");
        line("context", definition.base.context);
        line("installs", definition.user_managed ? "nothing: the base is the image" : "");
    }
    if (intent) {
        const auto& spec = intent->spec();
        line("platform", spec.platform.to_string());
        line("gpu", spec.gpu.wanted ? facts.cuda.empty() ? "yes" : "CUDA " + facts.cuda : "");
        std::vector<std::string> channels, conda, pip;
        for (const auto& channel : spec.channels) channels.push_back(channel.name());
        for (const auto& asked : spec.conda) conda.push_back(asked.canonical(""));
        for (const auto& asked : spec.pip) pip.push_back(asked.canonical());
        line("channels", join(channels, ", "));
        line("conda", join(conda, "\n"));
        line("pip", join(pip, "\n"));
        for (const auto& [name, value] : spec.variables) line("variable", name + "=" + value);
        line("spec hash", intent->hash.hex());
    }
    if (built) {
        if (const auto* hit = std::get_if<cache::Hit>(&*built)) {
            line("image", hit->image);
        } else {
            line("image",
                 std::holds_alternative<cache::Miss>(*built) ? "not built" : "unknown: the registry did not answer");
        }
    }
    if (fault) line("error", fault->message());
    text.pop_back();
    return text;
}

}  // namespace envbuild::build
