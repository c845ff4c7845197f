// Repository and Reference: the names of images, by the grammar of the distribution project's reference package
// (`domain/path[:tag][@digest]`), with Docker's habit that a bare name means docker.io/library/.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace envbuild::oci {

// A host (and port) and a path on it. Immutable. Always full: "ubuntu" is held as docker.io/library/ubuntu.
class Repository {
  public:
    // "ubuntu", "nvidia/cuda", "localhost:5000/team/envs", "[::1]:5000/x"; InvalidInput with what is wrong where a tag
    // or a digest follows, a component is not lower case, a scheme is given, and so on.
    [[nodiscard]] static Expected<Repository> parse(std::string_view text);

    [[nodiscard]] const std::string& domain() const { return domain_; }  // "docker.io", "localhost:5000"
    [[nodiscard]] const std::string& path() const { return path_; }      // "library/ubuntu"
    [[nodiscard]] std::string to_string() const { return domain_ + "/" + path_; }
    [[nodiscard]] std::string familiar()
        const;  // as people write it: "ubuntu", "nvidia/cuda", "localhost:5000/team/envs"

    auto operator<=>(const Repository&) const = default;

  private:
    friend class Reference;
    std::string domain_, path_;
};

// An image in a repository by tag, digest, both or neither. Immutable.
class Reference {
  public:
    // InvalidInput with what is wrong and what a reference looks like.
    [[nodiscard]] static Expected<Reference> parse(std::string_view text);
    explicit Reference(Repository repository) : repository_(std::move(repository)) {}

    [[nodiscard]] const Repository& repository() const { return repository_; }
    [[nodiscard]] const std::optional<std::string>& tag() const { return tag_; }
    [[nodiscard]] const std::optional<Digest>& digest() const { return digest_; }

    // What the registry is asked for: the digest where there is one, else the tag, else "latest".
    [[nodiscard]] std::string identifier() const;
    [[nodiscard]] std::string to_string() const;  // canonical: "docker.io/library/ubuntu:22.04@sha256:…"
    [[nodiscard]] std::string familiar() const;   // "ubuntu:22.04"

    [[nodiscard]] Reference with_tag(std::string tag) const;
    [[nodiscard]] Reference with_digest(const Digest& digest) const;
    [[nodiscard]] Reference without_digest() const;

    auto operator<=>(const Reference&) const = default;

  private:
    Repository repository_;
    std::optional<std::string> tag_;
    std::optional<Digest> digest_;
};

// [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
[[nodiscard]] bool is_valid_tag(std::string_view tag);

}  // namespace envbuild::oci
