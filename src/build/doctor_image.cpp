#include "build/doctor_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"
#include "build/docker_builder.hpp"
#include "build/image_places.hpp"
#include "cache/image_repository.hpp"
#include "cache/pointer.hpp"

namespace envbuild::build {

namespace {

using catalog::CudaVersion;

std::string value_of(const std::vector<std::string>& env, std::string_view name) {
    std::string value;
    for (const auto& entry : env) {
        if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=')
            value = entry.substr(name.size() + 1);
    }
    return value;
}

ImageNeeds needs_in(const cache::ImageRepository& repository, const std::string& identifier,
                    const oci::OciPlatform& platform, bool& found) {
    const auto image = cache::fetch_image(repository, identifier, platform);
    found = image.has_value();
    if (!image) return {};
    const auto key = std::string(cache::kLockHashAnnotation);
    auto needs = needs_of(image->config.env(),
                          image->manifest.annotations.contains(key) || image->config.labels().contains(key));
    needs.name = repository.image_reference(image->descriptor.digest);
    const auto has = image->config.platform();
    needs.platform = fmt::format("{}/{}", has.os, has.architecture);
    return needs;
}

// "oci:/path@sha256:…", "oci:/path:tag".
std::pair<std::string, std::string> split_layout(const std::string& image) {
    const auto at = image.rfind("@sha256:");
    if (at != std::string::npos) return {image.substr(4, at - 4), image.substr(at + 1)};
    const auto colon = image.rfind(':');
    if (colon > 4 && image.find('/', colon) == std::string::npos)
        return {image.substr(4, colon - 4), image.substr(colon + 1)};
    throw Error(ErrorKind::InvalidInput, fmt::format("'{}' names no image of the layout", image))
        .with_hint("write oci:/path@sha256:… as envbuild prints it, or oci:/path:tag");
}

std::optional<ImageNeeds> needs_in_engine(const std::string& image, const Workbench& bench) {
    try {
        const auto engine = DockerBuilder(bench).connect();
        const auto info = engine->find_image(image);
        if (!info) return std::nullopt;
        std::vector<std::string> env;
        if (const auto& list = info->config["Env"]; list.is_array()) {
            for (const auto& entry : list.as_array()) {
                if (entry.is_string()) env.push_back(entry.as_string());
            }
        }
        const auto& labels = info->config["Labels"];
        auto needs = needs_of(env, labels.find(cache::kLockHashAnnotation) != nullptr);
        needs.name = image + " (in the engine)";
        needs.platform = fmt::format("{}/{}", info->os, info->architecture);
        return needs;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        return std::nullopt;  // that there is no engine has a line of its own
    }
}

Requirement compare(const std::strong_ordering order, std::string_view comparison) {
    const bool met = comparison == ">="   ? order >= 0
                     : comparison == "<=" ? order <= 0
                     : comparison == "!=" ? order != 0
                     : comparison == ">"  ? order > 0
                     : comparison == "<"  ? order < 0
                                          : order == 0;
    return met ? Requirement::Met : Requirement::Unmet;
}

Requirement evaluate_condition(std::string_view condition, const GpuHost& host) {
    const auto at = condition.find_first_of("<>=!");
    if (at == std::string_view::npos) return Requirement::Unknown;
    const auto key = trim(condition.substr(0, at));
    auto end = at + 1;
    if (end < condition.size() && condition[end] == '=') ++end;
    const auto comparison = condition.substr(at, end - at);
    const auto value = trim(condition.substr(end));
    if (key == "driver") {
        return host.driver.empty() ? Requirement::Unknown
                                   : compare(catalog::compare_drivers(host.driver, value), comparison);
    }
    const auto wanted = CudaVersion::parse(value);
    if (!wanted) return Requirement::Unknown;
    if (key == "cuda") {
        const auto has = CudaVersion::parse(host.cuda);
        return host.cuda.empty() || !has ? Requirement::Unknown : compare(*has <=> *wanted, comparison);
    }
    if (key == "arch") {
        if (host.gpus.empty() || !host.gpus.front().compute) return Requirement::Unknown;
        return compare(*host.gpus.front().compute <=> *wanted, comparison);
    }
    return Requirement::Unknown;
}

// NVIDIA's own images list dozens of alternatives; the first is what they mean, the rest are older driver branches.
std::string shortened(std::string_view expression) {
    const auto alternatives = split_whitespace(expression);
    if (alternatives.size() < 2) return fmt::format("\"{}\"", expression);
    return fmt::format("\"{}\" or one of {} alternatives", alternatives.front(), alternatives.size() - 1);
}

Finding driver_finding(const ImageNeeds& needs, const GpuHost& host, const catalog::CudaCompat& table) {
    Finding finding;
    finding.check = "image-driver";
    finding.facts.set("image", needs.name)
        .set("image_cuda", needs.cuda)
        .set("driver", host.driver)
        .set("driver_cuda", host.cuda);
    const auto cuda = CudaVersion::parse(needs.cuda);
    const bool known = cuda && !needs.cuda.empty();
    const auto exact = known ? table.min_driver(*cuda) : std::string();
    const auto major = known ? table.min_driver(*cuda, true) : std::string();
    finding.facts.set("min_driver", exact).set("min_driver_minor_compatible", major);
    const auto at_least = [&](const std::string& driver) {
        return !driver.empty() && catalog::compare_drivers(host.driver, driver) >= 0;
    };
    const auto update =
        exact.empty() ? std::string("update the driver") : fmt::format("update the driver to {} or newer", exact);

    for (const auto& expression : needs.requires_cuda) {
        const auto met = evaluate_requirement(expression, host);
        if (met == Requirement::Met) continue;
        finding.health = met == Requirement::Unmet ? Health::Fail : Health::Warn;
        finding.text =
            fmt::format("the image asks for {}, and driver {} offers CUDA {}: the NVIDIA runtime {}",
                        shortened(expression), host.driver, host.cuda.empty() ? "of unknown version" : host.cuda,
                        met == Requirement::Unmet ? "refuses to start it" : "may refuse to start it");
        finding.advice = update;
        if (at_least(major)) {
            finding.text += fmt::format("; CUDA {} itself would run, by minor version compatibility (driver {} on)",
                                        needs.cuda, major);
            finding.advice += fmt::format(", or {}, or run it with -e NVIDIA_DISABLE_REQUIRE=1",
                                          needs.built_here && !host.cuda.empty()
                                              ? fmt::format("build it with --target-cuda {}", host.cuda)
                                              : std::string("take an image with an older CUDA"));
        }
        return finding;
    }
    if (!known) {
        finding.text = needs.requires_cuda.empty()
                           ? std::string("the image does not say which CUDA it needs")
                           : fmt::format("driver {} meets what the image asks for", host.driver);
        return finding;
    }
    if (at_least(exact)) {
        finding.text = fmt::format("driver {} runs the image's CUDA {} (from {} on)", host.driver, needs.cuda, exact);
    } else if (at_least(major)) {
        finding.text = fmt::format(
            "driver {} runs the image's CUDA {} by minor version compatibility (from {} on; {} would be its own)",
            host.driver, needs.cuda, major, exact);
        finding.advice = "code that is compiled to PTX at run time needs the newer driver";
    } else if (exact.empty()) {
        finding.health = Health::Warn;
        finding.text = fmt::format("the table has no driver for the image's CUDA {}", needs.cuda);
        finding.advice = "see NVIDIA's release notes, and add a row to curated/cuda-compat.yaml";
    } else {
        finding.health = Health::Fail;
        finding.text = fmt::format("driver {} is too old for the image's CUDA {}, which needs {}{}", host.driver,
                                   needs.cuda, exact,
                                   catalog::compare_drivers(major, exact) < 0 && !major.empty()
                                       ? fmt::format(" (or {}, with minor version compatibility)", major)
                                       : std::string());
        finding.advice = update + ", or take an image with an older CUDA: envbuild bases";
    }
    return finding;
}

}  // namespace

ImageNeeds needs_of(const std::vector<std::string>& env, bool built) {
    ImageNeeds needs;
    needs.built_here = built;
    needs.cuda = value_of(env, "CUDA_VERSION");
    const auto disabled = value_of(env, "NVIDIA_DISABLE_REQUIRE");
    for (const auto& entry : env) {
        const auto equals = entry.find('=');
        if (!entry.starts_with("NVIDIA_REQUIRE_") || equals == std::string::npos) continue;
        if (equals + 1 < entry.size() && disabled != "1" && disabled != "true")
            needs.requires_cuda.push_back(entry.substr(equals + 1));
    }
    const auto devices = value_of(env, "NVIDIA_VISIBLE_DEVICES");
    needs.wants_gpu = !needs.cuda.empty() || !needs.requires_cuda.empty() ||
                      (!devices.empty() && devices != "void" && devices != "none");
    return needs;
}

ImageNeeds read_needs(const std::string& image, const conda::Platform& platform, const Workbench& bench) {
    const oci::OciPlatform wanted{platform.oci_os(), platform.oci_architecture(), ""};
    bool found = false;
    if (image.starts_with("oci:")) {
        const auto [path, identifier] = split_layout(image);
        const auto repository = cache::layout_repository(path, bench.cancel());
        auto needs = needs_in(*repository, identifier, wanted, found);
        if (!found) throw Error(ErrorKind::NotFound, fmt::format("there is no image {} in {}", identifier, path));
        return needs;
    }
    const auto reference = value_or_throw(oci::Reference::parse(image));
    AskedPlaces asked;
    const auto needs_at = [&](const oci::Repository& place) -> std::optional<ImageNeeds> {
        const auto repository = cache::registry_repository(bench.registries(), place);
        auto needs = needs_in(*repository, reference.identifier(), wanted, found);
        if (!found) return std::nullopt;
        return needs;
    };
    if (auto needs = ask_places(reference.repository(), bench, asked, needs_at)) return std::move(*needs);
    if (auto needs = needs_in_engine(image, bench)) return std::move(*needs);
    if (asked.failure) throw std::move(*asked.failure);
    throw Error(ErrorKind::NotFound, fmt::format("there is no image {} (asked: {}, and the engine)",
                                                 reference.familiar(), join(asked.names, ", ")));
}

Requirement evaluate_requirement(std::string_view expression, const GpuHost& host) {
    auto result = Requirement::Unmet;
    for (const auto alternative : split_whitespace(expression)) {
        auto met = Requirement::Met;
        for (const auto condition : split(alternative, ',')) {
            const auto one = evaluate_condition(condition, host);
            if (one == Requirement::Unmet) met = Requirement::Unmet;
            if (one == Requirement::Unknown && met == Requirement::Met) met = Requirement::Unknown;
        }
        if (met == Requirement::Met) return met;
        if (met == Requirement::Unknown) result = Requirement::Unknown;
    }
    return result;
}

Finding check_compute(const Gpu& gpu, const CudaVersion& cuda, const std::string& who,
                      const catalog::CudaCompat& table) {
    Finding finding;
    finding.check = "compute-capability";
    finding.facts.set("gpu", gpu.name).set("cuda", cuda.to_string());
    const auto* range = table.compute_range(cuda);
    if (!gpu.compute || range == nullptr) {
        finding.health = Health::Warn;
        finding.text = !gpu.compute
                           ? fmt::format("the driver does not say the compute capability of {}", gpu.name)
                           : fmt::format("the table does not know which GPUs CUDA {} has code for", cuda.to_string());
        finding.advice = !gpu.compute ? "compare it by hand with https://developer.nvidia.com/cuda-gpus"
                                      : "see NVIDIA's release notes, and add a row to curated/cuda-compat.yaml";
        return finding;
    }
    finding.facts.set("compute_capability", gpu.compute->to_string())
        .set("min", range->min.to_string())
        .set("max", range->max.to_string());
    if (*gpu.compute < range->min) {
        finding.health = Health::Fail;
        finding.text = fmt::format("{} has no code for {} (compute capability {}; it begins at {})", who, gpu.name,
                                   gpu.compute->to_string(), range->min.to_string());
        finding.advice = "take an image with an older CUDA: envbuild bases --deprecated";
    } else if (*gpu.compute > range->max && gpu.compute->major() != range->max.major()) {
        finding.health = Health::Warn;
        finding.text =
            fmt::format("{} is older than {} (compute capability {}; it ends at {}): only what holds PTX runs", who,
                        gpu.name, gpu.compute->to_string(), range->max.to_string());
        finding.advice = "take an image with a newer CUDA, and frameworks built for it";
    } else {
        finding.text = fmt::format("{} supports {} (compute capability {})", who, gpu.name, gpu.compute->to_string());
    }
    return finding;
}

std::vector<Finding> check_image(const ImageNeeds& needs, const GpuHost& host, const catalog::CudaCompat& table) {
    if (!needs.wants_gpu) {
        Finding finding{"image", Health::Ok, fmt::format("{} asks for no GPU", needs.name), "", Json::object()};
        finding.facts.set("image", needs.name).set("gpu", false);
        return {finding};
    }
    std::vector<Finding> findings;
    Finding found{"image", Health::Ok,
                  fmt::format("{}: {}", needs.name, needs.cuda.empty() ? "for a GPU" : "CUDA " + needs.cuda), "",
                  Json::object()};
    found.facts.set("image", needs.name).set("gpu", true).set("cuda", needs.cuda).set("require", needs.requires_cuda);
    findings.push_back(std::move(found));
    // Without a driver there is nothing to compare with; its absence has a line of its own.
    if (host.driver.empty()) return findings;
    findings.push_back(driver_finding(needs, host, table));
    const auto cuda = CudaVersion::parse(needs.cuda);
    if (!cuda || needs.cuda.empty()) return findings;
    for (const auto& gpu : host.gpus)
        findings.push_back(check_compute(gpu, *cuda, "the image's CUDA " + cuda->major_minor(), table));
    return findings;
}

}  // namespace envbuild::build
