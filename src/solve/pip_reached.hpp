// A request of pip's half as the search sees it: names become groups, versions are read where the search considers
// them. Internal to solve/.
//
// Three kinds of groups: of a project, its versions; of a project's extra ("requests[socks]"), the same versions, each
// of which needs that very version of the project; and of an extra at one version, a single package with what the extra
// needs there. The third keeps the second from being read, which would fetch metadata, only to be found out of step
// with the project.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "solve/cdcl_search.hpp"
#include "solve/pip_projects.hpp"

namespace envbuild::solve {

class PipReached : public CdclSource {
  public:
    // What the request asks for holds as facts; or as assumptions, which the caller gives.
    enum class Asked : std::uint8_t { Facts, Assumptions };
    explicit PipReached(PipProjects& projects, Asked asked = Asked::Facts);

    [[nodiscard]] CdclSearch& search() { return search_; }
    // What stands for one of PipProjects::asked(), or constraints().
    [[nodiscard]] std::vector<Literal> asked_literals(std::size_t index);
    [[nodiscard]] Literal constraint_literal(std::size_t index);

    enum class Kind : std::uint8_t { Project, Extra, ExtraNeeds };
    struct Group {
        Kind kind = Kind::Project;
        int project = 0;
        std::string extra = {};
        int place = -1;  // of ExtraNeeds: the version
        auto operator<=>(const Group&) const = default;
    };
    [[nodiscard]] const Group& group(int id) const { return groups_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] int groups() const { return static_cast<int>(groups_.size()); }
    [[nodiscard]] int group_id(const Group& group);
    // The groups that a package needs; known once the search considered it.
    [[nodiscard]] const std::vector<int>& needed_groups(int group, int place);
    // Of lines, constraints and the versions that were read, those whose project the search looked into.
    [[nodiscard]] std::set<int> specs() const;
    // How groups that become necessary together are sorted: by project, the project before its extras.
    [[nodiscard]] std::pair<std::string, std::string> order_of(int group) const;

    std::vector<int> open(int group) override;
    Package read(int group, int place) override;
    std::vector<int> members(int group, int tag) override;
    [[nodiscard]] bool is_cheap_to_read() const override { return false; }

  private:
    static constexpr int kAny = -1;  // a tag: every package of the group
    int set(int group, int tag, CdclSearch::SetKind kind);
    void add_need(const PipProjects::Need& need, std::vector<int>& sets, std::vector<int>& groups);

    PipProjects& projects_;
    std::vector<Group> groups_;
    std::map<Group, int> ids_;
    std::map<std::tuple<int, int, CdclSearch::SetKind>, int> sets_;
    std::map<std::pair<int, int>, std::vector<int>> needed_;
    CdclSearch search_;
};

}  // namespace envbuild::solve
