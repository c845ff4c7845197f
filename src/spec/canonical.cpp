// The canonical form and the hash of an intent: docs/hash.md, rule by rule.
#include <algorithm>
#include <set>

#include "spec/environment_spec.hpp"

namespace envbuild::spec {

namespace {

// Absent and empty parts are left out, so that a part added to a later version changes no hash that exists.
void set_if(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object.set(key, value);
}

void set_if(Json& object, const char* key, bool value) {
    if (value) object.set(key, true);
}

void set_list(Json& object, const char* key, const std::vector<std::string>& list) {
    if (!list.empty()) object.set(key, Json(list));
}

void set_set(Json& object, const char* key, const std::set<std::string>& values) {
    set_list(object, key, {values.begin(), values.end()});
}

Json gpu_json(const GpuAsk& gpu) {
    Json out = Json::object();
    set_if(out, "wanted", gpu.wanted);
    set_if(out, "cuda", gpu.cuda);
    set_if(out, "target_cuda", gpu.target_cuda);
    set_if(out, "target_cpu", gpu.target_cpu);
    return out;
}

Json indexes_json(const pypi::IndexOptions& indexes) {
    Json out = Json::object();
    set_list(out, "urls", indexes.index_urls);
    set_list(out, "find_links", indexes.find_links);
    set_if(out, "no_index", indexes.no_index);
    set_if(out, "pre", indexes.pre);
    set_if(out, "prefer_binary", indexes.prefer_binary);
    set_if(out, "require_hashes", indexes.require_hashes);
    set_set(out, "no_binary", {indexes.no_binary.begin(), indexes.no_binary.end()});
    set_set(out, "only_binary", {indexes.only_binary.begin(), indexes.only_binary.end()});
    return out;
}

}  // namespace

Json EnvironmentSpec::canonical() const {
    Json out = Json::object();
    out.set("kind", "envbuild.spec");
    out.set("v", 1);
    out.set("platform", platform.to_string());
    set_if(out, "base", base_image);
    if (own_base) {
        out.set("own_base",
                Json::object().set("context", own_base->context_digest).set("dockerfile", own_base->dockerfile));
    }
    set_if(out, "user_managed", user_managed);
    if (const Json ask = gpu_json(gpu); !ask.as_object().empty()) out.set("gpu", ask);

    std::set<std::string> specs;
    for (const auto& spec : conda) specs.insert(spec.canonical(spec.channel()));
    set_set(out, "conda", specs);
    std::set<std::string> pinned;
    for (const auto& pin : pins) pinned.insert(pin.spec.canonical(pin.spec.channel()));
    set_set(out, "pins", pinned);
    std::vector<std::string> urls;
    for (const auto& channel : channels) urls.push_back(channel.url().to_string());
    set_list(out, "channels", urls);
    set_if(out, "channel_priority", channel_priority);
    if (!overrides.empty()) {
        Json packages = Json::object();
        for (const auto& [package, version] : overrides) packages.set(package, version);
        out.set("virtual", std::move(packages));
    }

    std::set<std::string> lines;
    std::set<std::pair<std::string, std::string>> sources;
    for (const auto& line : pip) {
        lines.insert(line.canonical());
        if (!line.source_digest.empty()) sources.emplace(line.path, line.source_digest);
    }
    if (!lines.empty()) {
        set_set(out, "pip", lines);
        set_set(out, "pip_constraints", {pip_constraints.begin(), pip_constraints.end()});
        Json digests = Json::object();
        for (const auto& [path, digest] : sources) digests.set(path, digest);
        if (!sources.empty()) out.set("sources", std::move(digests));
        if (const Json where = indexes_json(indexes); !where.as_object().empty()) out.set("indexes", where);
    }
    Json values = Json::object();
    for (const auto& [key, value] : variables) values.set(key, value);
    if (!variables.empty()) out.set("variables", std::move(values));
    set_list(out, "steps", extra_steps);
    set_if(out, "templates", template_digest);
    return out;
}

SpecHash EnvironmentSpec::hash() const {
    return SpecHash(sha256(canonical().canonical()));
}

bool EnvironmentSpec::asks_for(std::string_view conda_name) const {
    return std::ranges::any_of(conda, [conda_name](const auto& spec) { return spec.name() == conda_name; });
}

Expected<SpecHash> SpecHash::parse(std::string_view hex) {
    auto digest = Digest::from_hex(hex);
    if (!digest) return fail(ErrorKind::InvalidInput, "a spec hash is 64 hexadecimal digits");
    return SpecHash(*digest);
}

}  // namespace envbuild::spec
