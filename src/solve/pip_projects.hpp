// Projects as the search of pip's half sees them: their versions, best first, what a version needs, and which versions
// fit which requirement. All as small integers, read when they are reached. Internal to solve/.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "solve/pip_solver.hpp"

namespace envbuild::solve {

class PipProjects {
  public:
    // One requirement of a package, or of the request.
    struct Need {
        int spec = 0;  // of the project itself
        std::vector<std::string> extras;
    };
    // What a version needs for one extra, beside what it needs anyway.
    struct Extra {
        std::vector<Need> needs;
        std::string needs_pip;
    };
    struct Version {
        pypi::Pep440Version version;
        std::vector<const pypi::Candidate*> files;  // best first; none of what is direct or provided
        bool yanked = false;
        std::string code, reason;  // why it is out from the start; "" mostly

        // Known once it was read:
        bool read = false;
        std::string fault;                           // why it cannot be used
        const pypi::Candidate* file = nullptr;       // the one that would be taken
        std::optional<pypi::CoreMetadata> metadata;  // of a wheel
        std::string needs_pip;                       // PipSolution::needs_pip; of an extra's own: in `extras`
        std::vector<Need> needs;
        std::map<std::string, Extra> extras;  // once asked for
    };
    enum class Source : std::uint8_t { Index, Direct, Provided };
    struct Project {
        std::string name;
        bool loaded = false;
        Source source = Source::Index;
        std::size_t index = 0;  // of what is direct or provided: in the request
        std::shared_ptr<const pypi::Project> pages;
        pypi::Candidates candidates;
        std::vector<Version> versions;  // best first
        bool prereleases = false;       // are taken by every specifier that contains them
        bool yanked = false;
        pypi::SpecifierSet asked;         // what lines and constraints say together
        std::vector<std::string> hashes;  // of lines and constraints; empty for any
        bool hashed = false;
        bool is_asked = false;
    };
    struct Spec {
        int project = 0;
        pypi::SpecifierSet specifier;
        std::optional<int> only;  // this version and no other
        bool evaluated = false;
        std::vector<int> versions;  // places, best first
    };

    PipProjects(const PipRequest& request, PipProvider& provider);

    int project_id(const std::string& name);
    int spec_id(int project, const pypi::SpecifierSet& specifier);
    int exact_spec(int project, int version);
    [[nodiscard]] const Project& project(int id);  // loaded
    [[nodiscard]] const Spec& spec(int id);        // evaluated
    [[nodiscard]] int spec_project(int id) const { return specs_[static_cast<std::size_t>(id)].project; }
    [[nodiscard]] const std::string& name(int id) const { return projects_[static_cast<std::size_t>(id)].name; }
    [[nodiscard]] std::size_t size() const { return projects_.size(); }
    [[nodiscard]] bool is_loaded(int id) const { return projects_[static_cast<std::size_t>(id)].loaded; }
    [[nodiscard]] std::size_t metadata_read() const { return metadata_read_; }
    [[nodiscard]] const PipRequest& request() const { return request_; }
    [[nodiscard]] PipProvider& provider() { return provider_; }

    // A version whose needs are known. Throws as solve_pip().
    const Version& read(int project, int version);
    [[nodiscard]] const Version& version(int project, int version);  // perhaps not read
    const std::vector<Need>& extra_needs(int project, int version, const std::string& extra);
    // What the request asks for: the lines whose markers hold, by project, with the place of each line in the request;
    // lines come before what is direct.
    struct Asked {
        Need need;
        std::string text;
    };
    [[nodiscard]] const std::vector<Asked>& asked() const { return asked_; }
    [[nodiscard]] const std::vector<Asked>& constraints() const { return constraints_; }

    // "numpy>=1.2", "requests[socks]".
    [[nodiscard]] std::string spec_text(int spec, const std::vector<std::string>& extras = {});

    // Asks for pages and metadata of the best candidates ahead of the search, several at a time. No answer depends on
    // it.
    void prefetch(const CancelToken& cancel);

    // Lets pre-releases and yanked versions of projects be taken that one of these specs asks for by itself, though
    // others that it must go with do not. False where there is no further such project. The specs are those of a search
    // that failed: what others were read, ahead of it or in vain, must not count.
    bool widen(const std::set<int>& specs);

  private:
    void load(Project& project);
    void load_index(Project& project);
    void order_for_gpu(Project& project) const;
    void allow_by_request(Project& project) const;
    void read_wheel(Project& project, Version& version);
    // Why a wheel cannot be used that has this metadata; "" where it can.
    [[nodiscard]] std::string unusable(const Expected<pypi::CoreMetadata>& metadata) const;
    void read_ahead(const Project& project, int version);
    std::optional<Need> need_of(const pypi::Requirement& requirement);
    void take_line(const PipLine& line, std::vector<Asked>& out, bool constraint);
    std::vector<int> members(const Project& project, const pypi::SpecifierSet& specifier) const;

    const PipRequest& request_;
    PipProvider& provider_;
    std::deque<Project> projects_;  // deques: references stay valid while more is loaded
    std::deque<Spec> specs_;
    std::unordered_map<std::string, int> project_ids_;
    std::map<std::pair<int, std::string>, int> spec_ids_;
    std::vector<Asked> asked_, constraints_;
    std::size_t metadata_read_ = 0;
};

}  // namespace envbuild::solve
