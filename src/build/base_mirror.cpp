#include "build/base_mirror.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "build/image_places.hpp"
#include "cache/lookup.hpp"
#include "oci/image_index.hpp"
#include "registry/hosts.hpp"

namespace envbuild::build {

namespace {

constexpr std::size_t kThreads = 4;
constexpr std::string_view kPlaceholder = "{registry}";

// A registry as a part of a path, which takes no port.
std::string path_name(const std::string& domain) {
    return replace_all(replace_all(replace_all(domain, ":", "-"), "[", ""), "]", "");
}

std::string target_prefix(const MirrorRequest& request, const oci::Repository& source, const Settings& settings) {
    auto prefix = request.to;
    if (prefix.empty()) {
        const auto mirrors = settings.registry_mirrors.find(source.domain());
        if (mirrors != settings.registry_mirrors.end() && !mirrors->second.empty()) {
            const auto mirror = registry::parse_mirror(mirrors->second.front());
            prefix = mirror.prefix.empty() ? mirror.domain : mirror.domain + "/" + mirror.prefix;
        } else if (!settings.registry.empty() && !settings.registry.starts_with("oci:")) {
            prefix = settings.registry + "/bases/" + std::string(kPlaceholder);
        } else {
            throw Error(ErrorKind::InvalidInput, "there is no registry to copy to")
                .with_hint("say where with --to registry.lab:5000/mirror, or set `registry` or `registry_mirrors`");
        }
    }
    prefix = replace_all(prefix, kPlaceholder, path_name(source.domain()));
    while (prefix.ends_with('/')) prefix.pop_back();
    return prefix;
}

struct Item {
    oci::Reference name;
    std::string prefix;
    oci::Repository target;
};

// One prefix for two registries would let docker.io/team/x and quay.io/team/x take each other's place.
void check_apart(const std::vector<Item>& items) {
    std::map<std::string, std::string> owners;
    for (const auto& item : items) {
        const auto& domain = item.name.repository().domain();
        const auto [owner, first] = owners.emplace(item.prefix, domain);
        if (first || owner->second == domain) continue;
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("images of {} and of {} would share the place {}, where one could be taken for the other",
                        owner->second, domain, item.prefix))
            .with_hint(fmt::format("write --to {}/{}, which gives each registry a place of its own", item.prefix,
                                   kPlaceholder));
    }
}

std::vector<Item> items_of(const MirrorRequest& request, const Settings& settings) {
    std::vector<Item> items;
    std::set<std::string> seen;
    for (const auto& image : request.images) {
        auto name = value_or_throw(oci::Reference::parse(image));
        if (!name.tag() && !name.digest()) name = name.with_tag("latest");
        if (!seen.insert(name.to_string()).second) continue;
        auto prefix = target_prefix(request, name.repository(), settings);
        auto target = oci::Repository::parse(fmt::format("{}/{}", prefix, name.repository().path()));
        // "mirror/hub" is a name on Docker Hub, not a host.
        if (!target || target->domain() != prefix.substr(0, prefix.find('/'))) {
            throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is no place for images: {}", prefix,
                                                             target ? "it names no host" : target.error().message()))
                .with_hint("write --to registry.lab:5000/mirror, with a dot or a port in the host");
        }
        items.push_back({std::move(name), std::move(prefix), std::move(*target)});
    }
    check_apart(items);
    return items;
}

// Keeps what earlier images of this run put where, so that a layer is mounted and not sent again.
class Copier {
  public:
    Copier(const MirrorRequest& request, const Workbench& bench) : request_(request), bench_(bench) {}

