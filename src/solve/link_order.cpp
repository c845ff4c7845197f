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

using Waits = std::vector<std::set<std::size_t>>;

std::set<std::size_t> reached_from(std::size_t start, const Waits& waits) {
    std::set<std::size_t> reached;
    std::vector<std::size_t> open = {start};
    while (!open.empty()) {
        const auto at = open.back();
        open.pop_back();
        for (const auto next : waits[at]) {
            if (reached.insert(next).second) open.push_back(next);
        }
    }
    return reached;
}

// What each waits for: what it needs, and the whole of a cycle that it needs and is no part of.
class Waiting {
  public:
    explicit Waiting(const Waits& needs) : left_(needs) {
        for (std::size_t i = 0; i < needs.size(); ++i) reached_.push_back(reached_from(i, needs));
        for (std::size_t i = 0; i < needs.size(); ++i) {
            for (const auto j : reached_[i]) {
                if (!in_one_cycle(i, j)) left_[i].insert(j);
            }
        }
    }

    [[nodiscard]] const Waits& left() const { return left_; }
    // Whether nothing is left for which `i` waits; `done` no longer is.
    bool finish(std::size_t done, std::size_t i) { return left_[i].erase(done), left_[i].empty(); }
    // The first of what waits for nothing but its own cycle.
    [[nodiscard]] std::size_t first_of_cycle(const std::set<std::size_t>& among) const {
        return *std::ranges::find_if(among, [&](std::size_t i) {
            return std::ranges::all_of(left_[i], [&](std::size_t j) { return in_one_cycle(i, j); });
        });
    }

  private:
    [[nodiscard]] bool in_one_cycle(std::size_t i, std::size_t j) const {
        return reached_[i].contains(j) && reached_[j].contains(i);
    }

    Waits reached_, left_;
};

}  // namespace

std::vector<conda::PackageRecord> link_order(std::vector<conda::PackageRecord> records) {
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::map<std::string, std::size_t, std::less<>> index;
    for (std::size_t i = 0; i < records.size(); ++i) index.emplace(records[i].name, i);

    Waits needs(records.size()), waited_by(records.size());
    const auto python = index.find("python");
    for (std::size_t i = 0; i < records.size(); ++i) {
        for (const auto& spec : records[i].depends) {
            const auto found = index.find(name_in(spec));
            if (found != index.end() && found->second != i) needs[i].insert(found->second);
        }
        const bool is_python = python != index.end() && python->second == i;
        if (records[i].noarch == conda::Noarch::Python && python != index.end() && !is_python)
            needs[i].insert(python->second);
        // Python and pip need each other in some channels; then it is pip that comes later.
        if (is_python) {
            std::erase_if(needs[i], [&](std::size_t j) { return records[j].noarch == conda::Noarch::Python; });
        }
    }
    Waiting waiting(needs);
    for (std::size_t i = 0; i < records.size(); ++i) {
        for (const auto j : waiting.left()[i]) waited_by[j].insert(i);
    }

    std::set<std::size_t> ready, left;
    for (std::size_t i = 0; i < records.size(); ++i) {
        left.insert(i);
        if (waiting.left()[i].empty()) ready.insert(i);
    }
    std::vector<conda::PackageRecord> ordered;
    ordered.reserve(records.size());
    while (!left.empty()) {
        const auto next = ready.empty() ? waiting.first_of_cycle(left) : *ready.begin();
        ready.erase(next);
        left.erase(next);
        for (const auto i : waited_by[next]) {
            if (waiting.finish(next, i) && left.contains(i)) ready.insert(i);
        }
        ordered.push_back(std::move(records[next]));
    }
    return ordered;
}

}  // namespace envbuild::solve
