#include "cache/image_search.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "registry/hosts.hpp"

namespace envbuild::cache {

namespace {

// A mirror can do no more than fail to deliver; what is wrong with this run or with the image itself is final.
bool is_mirrors_fault(const Error& error) {
    switch (error.kind()) {
        case ErrorKind::Transient:
        case ErrorKind::Unauthorized:
        case ErrorKind::NotFound:
        case ErrorKind::Corrupt:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::vector<oci::Repository> image_sources(const oci::Repository& name,
                                           const std::map<std::string, std::vector<std::string>>& mirrors) {
    std::vector<oci::Repository> sources;
    if (const auto found = mirrors.find(name.domain()); found != mirrors.end()) {
        for (const auto& text : found->second) {
            const auto mirror = registry::parse_mirror(text);
            const std::string path = mirror.prefix.empty() ? name.path() : mirror.prefix + "/" + name.path();
            auto source = value_or_throw(oci::Repository::parse(mirror.domain + "/" + path));
            // "mirror/hub" is a name on Docker Hub, not a host.
            if (source.domain() != mirror.domain) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("'{}' is not a registry mirror: '{}' is no host", text, mirror.domain))
                    .with_hint("write host[:port][/prefix], with a dot or a port in the host");
            }
            sources.push_back(std::move(source));
        }
    }
    sources.push_back(name);
    return sources;
}

void find_image(registry::RegistryContext& context, const oci::Reference& reference, const oci::OciPlatform& platform,
                const std::function<void(FoundImage)>& use) {
    std::optional<Error> failure;
    std::vector<std::string> asked, lacking;
    const auto sources = image_sources(reference.repository(), context.settings().mirrors);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const auto& source = sources[i];
        const bool is_mirror = i + 1 < sources.size();
        asked.push_back(source.to_string());
        const std::shared_ptr<ImageRepository> repository = registry_repository(context, source);
        try {
            auto image = fetch_image(*repository, reference.identifier(), platform);
            if (image) return use({repository, source, std::move(*image)});
            lacking.push_back(source.to_string());
        } catch (const Error& error) {
            if (is_mirror && is_mirrors_fault(error)) {
                context.warn_of_mirror(source.domain(), error);
            } else if (error.kind() != ErrorKind::Transient && error.kind() != ErrorKind::Unauthorized) {
                throw;
            }
            if (!failure) failure = error;
        }
    }
    if (failure) {
        const auto others = lacking.empty() ? "" : fmt::format(", which {} does not have", join(lacking, " and "));
        throw std::move(*failure).with_context(
            fmt::format("resolving the base image {}{}", reference.familiar(), others));
    }
    throw Error(ErrorKind::NotFound,
                fmt::format("there is no base image {} (asked: {})", reference.familiar(), join(asked, ", ")))
        .with_hint(
            "check the name and tag, choose another with --base, or name a mirror that has it in registry_mirrors");
}

}  // namespace envbuild::cache
