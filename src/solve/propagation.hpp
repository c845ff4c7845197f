// What follows from a problem without search: which packages are out and which names are in, whatever else is chosen.
// Internal to solve/.
#pragma once

#include <vector>

#include "solve/problem.hpp"

namespace envbuild::solve {

class Propagation {
  public:
    // Why a package is out.
    struct Reason {
        enum class Kind : std::uint8_t {
            Alive,
            Excluded,    // Problem::excluded says why
            Unmet,       // none of `set`, which it needs, is left
            Required,    // it is not in `set`, which a root (group -1) or every package left of `group` needs
            Barred,      // it is not in `set`, which every package left of `group` constrains it to
            Bars,        // it constrains a name that is in to `set`, of which none is left
            Restricted,  // restrict() took it away
        };
        Kind kind = Kind::Alive;
        int set = -1, group = -1;
    };

    explicit Propagation(const Problem& problem);

    // Leaves of the group only these packages, which must be there. False when nothing is left of some name that is in.
    bool restrict(int group, const std::vector<int>& packages);
    [[nodiscard]] bool consistent() const { return failed_group_ < 0; }
    [[nodiscard]] int failed_group() const { return failed_group_; }  // of which nothing is left although it must be in

    [[nodiscard]] bool alive(int package) const {
        return reasons_[static_cast<std::size_t>(package)].kind == Reason::Kind::Alive;
    }
    [[nodiscard]] const Reason& reason(int package) const { return reasons_[static_cast<std::size_t>(package)]; }
    [[nodiscard]] std::vector<int> left(int group) const;  // best first
    [[nodiscard]] bool present(int group) const { return present_[static_cast<std::size_t>(group)] != 0; }
    // Groups in the order in which they became necessary; those that became so together by name.
    [[nodiscard]] const std::vector<int>& present_groups() const { return order_; }

  private:
    void require(int group);
    void kill(int package, Reason reason);
    void restrict_to(int group, const std::vector<int>& sets, Reason reason);
    void look_at(int group);
    void run();

    const Problem& problem_;
    std::vector<Reason> reasons_;
    std::vector<char> present_, dirty_;
    std::vector<int> alive_in_group_, alive_in_set_;
    std::vector<std::vector<int>> sets_with_, needing_, barring_;  // package -> sets; set -> packages
    std::vector<std::vector<int>> sets_of_group_;
    std::vector<int> order_, fresh_, queue_;
    int failed_group_ = -1;
};

}  // namespace envbuild::solve
