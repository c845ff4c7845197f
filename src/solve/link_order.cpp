#include "solve/link_order.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.hpp"

namespace envbuild::solve {

namespace {

std::string name_in(std::string_view spec) {
    if (const auto colons = spec.rfind("::"); colons != std::string_view::npos) spec.remove_prefix(colons + 2);
    return to_lower(trim(spec.substr(0, spec.find_first_of(" =<>!~[,|"))));
}

using Edges = std::vector<std::vector<std::size_t>>;

// For each record those that it needs, ascending, each once.
Edges needs_of(const std::vector<conda::PackageRecord>& records) {
    std::map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < records.size(); ++i) index.emplace(records[i].name, i);
    const auto python = index.find("python");
    Edges needs(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
        for (const auto& spec : records[i].depends) {
            const auto found = index.find(name_in(spec));
            if (found != index.end() && found->second != i) needs[i].push_back(found->second);
        }
        const bool is_python = python != index.end() && python->second == i;
        if (records[i].noarch == conda::Noarch::Python && python != index.end() && !is_python)
            needs[i].push_back(python->second);
        // Python and pip need each other in some channels; then it is pip that comes later.
        if (is_python) {
            std::erase_if(needs[i], [&](std::size_t j) { return records[j].noarch == conda::Noarch::Python; });
        }
        std::sort(needs[i].begin(), needs[i].end());
        needs[i].erase(std::unique(needs[i].begin(), needs[i].end()), needs[i].end());
    }
    return needs;
}

// The cycle that each belongs to, as a number from zero; alone in it where it is in none. Tarjan's, with a stack of its
// own: a channel may hold a chain of any length.
class Cycles {
  public:
    explicit Cycles(const Edges& needs)
        : needs_(needs), seen_(needs.size()), low_(needs.size()), of_(needs.size(), kNone) {
        for (std::size_t i = 0; i < needs.size(); ++i) {
            if (seen_[i] == 0) visit(i);
        }
    }

    [[nodiscard]] std::size_t of(std::size_t i) const { return of_[i]; }
    [[nodiscard]] std::size_t count() const { return count_; }

  private:
    static constexpr auto kNone = static_cast<std::size_t>(-1);
    struct Step {
        std::size_t at = 0, next = 0;  // next: of what `at` needs
    };

    void visit(std::size_t start) {
        std::vector<Step> steps;
        enter(start, steps);
        while (!steps.empty()) {
            auto& [at, next] = steps.back();
            if (next < needs_[at].size()) {
                const auto needed = needs_[at][next++];
                if (seen_[needed] == 0) {
                    enter(needed, steps);
                } else if (of_[needed] == kNone) {
                    low_[at] = std::min(low_[at], seen_[needed]);
                }
                continue;
            }
            const auto done = at;
            steps.pop_back();
            if (!steps.empty()) low_[steps.back().at] = std::min(low_[steps.back().at], low_[done]);
            if (low_[done] == seen_[done]) close(done);
        }
    }

    void enter(std::size_t i, std::vector<Step>& steps) {
        seen_[i] = low_[i] = ++clock_;
        open_.push_back(i);
        steps.push_back({i, 0});
    }

    void close(std::size_t root) {
        for (bool last = false; !last;) {
            last = open_.back() == root;
            of_[open_.back()] = count_;
            open_.pop_back();
        }
        ++count_;
    }

    const Edges& needs_;
    std::vector<std::size_t> seen_, low_, of_, open_;
    std::size_t clock_ = 0, count_ = 0;
};

// Hands out numbers in link order.
class Sorter {
  public:
    explicit Sorter(const Edges& needs)
        : cycles_(needs),
          waited_by_(needs.size()),
          inside_(needs.size()),
          members_(cycles_.count()),
          outside_(cycles_.count()),
          unfinished_(cycles_.count()) {
        for (std::size_t i = 0; i < needs.size(); ++i) {
            members_[cycles_.of(i)].push_back(i);
            ++unfinished_[cycles_.of(i)];
            for (const auto j : needs[i]) {
                waited_by_[j].push_back(i);
                ++(are_together(i, j) ? inside_[i] : outside_[cycles_.of(i)]);
            }
        }
        for (std::size_t cycle = 0; cycle < cycles_.count(); ++cycle) {
            if (outside_[cycle] == 0) admit(cycle);
        }
    }

    std::size_t take() {
        auto& from = ready_.empty() ? waiting_ : ready_;
        const auto next = *from.begin();
        from.erase(from.begin());
        for (const auto i : waited_by_[next]) {
            if (are_together(i, next) && --inside_[i] == 0 && waiting_.erase(i) > 0) ready_.insert(i);
        }
        if (--unfinished_[cycles_.of(next)] == 0) finish(cycles_.of(next));
        return next;
    }

  private:
    [[nodiscard]] bool are_together(std::size_t i, std::size_t j) const { return cycles_.of(i) == cycles_.of(j); }

    // Nothing outside of the cycle is waited for any more.
    void admit(std::size_t cycle) {
        for (const auto i : members_[cycle]) (inside_[i] == 0 ? ready_ : waiting_).insert(i);
    }

    void finish(std::size_t cycle) {
        for (const auto j : members_[cycle]) {
            for (const auto i : waited_by_[j]) {
                if (!are_together(i, j) && --outside_[cycles_.of(i)] == 0) admit(cycles_.of(i));
            }
        }
    }

    Cycles cycles_;
    Edges waited_by_;
    std::vector<std::size_t> inside_;  // by record: how many of its own cycle it waits for
    Edges members_;
    std::vector<std::size_t> outside_, unfinished_;  // by cycle: needs of others that are not finished; records left
    std::set<std::size_t> ready_, waiting_;          // waiting: for their own cycle alone
};

}  // namespace

std::vector<conda::PackageRecord> link_order(std::vector<conda::PackageRecord> records) {
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto needs = needs_of(records);
    Sorter sorter(needs);
    std::vector<conda::PackageRecord> ordered;
    ordered.reserve(records.size());
    while (ordered.size() < records.size()) ordered.push_back(std::move(records[sorter.take()]));
    return ordered;
}

}  // namespace envbuild::solve
