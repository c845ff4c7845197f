// Which files of a project a target can use, and which of them are best: as pip's finder has it, with PEP 592 (yanked),
// PEP 440 (pre-releases) and the order of tags. Pure functions over what the indexes said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "pypi/file_name.hpp"
#include "pypi/package_index.hpp"
#include "pypi/requirement.hpp"
#include "pypi/specifier.hpp"
#include "pypi/tag.hpp"

namespace envbuild::pypi {

// What a target and a requirements file say about any project.
struct CandidateRules {
    TagSet tags;
    std::string python;  // "3.11.4"
    bool pre = false;    // --pre
    bool prefer_binary = false;
    std::vector<std::string> no_binary = {}, only_binary = {};  // normalised names, ":all:"
    bool allow_unhashed = false;                                // take files of servers that give no sha256
};

// A file that the target can use. Points into the Project it is of.
struct Candidate {
    Pep440Version version;
    const ProjectFile* file = nullptr;
    std::optional<WheelName> wheel;  // nothing for a source archive
    std::size_t rank = 0;            // of the wheel's best tag
    [[nodiscard]] bool is_yanked() const { return file->file.yanked.has_value(); }
};

struct Rejection {
    enum class Reason : std::uint8_t { Name, Format, Tags, Python, Hash };
    Reason reason = Reason::Name;
    std::string filename;
    std::optional<Pep440Version> version;  // nothing for Name
    std::string detail;                    // of Tags the wheel's tag, of Python its Requires-Python
};

struct Candidates {
    std::string name;
    // By version, newest first; of one version wheels by the rank of their tags and then by build tag, the source
    // archive behind them. With prefer_binary, all wheels come before all source archives.
    std::vector<Candidate> usable;
    std::vector<Rejection> rejected;
};

// `project` outlives what is given back.
[[nodiscard]] Candidates find_candidates(const Project& project, const CandidateRules& rules);

// What one request allows: the best file of each version that `specifier` takes, in the order of `usable`.
// Pre-releases are among them with --pre, where the specifier names one, and where it takes nothing else. Yanked files
// are used only where the specifier pins the version ("==" without ".*", "===") and nothing else fits. With `hashes`
// ("sha256:…"), only files that have one of them. Corrupt, with its message, where a disputed file would be taken.
[[nodiscard]] Expected<std::vector<const Candidate*>> select_candidates(const Candidates& candidates,
                                                                        const SpecifierSet& specifier,
                                                                        const CandidateRules& rules,
                                                                        const std::vector<std::string>& hashes = {});

// Unsatisfiable: why select_candidates() gave none. Names the versions there are, Requires-Python where it is to blame,
// and the tags that were tried and those that are offered where no wheel fits.
[[nodiscard]] Error no_candidate_error(const Candidates& candidates, const SpecifierSet& specifier,
                                       const CandidateRules& rules, const std::vector<std::string>& hashes = {});

}  // namespace envbuild::pypi
