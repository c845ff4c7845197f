// The resolver of pip's half: from requirements to one file of each project (docs/resolver.md, "pip").
//
// The answer is a function of the request and of what the index offers alone: requested projects, by name, get the best
// version that is possible given the projects before; then what has become necessary, in the order in which it became
// so (by name where several did at once). Nothing is in the answer that nothing needs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.hpp"
#include "base/error.hpp"
#include "pypi/candidate.hpp"
#include "pypi/core_metadata.hpp"
#include "pypi/marker_environment.hpp"
#include "pypi/requirement.hpp"

namespace envbuild::solve {

// What the resolver asks about projects. project() and metadata() are asked in the order of the search, by one thread;
// what they answer must not depend on when they are asked.
class PipProvider {
  public:
    using Wheel = std::pair<const pypi::IndexFile*, const pypi::WheelName*>;
    virtual ~PipProvider() = default;
    // Throws Error where it could not be asked; a project that no index has is one without files, and not `known`.
    [[nodiscard]] virtual std::shared_ptr<const pypi::Project> project(const std::string& name) = 0;
    // An error given back: the wheel's own metadata cannot be used. Throws Error where it could not be had, Corrupt too
    // where what came is not what was promised.
    [[nodiscard]] virtual Expected<pypi::CoreMetadata> metadata(const pypi::IndexFile& file,
                                                                const pypi::WheelName& name) = 0;
    // Why a project is not there.
    [[nodiscard]] virtual Error absent_error(const pypi::Project& project) = 0;
    // What may be asked for next: several at a time, where that is faster. Failures come when it is asked for.
    virtual void prefetch(const std::vector<std::string>& /*projects*/) {}
    virtual void prefetch(const std::vector<Wheel>& /*wheels*/) {}
};

// A requirement of the user's, or a constraint.
struct PipLine {
    pypi::Requirement requirement;
    std::vector<std::string> hashes =
        {};  // "sha256:…"; the project's files must have one of them. sha384, sha512: needs_pip
};

// A wheel that the user names by its place: the one candidate of its project.
struct PipDirect {
    std::string text;  // the line, for messages
    std::vector<std::string> extras;
    pypi::CoreMetadata metadata;
};

// A project that is installed already, and stays as it is.
struct PipProvided {
    std::string name;  // normalised
    pypi::Pep440Version version;
    std::string by;  // "conda's pytorch", for messages
};

struct PipRequest {
    std::vector<PipLine> lines;        // asked; those whose marker does not hold count for nothing
    std::vector<PipDirect> direct;     // asked
    std::vector<PipLine> constraints;  // what only narrows
    std::vector<PipProvided> provided;
    pypi::CandidateRules rules;
    pypi::MarkerEnvironment environment;
    bool require_hashes = false;  // each file's project needs hashes of its own, as in pip
    // Builds whose local version names a CUDA ("+cu118"): the best that is not newer than this, in place of the highest
    // label. CPU builds ("+cpu") are out unless a line names one.
    bool gpu = false;
    std::string cuda;  // "11.8"; "" where it is not known
};

struct PipChoice {
    std::string name;
    pypi::Pep440Version version;
    std::optional<pypi::ProjectFile> file;  // nothing for what is direct
    std::optional<std::size_t> direct;      // index into PipRequest::direct
    bool requested = false;
    std::optional<pypi::CoreMetadata> metadata;  // of a wheel
};

struct PipStatistics {
    std::size_t projects = 0, metadata = 0, searches = 0, conflicts = 0;  // metadata: files whose metadata was read
};

struct PipSolution {
    std::vector<PipChoice> packages;  // by name; without what is provided
    // Why the answer rests on what only pip can find out: "hello-sdist 1.0 is a source archive". "" where it does not;
    // else `packages` is not the answer.
    std::string needs_pip;
    std::vector<std::string> notes;  // for people
    PipStatistics statistics;
};

// Throws Error: Unsatisfiable with an explanation (solve/unsatisfiable.hpp), InvalidInput for a marker without meaning
// and for what --require-hashes forbids, Corrupt for a file that two indexes have with different hashes, Cancelled, and
// what the provider throws.
[[nodiscard]] PipSolution solve_pip(const PipRequest& request, PipProvider& provider, const CancelToken& cancel = {});

}  // namespace envbuild::solve
