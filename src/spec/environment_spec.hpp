// EnvironmentSpec: the intent, normalised. What SpecHash is taken over, and what resolving starts from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "conda/channel.hpp"
#include "conda/match_spec.hpp"
#include "conda/platform.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::spec {

// The hash of the intent (design, section 2; docs/hash.md). A type of its own so that it is never taken for another
// key.
class SpecHash {
  public:
    SpecHash() = default;
    explicit SpecHash(Digest digest) : digest_(digest) {}
    [[nodiscard]] static Expected<SpecHash> parse(std::string_view hex);
    [[nodiscard]] std::string hex() const { return digest_.hex(); }
    auto operator<=>(const SpecHash&) const = default;

  private:
    Digest digest_;
};

// What the GPU part of an intent says.
struct GpuAsk {
    bool wanted = false;      // --gpu
    std::string cuda;         // --cuda 11.8; "" for the catalogue's default
    std::string target_cuda;  // --target-cuda: the driver's CUDA on the node; "" for the base's
    std::string target_cpu;   // --target-cpu: an archspec name; "" for the platform's plain one
    auto operator<=>(const GpuAsk&) const = default;
};

// A base image that the user builds: a Dockerfile with its context, by content (docs/hash.md).
struct OwnBase {
    std::string context_digest;  // hex, of the context's tree
    std::string dockerfile;      // its path in the context
    auto operator<=>(const OwnBase&) const = default;
};

// conda's pin: what a package must be if it is there at all. It brings nothing in.
struct Pin {
    conda::MatchSpec spec;  // its channel(), where given, is a canonical URL
    std::string origin;     // "/home/me/.condarc", "--pin": for messages; not hashed
};

struct EnvironmentSpec {
    std::string name;                      // for messages and labels; not hashed
    std::vector<conda::Channel> channels;  // highest priority first; expanded, canonical
    std::vector<conda::MatchSpec> conda;   // their channel(), where given, is a canonical URL
    std::vector<Pin> pins;
    std::vector<pypi::RequirementLine> pip;    // -r and -c inlined
    std::vector<std::string> pip_constraints;  // canonical requirement text of inlined -c files
    pypi::IndexOptions indexes;
    std::map<std::string, std::string> variables;  // names are valid, values hold no control character
    std::string base_image;                        // --base, as asked; "" for the catalogue's choice
    std::optional<OwnBase> own_base;               // in place of base_image
    bool user_managed = false;                     // the base is the image: nothing is installed on it
    GpuAsk gpu;
    // Virtual packages that the asker sets himself (CONDA_OVERRIDE_*), "" for one that he takes away.
    std::map<std::string, std::string> overrides;
    std::string channel_priority;  // "flexible" or "disabled"; "" for strict
    conda::Platform platform;
    std::string python;                    // --python for a bare requirements file; already in `conda`
    std::vector<std::string> extra_steps;  // further Dockerfile instructions; none in this version's readers
    std::string template_digest;           // of the user's own templates; "" for the shipped ones

    // Canonical JSON value that is hashed; what docs/hash.md describes rule by rule.
    [[nodiscard]] Json canonical() const;
    [[nodiscard]] SpecHash hash() const;
    [[nodiscard]] bool asks_for(std::string_view conda_name) const;
};

}  // namespace envbuild::spec