    void copy(const Item& item, MirroredImage& result) {
        const auto target = cache::registry_repository(bench_.registries(), item.target);
        const auto [source, raw] = find(item, *target);
        result.from = source->name();
        result.source_digest = raw.descriptor.digest;
        result.moved = moved(item, raw, source->name());
        auto bytes = raw.bytes;
        auto type = raw.descriptor.media_type;
        if (oci::is_index_type(type)) {
            const auto index = value_or_throw(oci::ImageIndex::parse(raw.bytes));
            const auto chosen = chosen_of(index, item, *target);
            for (const auto& manifest : chosen) copy_manifest(manifest, *source, *target, item.target, result);
            if (chosen.size() != index.manifests.size()) {
                auto part = index;
                part.manifests = chosen;
                bytes = part.to_bytes();
            }
        } else {
            copy_blobs(raw, *source, *target, item.target, result);
            result.manifests.push_back(raw.descriptor.digest);
        }
        result.digest = sha256(bytes);
        put(*target, bytes, type, item.name.tag(), result);
        verify(item, *target, result);
    }

  private:
    using Repository = cache::ImageRepository;

    std::pair<std::unique_ptr<Repository>, oci::RawManifest> find(const Item& item, const Repository& target) const {
        using Found = std::optional<std::pair<std::unique_ptr<Repository>, oci::RawManifest>>;
        AskedPlaces asked;
        auto found = ask_places(item.name.repository(), bench_, asked, [&](const oci::Repository& place) -> Found {
            if (place.to_string() == target.name()) return std::nullopt;
            auto source = cache::registry_repository(bench_.registries(), place);
            auto raw = source->get_manifest(item.name.identifier());
            if (!raw) return std::nullopt;
            return std::pair(std::move(source), std::move(*raw));
        });
        if (found) return std::move(*found);
        auto& failure = asked.failure;
        std::erase(asked.names, target.name());
        // A vendor that deleted the tag does not take away what the mirror has.
        if (failure) throw std::move(*failure).with_context("looking for " + item.name.familiar());
        const bool kept = target.get_manifest(item.name.identifier()).has_value();
        throw Error(ErrorKind::NotFound,
                    fmt::format("there is no image {} (asked: {}){}", item.name.familiar(), join(asked.names, ", "),
                                kept ? "; the mirror has it, and keeps it" : ""));
    }

    // What a mirror has may be a part of the vendor's index, so that only the vendor's answer tells.
    [[nodiscard]] std::string moved(const Item& item, const oci::RawManifest& raw, const std::string& source) const {
        if (request_.catalog == nullptr || item.name.digest() || source != item.name.repository().to_string())
            return "";
        const auto* entry = request_.catalog->find(item.name.to_string());
        return entry == nullptr ? "" : moved_since(*entry, raw).value_or("");
    }

    // The platforms that are asked, and those that the mirror holds of the same index.
    std::vector<oci::Descriptor> chosen_of(const oci::ImageIndex& index, const Item& item,
                                           const Repository& target) const {
        // A part of it would have another digest than the one that was asked for.
        if (request_.all_platforms || item.name.digest()) return index.manifests;
        std::set<Digest> wanted;
        for (const auto& platform : request_.platforms) {
            const oci::OciPlatform one{platform.oci_os(), platform.oci_architecture(), ""};
            const auto* found = index.find(one);
            if (found == nullptr) {
                throw Error(ErrorKind::NotFound,
                            fmt::format("{} is not there for {}/{}", item.name.familiar(), one.os, one.architecture))
                    .with_hint("name another platform with --platform, or take them all with --all-platforms");
            }
            wanted.insert(found->digest);
        }
        const auto there = target.get_manifest(item.name.identifier());
        if (there && oci::is_index_type(there->descriptor.media_type)) {
            if (const auto before = oci::ImageIndex::parse(there->bytes)) {
                for (const auto& manifest : before->manifests) wanted.insert(manifest.digest);
            }
        }
        std::vector<oci::Descriptor> chosen;
        for (const auto& manifest : index.manifests) {
            if (wanted.contains(manifest.digest)) chosen.push_back(manifest);
        }
        return chosen;
    }

