// Everything that a request can reach, loaded as it is reached and kept for every search that the request needs:
// packages, specs and which package fits which spec, all as small integers. Internal to solve/.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "conda/match_spec.hpp"
#include "solve/preference.hpp"
#include "solve/solver.hpp"

namespace envbuild::solve {

class Universe {
  public:
    // How much of what the request holds on to a package is.
    enum class Hold : std::uint8_t { File, Version, None };
    struct Package {
        Candidate candidate;
        int name = 0;
        Hold hold = Hold::None;
        bool parsed = false;
        std::string fault;             // why its metadata cannot be read; "" where it can
        std::vector<int> needs, bars;  // specs: of depends, of constrains
    };
    struct Name {
        std::string text;
        bool loaded = false;
        std::string channel;                    // the channel that a request's spec names; "" for any
        std::vector<int> packages;              // best first
        std::vector<std::size_t> version_ends;  // for each, where the run of packages with its version's text ends
        std::vector<Candidate> hidden;          // by channel priority
        std::vector<Candidate> without_hash;    // refused for having no sha256
        conda::NameRecords::LeftOut left_out;   // by those who read the channels
        std::optional<bool> in_both;            // once comes_in_both() was asked
    };
    struct Spec {
        conda::MatchSpec match;
        int name = 0;
        bool evaluated = false;
        std::vector<int> providers;  // packages that fit, best first
    };

    Universe(const Request& request, CandidateProvider& provider);

    // Error(InvalidInput) for a spec whose name is a pattern.
    int intern(const conda::MatchSpec& spec);
    [[nodiscard]] std::optional<int> intern(const std::string& text);  // of a record; nothing where it does not parse
    int name_id(const std::string& name);

    [[nodiscard]] const Name& name(int id);        // loaded
    [[nodiscard]] bool comes_in_both(int name);    // in GPU builds and others
    [[nodiscard]] const Spec& spec(int id);        // evaluated
    [[nodiscard]] const Package& package(int id);  // parsed
    [[nodiscard]] const Package& package_unparsed(int id) const { return packages_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] const Spec& spec_unevaluated(int id) const { return specs_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] int spec_name(int id) const { return specs_[static_cast<std::size_t>(id)].name; }
    [[nodiscard]] const std::string& name_text(int id) const { return names_[static_cast<std::size_t>(id)].text; }
    [[nodiscard]] CandidateProvider& provider() { return provider_; }
    [[nodiscard]] const Request& request() const { return request_; }

    // 0 where the packages are equal in steps 1 to 6 of preference.hpp; with `version_only`, in steps 1 to 3.
    [[nodiscard]] bool same_block(int a, int b, bool version_only) const;

  private:
    void load(Name& name);

    const Request& request_;
    CandidateProvider& provider_;
    std::deque<Name> names_;  // deques: references stay valid while more is loaded
    std::deque<Spec> specs_;
    std::deque<Package> packages_;
    std::unordered_map<std::string, int> name_ids_, spec_ids_;
};

}  // namespace envbuild::solve
