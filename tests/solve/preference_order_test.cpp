// The whole order of docs/resolver.md against brute force: every set of packages that fulfils the request is listed,
// and the documented choices are made on that list, by code that shares only the comparison of two candidates with the
// solver. The answer must be the same to the last package, with every channel priority, with pins, virtual packages,
// held packages, constraints and track_features.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "solve/preference.hpp"
#include "solve/records_support.hpp"
#include "solve/verify_answer.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

struct Made {
    std::vector<std::pair<std::string, std::vector<conda::PackageRecord>>> channels;
    Request request;
    ChannelPriority priority = ChannelPriority::Strict;
};

class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    Made make() {
        Made made;
        made.priority = static_cast<ChannelPriority>(below(3));
        const std::vector<std::string> all = {"a", "b", "python", "d", "e"};
        names_.assign(all.begin(), all.begin() + 3 + below(3));
        made.channels = {{"first", {}}, {"second", {}}};
        for (auto& [channel, records] : made.channels) {
            for (const auto& name : names_) {
                if (below(channel == "first" ? 4 : 2) == 0) continue;
                add_records(name, records);
            }
        }
        for (const auto& name : names_) {
            if (below(2) == 0) made.request.specs.push_back(spec(below(3) == 0 ? demand(name) : name));
            if (below(12) == 0) made.request.constraints.push_back(spec(demand(name)));
        }
        if (below(3) != 0) {
            made.request.virtual_packages = *virtual_records({{"__v", std::to_string(1 + below(3))}});
        }
        return made;
    }

    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

  private:
    std::string demand(const std::string& name) {
        return random_demand(name, [this](int limit) { return below(limit); });
    }

    void add_records(const std::string& name, std::vector<conda::PackageRecord>& records) {
        const auto versions = 1 + below(3);
        for (int version = 1; version <= versions; ++version) {
            for (const std::string letter : {"x", "y"}) {
                if (letter == "y" && below(3) == 0) continue;
                std::vector<std::string> depends, constrains;
                for (const auto& other : names_) {
                    if (other == name) continue;
                    if (below(100) < 25) depends.push_back(demand(other));
                    if (below(100) < 10) constrains.push_back(demand(other));
                }
                if (below(12) == 0) depends.push_back("__v >=" + std::to_string(1 + below(3)));
                if (below(12) == 0) constrains.push_back("__v <" + std::to_string(2 + below(3)));
                auto& made = records.emplace_back(record(fmt::format("{}-{}-{}_{}", name, version, letter, below(2)),
                                                         std::move(depends), std::move(constrains)));
                made.timestamp = below(3);
                if (below(8) == 0) made.track_features = {"slow"};
            }
        }
    }

    std::mt19937 random_;
    std::vector<std::string> names_;
};

// Every answer there is, and the documented choice among them.
class BruteForce {
  public:
    BruteForce(const Request& request, CandidateProvider& provider, const std::vector<std::string>& names)
        : request_(request), priority_(provider.priority()) {
        for (const auto& name : names) {
            auto& slot = slots_.emplace_back();
            slot.name = name;
            slot.packages = provider.offer(name, "").usable;
            std::sort(slot.packages.begin(), slot.packages.end(), [&](const auto& a, const auto& b) {
                return hold(a) != hold(b) ? hold(a) < hold(b) : std::is_lt(compare_candidates(a, b, priority_));
            });
        }
        list();
    }