    void copy_manifest(const oci::Descriptor& descriptor, const Repository& source, Repository& target,
                       const oci::Repository& target_name, MirroredImage& result) {
        const auto identifier = descriptor.digest.to_string();
        const auto raw = source.get_manifest(identifier);
        if (!raw)
            throw Error(ErrorKind::NotFound,
                        fmt::format("{} names the manifest {}, which is not there", source.name(), identifier));
        copy_blobs(*raw, source, target, target_name, result);
        put(target, raw->bytes, raw->descriptor.media_type, std::nullopt, result);
        result.manifests.push_back(descriptor.digest);
    }

    void copy_blobs(const oci::RawManifest& raw, const Repository& source, Repository& target,
                    const oci::Repository& target_name, MirroredImage& result) {
        const auto blobs = value_or_throw(oci::Manifest::parse(raw.bytes)).blobs();
        std::uint64_t total = 0;
        for (const auto& blob : blobs) total += blob.size;
        const auto progress = bench_.reporter().start("Copying " + result.image, Reporter::Unit::Bytes, total);
        std::vector<char> present(blobs.size());
        const auto source_name = value_or_throw(oci::Repository::parse(source.name()));
        parallel_for(blobs.size(), kThreads, [&](std::size_t i) {
            present[i] = target.has_blob(blobs[i]) ? 1 : 0;
            if (present[i] != 0) {
                progress->advance(blobs[i].size);
                return;
            }
            const auto placed = placed_.find(blobs[i].digest);
            const auto& origin =
                source_name.domain() == target_name.domain() || placed == placed_.end() ? source_name : placed->second;
            target.put_blob(blobs[i], *cache::repository_source(source, blobs[i]), origin, progress.get());
        });
        for (std::size_t i = 0; i < blobs.size(); ++i) {
            placed_.emplace(blobs[i].digest, target_name);
            (present[i] != 0 ? result.present_bytes : result.copied_bytes) += blobs[i].size;
            ++(present[i] != 0 ? result.present_blobs : result.copied_blobs);
            if (present[i] == 0) result.changed = true;
        }
    }

    static void put(Repository& target, const std::string& bytes, const std::string& type,
                    const std::optional<std::string>& tag, MirroredImage& result) {
        const auto digest = sha256(bytes);
        const auto there = target.get_manifest(tag ? *tag : digest.to_string());
        if (there && there->descriptor.digest == digest) return;
        target.put_manifest(bytes, type, tag);
        result.changed = true;
    }

    // Reads back what was written: names, manifests, and that every blob is there.
    static void verify(const Item& item, const Repository& target, const MirroredImage& result) {
        const auto identifier = item.name.tag() ? *item.name.tag() : result.digest.to_string();
        const auto check = [&](const std::string& asked, const Digest& expected) {
            const auto raw = target.get_manifest(asked);
            if (raw && raw->descriptor.digest == expected) return;
            throw Error(ErrorKind::Corrupt,
                        fmt::format("{} answers for {} with {}, not {}", target.name(), asked,
                                    raw ? raw->descriptor.digest.to_string() : "nothing", expected.to_string()))
                .with_hint("somebody else may have written that tag at the same time: run it again");
        };
        check(identifier, result.digest);
        for (const auto& manifest : result.manifests) {
            check(manifest.to_string(), manifest);
            oci::Descriptor descriptor;
            descriptor.digest = manifest;
            const auto missing = cache::missing_blobs(target, descriptor);
            if (!missing.empty()) {
                throw Error(ErrorKind::Corrupt, fmt::format("{} lacks {} of {} after it was copied", target.name(),
                                                            missing.front().digest.to_string(), item.name.familiar()));
            }
        }
    }

    const MirrorRequest& request_;
    const Workbench& bench_;
    std::map<Digest, oci::Repository> placed_;
};

}  // namespace

