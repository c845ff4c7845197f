#include "oci/reference.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild::oci {

namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kOfficialPrefix = "library/";
constexpr std::size_t kMaxNameLength = 255;

bool is_lower_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::unexpected<Error> bad(std::string_view text, std::string_view reason) {
    return std::unexpected(
        Error(ErrorKind::InvalidInput, fmt::format("'{}' is not an image reference: {}", redact(text), reason))
            .with_hint("write it as [host[:port]/]path[:tag][@sha256:…], for example "
                       "registry.lab:5000/team/envs:latest"));
}

// Without its port: DNS labels, an IPv4 address, or an IPv6 address in brackets.
bool is_valid_host(std::string_view host) {
    if (host.starts_with('[')) {
        if (!host.ends_with(']') || host.size() < 4) return false;
        return host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    }
    return std::ranges::all_of(split(host, '.'), [](std::string_view label) {
        return !label.empty() && label.front() != '-' && label.back() != '-' &&
               std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
    });
}

bool is_valid_domain(std::string_view domain) {
    const auto bracket = domain.rfind(']');
    const auto colon = domain.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon == std::string_view::npos) return is_valid_host(domain);
    const auto port = domain.substr(colon + 1);
    return is_valid_host(domain.substr(0, colon)) && !port.empty() && port.size() <= 5 &&
           std::ranges::all_of(port, is_digit);
}

// [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'.
bool is_valid_component(std::string_view component) {
    std::size_t i = 0;
    while (true) {
        const std::size_t begin = i;
        while (i < component.size() && is_lower_alnum(component[i])) ++i;
        if (i == begin) return false;
        if (i == component.size()) return true;
        const std::size_t separator = i;
        while (i < component.size() && component[i] == component[separator] && !is_lower_alnum(component[i])) ++i;
        const std::size_t length = i - separator;
        const char c = component[separator];
        if (!(c == '-' || (c == '.' && length == 1) || (c == '_' && length <= 2))) return false;
    }
}

// What stands before the first '/' is a host only where it looks like one; "nvidia/cuda" is a path on Docker Hub.
bool looks_like_domain(std::string_view first) {
    return first.find_first_of(".:") != std::string_view::npos || first == "localhost" || to_lower(first) != first;
}

}  // namespace

Expected<Repository> Repository::parse(std::string_view text) {
    auto reference = Reference::parse(text);
    if (!reference) return std::unexpected(std::move(reference.error()));
    if (reference->tag() || reference->digest()) {
        return std::unexpected(
            Error(ErrorKind::InvalidInput, fmt::format("'{}' names an image, not a repository", text))
                .with_hint("leave out the tag and the digest"));
    }
    return reference->repository();
}

std::string Repository::familiar() const {
    if (domain_ != kDefaultDomain) return to_string();
    if (path_.starts_with(kOfficialPrefix) && path_.find('/', kOfficialPrefix.size()) == std::string::npos) {
        return path_.substr(kOfficialPrefix.size());
    }
    return path_;
}

Expected<Reference> Reference::parse(std::string_view text) {
    if (text.empty()) return bad(text, "it is empty");
    if (text.find("://") != std::string_view::npos)
        return bad(text, "it has no scheme; leave out what stands before ://");
    if (has_control_character(text) || text.find(' ') != std::string_view::npos)
        return bad(text, "it holds a space or a control character");

    std::string_view name = text;
    Reference reference{Repository()};
    if (const auto at = name.find('@'); at != std::string_view::npos) {
        auto digest = Digest::parse(name.substr(at + 1));
        if (!digest) return bad(text, digest.error().message());
        reference.digest_ = *digest;
        name = name.substr(0, at);
    }
    // A colon after the last slash begins the tag; one before it belongs to the host's port.
    const auto slash = name.rfind('/');
    const auto colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) {
        const auto tag = name.substr(colon + 1);
        if (!is_valid_tag(tag))
            return bad(text, fmt::format("'{}' is not a tag: letters, digits, '_', '.' and '-', at most 128", tag));
        reference.tag_ = std::string(tag);
        name = name.substr(0, colon);
    }
    auto& repository = reference.repository_;
    const auto first = name.find('/');
    if (first != std::string_view::npos && looks_like_domain(name.substr(0, first))) {
        repository.domain_ = to_lower(name.substr(0, first));
        repository.path_ = name.substr(first + 1);
        if (!is_valid_domain(repository.domain_))
            return bad(text, fmt::format("'{}' is not a host", repository.domain_));
        if (repository.domain_ == "index.docker.io" || repository.domain_ == "registry-1.docker.io")
            repository.domain_ = kDefaultDomain;
    } else {
        repository.domain_ = kDefaultDomain;
        repository.path_ = name;
        if (name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos) {
            return bad(text, "64 hex digits alone are an identifier, not a name");
        }
    }
    if (repository.domain_ == kDefaultDomain && repository.path_.find('/') == std::string::npos) {
        repository.path_.insert(0, kOfficialPrefix);
    }
    if (to_lower(repository.path_) != repository.path_)
        return bad(text, "a repository's path is written in lower case");
    for (const auto component : split(repository.path_, '/')) {
        if (component.empty()) return bad(text, "a part of the path is empty");
        if (!is_valid_component(component)) {
            return bad(text, fmt::format(
                                 "'{}' may hold lower-case letters and digits, with '.', '_', '__' or '-' between them",
                                 component));
        }
    }
    if (repository.to_string().size() > kMaxNameLength) return bad(text, "a name has at most 255 characters");
    return reference;
}

std::string Reference::identifier() const {
    if (digest_) return digest_->to_string();
    return tag_.value_or("latest");
}

std::string Reference::to_string() const {
    return repository_.to_string() + (tag_ ? ":" + *tag_ : "") + (digest_ ? "@" + digest_->to_string() : "");
}

std::string Reference::familiar() const {
    return repository_.familiar() + (tag_ ? ":" + *tag_ : "") + (digest_ ? "@" + digest_->to_string() : "");
}

Reference Reference::with_tag(std::string tag) const {
    if (!is_valid_tag(tag)) throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is not a tag", tag));
    Reference reference = *this;
    reference.tag_ = std::move(tag);
    return reference;
}

Reference Reference::with_digest(const Digest& digest) const {
    Reference reference = *this;
    reference.digest_ = digest;
    return reference;
}

Reference Reference::without_digest() const {
    Reference reference = *this;
    reference.digest_.reset();
    return reference;
}

bool is_valid_tag(std::string_view tag) {
    return !tag.empty() && tag.size() <= 128 && tag.front() != '.' && tag.front() != '-' &&
           std::ranges::all_of(tag, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

}  // namespace envbuild::oci