    // In the order of names; nothing where there is no answer.
    std::optional<std::vector<std::string>> best() {
        if (answers_.empty()) return std::nullopt;
        std::vector<std::string> names;
        for (const auto& spec : request_.specs) names.push_back(spec.name());
        std::vector<std::size_t> chosen;
        for (const auto& name : order_of_names(names)) chosen.push_back(slot_of(name));
        for (const auto slot : chosen)
            keep_best(slot, [&](const auto& a, const auto& b) { return same_version(a, b); });
        for (const auto slot : chosen) keep_best(slot, [&](const auto& a, const auto& b) { return same_class(a, b); });
        auto met = std::set<std::size_t>(chosen.begin(), chosen.end());
        std::vector<std::size_t> waiting;
        while (true) {
            for (const auto slot : necessary(chosen, met)) waiting.push_back(slot), met.insert(slot);
            if (!waiting.empty()) {
                chosen.push_back(waiting.front());
                waiting.erase(waiting.begin());
                keep_best(chosen.back(), [&](const auto& a, const auto& b) { return same_class(a, b); });
                continue;
            }
            const auto tie =
                std::find_if(chosen.begin(), chosen.end(), [&](std::size_t slot) { return possible(slot).size() > 1; });
            if (tie == chosen.end()) break;
            keep_best(*tie, [](const auto& a, const auto& b) { return a.record->url == b.record->url; });
        }
        std::vector<std::string> urls;
        for (const auto slot : chosen) {
            urls.push_back(slots_[slot].packages[*possible(slot).begin()].record->url.to_string());
        }
        std::sort(urls.begin(), urls.end());
        return urls;
    }

  private:
    struct Slot {
        std::string name;
        std::vector<Candidate> packages;  // best first
    };
    using Answer = std::vector<int>;  // a place for each slot, -1 for none

    // 0 for a held file, 1 for its version, 2 for others.
    [[nodiscard]] int hold(const Candidate& candidate) const {
        const auto any = [&](const auto& fits) {
            return std::any_of(request_.held.begin(), request_.held.end(), [&](const auto& record) {
                return record.name == candidate.record->name && fits(record);
            });
        };
        if (any([&](const auto& record) { return record.url == candidate.record->url; })) return 0;
        return any([&](const auto& record) { return record.version == candidate.record->version; }) ? 1 : 2;
    }
    [[nodiscard]] bool same_version(const Candidate& a, const Candidate& b) const {
        if (hold(a) != hold(b)) return false;
        if (hold(a) == 0) return a.record->url == b.record->url;
        if (priority_ == ChannelPriority::Flexible && a.channel_rank != b.channel_rank) return false;
        return a.record->version == b.record->version;
    }
    [[nodiscard]] bool same_class(const Candidate& a, const Candidate& b) const {
        if (hold(a) != hold(b)) return false;
        if (hold(a) == 0) return a.record->url == b.record->url;
        return std::is_eq(compare_class(a, b, priority_));
    }

    std::size_t slot_of(const std::string& name) const {
        return static_cast<std::size_t>(
            std::find_if(slots_.begin(), slots_.end(), [&](const auto& slot) { return slot.name == name; }) -
            slots_.begin());
    }

    // Which packages of which slot a text allows; virtual packages decide at once.
    struct Demand {
        std::size_t slot = 0;
        std::vector<bool> fits;
        bool absent_is_fine = false;
        [[nodiscard]] bool met(const Answer& answer) const {
            return answer[slot] < 0 ? absent_is_fine : fits[static_cast<std::size_t>(answer[slot])];
        }
    };
    // False where a virtual package rules the text out.
    bool compile(const conda::MatchSpec& wanted, bool absent_is_fine, std::vector<Demand>& demands) {
        if (wanted.name().starts_with("__")) {
            const auto& have = request_.virtual_packages;
            const auto found =
                std::find_if(have.begin(), have.end(), [&](const auto& one) { return one.name == wanted.name(); });
            return found == have.end() ? absent_is_fine : wanted.matches(*found);
        }
        auto& demand = demands.emplace_back();
        demand.slot = slot_of(wanted.name());
        demand.absent_is_fine = absent_is_fine;
        for (const auto& package : slots_[demand.slot].packages) demand.fits.push_back(wanted.matches(*package.record));
        return true;
    }

