#include "cache/publish.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/failpoint.hpp"
#include "base/parallel.hpp"
#include "cache/pointer.hpp"

namespace envbuild::cache {

namespace {

// The hit, nothing for a miss (whose warning is passed on); what is unknown is thrown: nothing is decided on it.
std::optional<Hit> hit_or_throw(LookupResult result, Reporter& reporter) {
    if (auto* unknown = std::get_if<Unknown>(&result)) throw std::move(unknown->error);
    if (auto* hit = std::get_if<Hit>(&result)) return std::move(*hit);
    if (const auto& warning = std::get<Miss>(result).warning; !warning.empty()) reporter.warn(warning);
    return std::nullopt;
}

oci::Manifest make_manifest(const PublishRequest& request) {
    oci::Manifest manifest;
    manifest.config = request.config.descriptor();
    for (const auto& layer : request.layers) {
        oci::Descriptor descriptor = layer.descriptor;
        // What another image's author noted at a base layer is no fact of this image, and would change its digest.
        descriptor.annotations.clear();
        descriptor.platform.reset();
        manifest.layers.push_back(std::move(descriptor));
    }
    manifest.annotations = request.annotations;
    manifest.annotations[std::string(kLockHashAnnotation)] = request.lock_hash.hex();
    return manifest;
}

void check(const PublishRequest& request) {
    if (request.config.diff_ids().size() != request.layers.size()) {
        throw Error(ErrorKind::Bug, fmt::format("an image with {} layers and {} diff_ids was to be published",
                                                request.layers.size(), request.config.diff_ids().size()));
    }
    if (request.annotations.contains(std::string(kSpecHashAnnotation))) {
        throw Error(ErrorKind::Bug, "an image must not carry a spec hash: many specs may share it");
    }
    check_tags(request.tags);
}

void put_blobs(ImageRepository& repository, const PublishRequest& request, Reporter& reporter) {
    std::vector<const PublishLayer*> layers;
    std::set<Digest> seen;
    std::uint64_t total = request.config.bytes().size();
    for (const auto& layer : request.layers) {
        if (!seen.insert(layer.descriptor.digest).second) continue;
        layers.push_back(&layer);
        total += layer.descriptor.size;
    }
    const auto progress = reporter.start("Publishing layers", Reporter::Unit::Bytes, total);
    parallel_for(layers.size(), std::max<std::size_t>(1, request.parallel), [&](std::size_t i) {
        const auto& layer = *layers[i];
        repository.put_blob(layer.descriptor, *layer.content, layer.origin, progress.get());
    });
    failpoint("publish.before_config");
    repository.put_blob(request.config.descriptor(), *oci::bytes_source(request.config.bytes()), std::nullopt,
                        progress.get());
}

// Docker picks an index's manifest by its platform, so the pointer says it.
oci::Descriptor with_platform(const ImageRepository& repository, oci::Descriptor image) {
    if (image.platform) return image;
    const auto raw = repository.get_manifest(image.digest.to_string());
    if (!raw)
        throw Error(ErrorKind::NotFound,
                    fmt::format("{} has no manifest {}", repository.name(), image.digest.to_string()));
    const auto manifest = value_or_throw(oci::Manifest::parse(raw->bytes));
    const auto config =
        oci::ImageConfig::parse(oci::read_all(*repository.open_blob(manifest.config), oci::kManifestLimit));
    image.platform = value_or_throw(config).platform();
    return image;
}

}  // namespace

Published publish(ImageRepository& repository, const PublishRequest& request, Reporter& reporter) {
    check(request);
    put_blobs(repository, request, reporter);

    const std::string bytes = make_manifest(request).to_bytes();
    failpoint("publish.before_manifest");
    oci::Descriptor image = repository.put_manifest(bytes, oci::media_type::kManifest, std::nullopt);
    image.platform = request.config.platform();
    image.annotations = make_manifest(request).annotations;

    Published result{Hit{repository.image_reference(image.digest), request.lock_hash, image}, true};
    const auto existing = request.policy == MovePolicy::Rebuild
                              ? std::nullopt
                              : hit_or_throw(lookup_lock(repository, request.lock_hash, Check::EveryBlob), reporter);
    if (existing && existing->descriptor.digest != image.digest) {
        result = {*existing, false};
    } else {
        failpoint("publish.before_lock_tag");
        repository.put_manifest(bytes, oci::media_type::kManifest, lock_tag(request.lock_hash));
    }
    if (request.spec_hash) {
        const auto pointed = point(repository, *request.spec_hash, result.answer, request.policy, reporter);
        result = {pointed.answer, result.ours && pointed.answer.descriptor.digest == image.digest};
    }
    put_tags(repository, request.tags, result.answer);
    return result;
}

void check_tags(const std::vector<std::string>& tags) {
    for (const auto& tag : tags) {
        if (!oci::is_valid_tag(tag))
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("'{}' is not a tag: letters, digits, '_', '.' and '-', at most 128", tag));
        for (const std::string_view own : {"spec-", "lock-", "base-", "n-"}) {
            if (!tag.starts_with(own)) continue;
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("'{}': tags that begin with spec-, lock-, base- or n- are envbuild's own", tag));
        }
    }
}

void put_tags(ImageRepository& repository, const std::vector<std::string>& tags, const Hit& image) {
    check_tags(tags);
    if (tags.empty()) return;
    const auto raw = repository.get_manifest(image.descriptor.digest.to_string());
    if (!raw)
        throw Error(ErrorKind::NotFound,
                    fmt::format("{} has no manifest {}", repository.name(), image.descriptor.digest.to_string()));
    for (const auto& tag : tags) repository.put_manifest(raw->bytes, raw->descriptor.media_type, tag);
}

Published point(ImageRepository& repository, const Digest& spec_hash, const Hit& image, MovePolicy policy,
                Reporter& reporter) {
    const Pointer pointer{spec_hash, image.lock_hash, with_platform(repository, image.descriptor)};
    if (policy == MovePolicy::Keep) {
        auto existing = hit_or_throw(lookup(repository, spec_hash, Check::EveryBlob), reporter);
        if (existing) return {std::move(*existing), false};
    }
    failpoint("publish.before_pointer");
    repository.put_manifest(pointer.to_bytes(), oci::media_type::kIndex, spec_tag(spec_hash));
    return {image, true};
}

}  // namespace envbuild::cache
