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

}  // namespace

std::vector<conda::PackageRecord> link_order(std::vector<conda::PackageRecord> records) {
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::map<std::string, std::size_t, std::less<>> index;
    for (std::size_t i = 0; i < records.size(); ++i) index.emplace(records[i].name, i);

    std::vector<std::set<std::size_t>> waits(records.size()), waited_by(records.size());
    const auto python = index.find("python");
    for (std::size_t i = 0; i < records.size(); ++i) {
        for (const auto& spec : records[i].depends) {
            const auto found = index.find(name_in(spec));
            if (found != index.end() && found->second != i) waits[i].insert(found->second);
        }
        const bool is_python = python != index.end() && python->second == i;
        if (records[i].noarch == conda::Noarch::Python && python != index.end() && !is_python)
            waits[i].insert(python->second);
        // Python and pip need each other in some channels; then it is pip that comes later.
        if (is_python) {
            std::erase_if(waits[i], [&](std::size_t j) { return records[j].noarch == conda::Noarch::Python; });
        }
    }
    for (std::size_t i = 0; i < records.size(); ++i) {
        for (const auto j : waits[i]) waited_by[j].insert(i);
    }

    std::set<std::size_t> ready, left;
    for (std::size_t i = 0; i < records.size(); ++i) {
        left.insert(i);
        if (waits[i].empty()) ready.insert(i);
    }
    std::vector<conda::PackageRecord> ordered;
    ordered.reserve(records.size());
    while (!left.empty()) {
        const auto next = ready.empty() ? *left.begin() : *ready.begin();
        ready.erase(next);
        left.erase(next);
        for (const auto i : waited_by[next]) {
            waits[i].erase(next);
            if (waits[i].empty() && left.contains(i)) ready.insert(i);
        }
        ordered.push_back(std::move(records[next]));
    }
    return ordered;
}

}  // namespace envbuild::solve
