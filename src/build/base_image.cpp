#include "build/base_image.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/fs.hpp"
#include "base/parallel.hpp"
#include "build/own_base.hpp"
#include "cache/image_search.hpp"

namespace envbuild::build {

namespace {

constexpr std::size_t kScanThreads = 4;

layer::LayerScan scan_layer(const cache::ImageRepository& repository, const oci::Descriptor& descriptor,
                            Progress& progress) {
    const auto reader = repository.open_blob(descriptor);
    layer::LayerScanner scanner;
    std::array<char, 1 << 17> buffer{};
    while (const auto got = reader->read(buffer.data(), buffer.size())) {
        scanner.feed({buffer.data(), got});
        progress.advance(got);
    }
    return scanner.finish();
}

layer::BaseFacts read_facts(const ResolvedBase& base, const Workbench& bench) {
    const auto file = bench.cache_folder("bases") / (base.image.descriptor.digest.hex() + ".json");
    if (const auto cached = read_file_if_exists(file)) {
        // A damaged cache entry is not an error of the user's: it is made again.
        const auto json = Json::parse(*cached);
        if (json) {
            if (auto facts = layer::BaseFacts::from_json(*json)) return std::move(*facts);
        }
    }
    const auto& layers = base.image.manifest.layers;
    std::uint64_t total = 0;
    for (const auto& descriptor : layers) total += descriptor.size;
    const auto progress = bench.reporter().start("Looking into the base image", Reporter::Unit::Bytes, total);
    std::vector<layer::LayerScan> scans(layers.size());
    parallel_for(layers.size(), kScanThreads,
                 [&](std::size_t i) { scans[i] = scan_layer(*base.repository, layers[i], *progress); });
    auto facts =
        value_or_throw(layer::base_facts(scans, base.image.config.platform().architecture, describe_base(base.name)));
    const auto diff_ids = base.image.config.diff_ids();
    for (std::size_t i = 0; i < diff_ids.size(); ++i) {
        if (facts.layers.at(i).diff_id != diff_ids[i]) {
            throw Error(ErrorKind::Corrupt,
                        fmt::format("layer {} of {} is not what its config says", i, describe_base(base.name)));
        }
    }
    write_file_atomic(file, facts.to_json().dump());
    return facts;
}

}  // namespace

void look_into(ResolvedBase& base, const Workbench& bench) {
    base.facts = read_facts(base, bench);
}

std::vector<oci::Repository> image_sources(const oci::Repository& name, const Settings& settings) {
    return cache::image_sources(name, settings.registry_mirrors);
}

ResolvedBase resolve_base(std::string_view name, const conda::Platform& platform, const Workbench& bench, Look look) {
    const auto reference = value_or_throw(oci::Reference::parse(name));
    const oci::OciPlatform wanted{platform.oci_os(), platform.oci_architecture(), ""};
    std::optional<ResolvedBase> base;
    cache::find_image(bench.registries(), reference, wanted, [&](cache::FoundImage found) {
        base.emplace(ResolvedBase{.name = reference,
                                  .repository = std::move(found.repository),
                                  .origin = std::move(found.source),
                                  .engine_tag = {},
                                  .image = std::move(found.image),
                                  .facts = {}});
        if (look == Look::Into) look_into(*base, bench);
    });
    return std::move(*base);
}

}  // namespace envbuild::build