std::optional<std::string> moved_since(const catalog::BaseImageEntry& entry, const oci::RawManifest& at_registry) {
    const auto known = Digest::parse(entry.digest);
    if (!known || at_registry.descriptor.digest == *known) return std::nullopt;
    // The catalogue may know the tag by one platform's manifest.
    if (oci::is_index_type(at_registry.descriptor.media_type)) {
        const auto index = oci::ImageIndex::parse(at_registry.bytes);
        if (index && std::ranges::any_of(index->manifests, [&](const auto& one) { return one.digest == *known; }))
            return std::nullopt;
    }
    return fmt::format("the tag {} has moved: it is {} now, and was {} when the catalogue was written ({})",
                       entry.image, at_registry.descriptor.digest.to_string(), entry.digest,
                       entry.digest_source.empty() ? entry.date : entry.digest_source);
}

MirrorReport mirror_images(const MirrorRequest& request, const Workbench& bench) {
    const auto items = items_of(request, bench.settings());
    MirrorReport report;
    Copier copier(request, bench);
    for (const auto& item : items) {
        MirroredImage result;
        result.image = item.name.to_string();
        auto to = oci::Reference(item.target);
        if (item.name.tag()) to = to.with_tag(*item.name.tag());
        result.to = to.to_string();
        try {
            copier.copy(item, result);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            result.error = error;
        }
        auto& mirrors = report.settings[item.name.repository().domain()];
        if (std::ranges::find(mirrors, item.prefix) == mirrors.end()) mirrors.push_back(item.prefix);
        report.images.push_back(std::move(result));
    }
    return report;
}

std::optional<std::uint64_t> download_size(const std::string& image, const conda::Platform& platform,
                                           const Workbench& bench) {
    const auto name = value_or_throw(oci::Reference::parse(image));
    const oci::OciPlatform wanted{platform.oci_os(), platform.oci_architecture(), ""};
    AskedPlaces asked;
    const auto size_at = [&](const oci::Repository& place) -> std::optional<std::uint64_t> {
        try {
            const auto found =
                cache::fetch_image(*cache::registry_repository(bench.registries(), place), name.identifier(), wanted);
            if (!found) return std::nullopt;
            std::uint64_t size = 0;
            for (const auto& layer : found->manifest.layers) size += layer.size;
            return size;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            bench.reporter().debug(fmt::format("{}: {}", place.to_string(), error.message()));
            return std::nullopt;
        }
    };
    return ask_places(name.repository(), bench, asked, size_at);
}

std::string MirrorReport::settings_line() const {
    std::vector<std::string> pairs;
    for (const auto& [domain, mirrors] : settings) pairs.push_back(fmt::format("{}: {}", domain, mirrors.front()));
    return fmt::format("registry_mirrors: {{{}}}", join(pairs, ", "));
}

Json MirrorReport::to_json() const {
    Json list = Json::array();
    for (const auto& image : images) {
        Json json = Json::object();
        json.set("image", image.image)
            .set("to", image.to)
            .set("status", image.error     ? "failed"
                           : image.changed ? "copied"
                                           : "there");
        if (image.error) {
            json.set("error", image.error->to_string());
        } else {
            std::vector<std::string> manifests;
            for (const auto& digest : image.manifests) manifests.push_back(digest.to_string());
            json.set("from", image.from)
                .set("digest", image.digest.to_string())
                .set("source_digest", image.source_digest.to_string())
                .set("moved", image.moved.empty() ? Json() : Json(image.moved))
                .set("manifests", manifests)
                .set("copied_bytes", image.copied_bytes)
                .set("copied_blobs", image.copied_blobs)
                .set("present_bytes", image.present_bytes)
                .set("present_blobs", image.present_blobs);
        }
        list.push(std::move(json));
    }
    Json mirrors = Json::object();
    for (const auto& [domain, places] : settings) mirrors.set(domain, places);
    return Json::object().set("images", list).set("registry_mirrors", mirrors);
}

}  // namespace envbuild::build