    void list() {
        std::vector<Demand> asked;
        for (const auto& one : request_.specs) compile(one, false, asked);
        for (const auto& one : request_.constraints) compile(one.spec, true, asked);
        std::vector<std::vector<std::vector<Demand>>> demands(slots_.size());
        std::vector<std::vector<bool>> usable(slots_.size());
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
            for (const auto& package : slots_[slot].packages) {
                auto& own = demands[slot].emplace_back();
                bool fine = true;
                for (const auto& text : package.record->depends) fine = compile(spec(text), false, own) && fine;
                for (const auto& text : package.record->constrains) fine = compile(spec(text), true, own) && fine;
                usable[slot].push_back(fine);
            }
        }
        Answer answer(slots_.size(), -1);
        const auto met = [&](const std::vector<Demand>& list) {
            return std::all_of(list.begin(), list.end(), [&](const auto& demand) { return demand.met(answer); });
        };
        while (true) {
            bool valid = met(asked);
            for (std::size_t slot = 0; slot < slots_.size() && valid; ++slot) {
                if (answer[slot] < 0) continue;
                const auto place = static_cast<std::size_t>(answer[slot]);
                valid = usable[slot][place] && met(demands[slot][place]);
            }
            if (valid) answers_.push_back(answer);
            std::size_t slot = 0;
            while (slot < slots_.size() && ++answer[slot] == static_cast<int>(slots_[slot].packages.size())) {
                answer[slot++] = -1;
            }
            if (slot == slots_.size()) return;
        }
    }

    [[nodiscard]] std::set<std::size_t> possible(std::size_t slot) const {
        std::set<std::size_t> places;
        for (const auto& answer : answers_) {
            REQUIRE(answer[slot] >= 0);
            places.insert(static_cast<std::size_t>(answer[slot]));
        }
        return places;
    }

    template <class Same>
    void keep_best(std::size_t slot, Same same) {
        const auto& packages = slots_[slot].packages;
        const auto& best = packages[*possible(slot).begin()];
        std::erase_if(answers_, [&](const auto& answer) {
            return !same(packages[static_cast<std::size_t>(answer[slot])], best);
        });
    }

    // By name.
    std::vector<std::size_t> necessary(const std::vector<std::size_t>& chosen, const std::set<std::size_t>& met) {
        std::map<std::string, std::size_t> found;
        for (const auto slot : chosen) {
            const auto places = possible(slot);
            std::map<std::string, std::size_t> needed_by;
            for (const auto place : places) {
                std::set<std::string> names;
                for (const auto& text : slots_[slot].packages[place].record->depends) names.insert(spec(text).name());
                for (const auto& name : names) ++needed_by[name];
            }
            for (const auto& [name, count] : needed_by) {
                if (count < places.size() || name.starts_with("__")) continue;
                if (const auto needed = slot_of(name); !met.contains(needed)) found[name] = needed;
            }
        }
        std::vector<std::size_t> slots;
        for (const auto& entry : found) slots.push_back(entry.second);
        return slots;
    }

    const Request& request_;
    ChannelPriority priority_;
    std::vector<Slot> slots_;
    std::vector<Answer> answers_;
};

}  // namespace

TEST_CASE("the answer is the documented one to the last package") {
    int satisfiable = 0, unsatisfiable = 0, larger = 0;
    for (unsigned seed = 0; seed < 2500; ++seed) {
        CAPTURE(seed);
        Maker maker(seed);
        auto made = maker.make();
        auto provider = channels(made.channels, made.priority);
        if (maker.below(4) == 0) {
            for (const auto& candidate : provider.offer("b", "").usable) {
                if (maker.below(3) != 0) continue;
                made.request.held.push_back(*candidate.record);
                // A file that is gone: what is left of it is the version.
                auto& held = made.request.held.back();
                if (maker.below(2) == 0) held.url = value_or_throw(Url::parse(held.url.to_string() + ".old"));
            }
        }
        BruteForce brute_force(made.request, provider, {"a", "b", "python", "d", "e"});
        const auto expected = brute_force.best();
        std::optional<Solution> solution;
        try {
            solution = solve::solve(made.request, provider);
        } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::Unsatisfiable);
        }
        REQUIRE(solution.has_value() == expected.has_value());
        ++(expected ? satisfiable : unsatisfiable);
        if (!expected) continue;
        if (expected->size() > made.request.specs.size()) ++larger;
        std::vector<std::string> urls;
        for (const auto& package : solution->packages) urls.push_back(package.url.to_string());
        std::sort(urls.begin(), urls.end());
        CHECK(urls == *expected);
        CHECK(faults_of_answer(made.request, solution->packages).empty());
    }
    // All kinds occur often enough to mean something.
    CHECK(satisfiable > 1000);
    CHECK(unsatisfiable > 400);
    CHECK(larger > 400);
}
