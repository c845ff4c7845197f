#include "catalog/base_images.hpp"

#include <algorithm>
#include <set>

#include "base/digest.hpp"
#include "base/strings.hpp"
#include "catalog/base_choice.hpp"
#include "spec/yaml.hpp"

namespace envbuild::catalog {

namespace {

using spec::YamlNode;

BaseImageEntry entry_of(const YamlNode& node) {
    static const std::set<std::string> kKnown = {"image",      "os",     "glibc",         "cuda",       "cudnn",
                                                 "flavor",     "python", "mpi",           "min_driver", "platforms",
                                                 "deprecated", "digest", "digest_source", "source",     "date"};
    for (const auto& [key, value] : node.as_mapping("a base image")) {
        if (!kKnown.contains(key.text())) throw key.error_at("a base image has no '" + key.text() + "'");
    }
    BaseImageEntry entry;
    entry.image = node.string_or("image", "");
    if (entry.image.empty() || canonical_image_name(entry.image) != entry.image) {
        throw node.error_at("a base image needs 'image', with registry and tag");
    }
    entry.os = node.string_or("os", "");
    entry.glibc = node.string_or("glibc", "");
    entry.cuda = node.string_or("cuda", "");
    if (!entry.cuda.empty()) {
        if (auto version = CudaVersion::parse(entry.cuda); !version) throw node.error_at(version.error().message());
    }
    entry.cudnn = node.string_or("cudnn", "");
    entry.flavor = node.string_or("flavor", "");
    entry.python = node.string_or("python", "");
    entry.mpi = node.string_or("mpi", "");
    entry.min_driver = node.string_or("min_driver", "");
    entry.digest = node.string_or("digest", "");
    if (!entry.digest.empty() && !Digest::parse(entry.digest))
        throw node.error_at("'digest' is written sha256:<64 hex digits>");
    entry.digest_source = node.string_or("digest_source", "");
    if (entry.digest.empty() != entry.digest_source.empty())
        throw node.error_at("'digest' and 'digest_source' stand together");
    entry.source = node.string_or("source", "");
    entry.date = node.string_or("date", "");
    if (const auto* platforms = node.find("platforms")) entry.platforms = platforms->as_strings("platforms");
    if (const auto* deprecated = node.find("deprecated")) entry.deprecated = deprecated->as_bool("deprecated");
    return entry;
}

}  // namespace

std::string canonical_image_name(std::string_view reference) {
    reference = reference.substr(0, reference.find('@'));
    std::string name(reference);
    const auto slash = name.find('/');
    const auto first = name.substr(0, slash);
    // A first part is a registry where it has a dot or a port or is localhost, as docker reads it.
    const bool has_registry =
        slash != std::string::npos && (first.find_first_of(".:") != std::string::npos || first == "localhost");
    if (!has_registry) name = (slash == std::string::npos ? "docker.io/library/" : "docker.io/") + name;
    if (name.starts_with("index.docker.io/")) name = "docker.io/" + name.substr(16);
    if (name.find(':', name.rfind('/')) == std::string::npos) name += ":latest";
    return name;
}

BaseImageCatalog BaseImageCatalog::load(const std::filesystem::path& directory) {
    const auto root = spec::read_yaml(directory / "base-images.yaml");
    BaseImageCatalog catalog;
    catalog.default_cpu_ = root.string_or("default_cpu", "");
    catalog.default_gpu_ = root.string_or("default_gpu", "");
    const auto* images = root.find("images");
    if (images == nullptr) throw root.error_at("'images' is missing");
    std::set<std::string> seen;
    for (const auto& node : images->as_sequence("images")) {
        catalog.images_.push_back(entry_of(node));
        const auto& image = catalog.images_.back().image;
        if (!seen.insert(image).second) throw node.error_at("the image '" + image + "' is there twice");
    }
    for (const auto& name : {catalog.default_cpu_, catalog.default_gpu_}) {
        if (catalog.find(name) == nullptr)
            throw root.error_at("the default image '" + name + "' is not among the images");
    }
    catalog.cuda_ = CudaCompat::load(directory / "cuda-compat.yaml");
    return catalog;
}

const BaseImageEntry* BaseImageCatalog::find(std::string_view image) const {
    if (image.empty()) return nullptr;
    const auto name = canonical_image_name(image);
    const auto found =
        std::find_if(images_.begin(), images_.end(), [&](const auto& entry) { return entry.image == name; });
    return found == images_.end() ? nullptr : &*found;
}

Expected<BaseChoice> BaseImageCatalog::choose(const spec::EnvironmentSpec& spec) const {
    try {
        return choose_base(*this, default_cpu_, default_gpu_, spec);
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

std::optional<BaseAdvice> BaseImageCatalog::advice(const BaseChoice& choice,
                                                   const std::vector<NamedVersion>& packages) const {
    if (!choice.entry || choice.entry->cuda.empty() || choice.entry->flavor == "base") return std::nullopt;
    const auto runtimes = cuda_.cuda_runtimes(packages);
    if (runtimes.empty()) return std::nullopt;
    // What loads the base's libraries still needs them.
    for (const auto& package : packages) {
        const auto* row = cuda_.find(package.pip ? "pip" : "conda", package.name, package.version);
        if (row != nullptr && row->loads_base) return std::nullopt;
    }
    std::vector<std::string> names;
    for (const auto& runtime : runtimes) names.push_back(runtime.name + " " + runtime.version);
    BaseAdvice advice;
    advice.text =
        "the packages bring their own CUDA runtime (" + join(names, ", ") + "), so that of the base image is not used";
    const auto wanted = value_or_throw(CudaVersion::parse(choice.entry->cuda));
    for (const auto& entry : images_) {
        if (entry.flavor != "base" || entry.os != choice.entry->os || !entry.mpi.empty()) continue;
        if (!value_or_throw(CudaVersion::parse(entry.cuda)).fits(wanted)) continue;
        advice.slimmer = entry.image;
        advice.text += ": --base " + entry.image + " leaves out the CUDA" +
                       (choice.entry->cudnn.empty() ? std::string() : " and cuDNN") + " libraries of " +
                       choice.entry->flavor;
        break;
    }
    return advice;
}

}  // namespace envbuild::catalog
