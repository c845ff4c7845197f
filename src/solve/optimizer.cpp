#include "solve/optimizer.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace envbuild::solve {

namespace {

// What distinguishes the steps in which a name is pinned: to one version, to one class, to one package.
enum class Grain : std::uint8_t { Version, Class, Package };

// An answer is at hand all the time, and a choice that it agrees with costs no search. What is chosen becomes a fact of
// the search, as does what turns out to be impossible: choices are never taken back.
class Optimizer {
  public:
    Optimizer(Universe& universe, ReachedRequest& reached, const CancelToken& cancel)
        : universe_(universe), reached_(reached), search_(reached.search()), cancel_(cancel) {}

    std::optional<BestAnswer> run(const std::vector<std::string>& requested) {
        if (!search({})) return std::nullopt;
        at_hand_ = answer();
        // Virtual packages are part of the target: there is nothing to choose, and nothing to install.
        for (const auto& name : requested) {
            if (const auto group = reached_.group(universe_.name_id(name)); !reached_.is_virtual(group))
                chosen_.push_back(group);
        }
        met_.insert(chosen_.begin(), chosen_.end());
        for (const auto grain : {Grain::Version, Grain::Class}) {
            for (const auto group : chosen_) pin(group, grain);
        }
        while (next_dependency() || next_tie()) {
        }
        BestAnswer best;
        best.searches = searches_;
        for (const auto group : chosen_) best.packages.push_back(reached_.package(group, at_hand_.at(group)));
        return best;
    }

  private:
    using Answer = std::unordered_map<int, int>;  // group -> place

    // A name that has become necessary and has not chosen yet.
    bool next_dependency() {
        find_necessary();
        if (waiting_from_ == waiting_.size()) return false;
        const auto group = waiting_[waiting_from_++];
        chosen_.push_back(group);
        pin(group, Grain::Class);
        return true;
    }

    bool next_tie() {
        for (; untied_ < chosen_.size(); ++untied_) {
            if (left(chosen_[untied_]).size() <= 1) continue;
            pin(chosen_[untied_], Grain::Package);
            return true;
        }
        return false;
    }

    // Names that every package which is still possible of some chosen name needs. Those that become so together wait in
    // the order of their names.
    void find_necessary() {
        std::vector<int> found;
        for (const auto group : chosen_) {
            if (settled_.contains(group)) continue;
            const auto places = left(group);
            for (const auto name : reached_.needed_names(reached_.package(group, at_hand_.at(group)))) {
                const auto needed = reached_.group(name);
                if (!met_.contains(needed) && all_need(group, places, name)) {
                    met_.insert(needed);
                    found.push_back(needed);
                }
            }
            if (places.size() == 1) settled_.insert(group);
        }
        const auto text = [&](int group) { return universe_.name_text(reached_.name(group)); };
        std::sort(found.begin(), found.end(), [&](int a, int b) { return text(a) < text(b); });
        waiting_.insert(waiting_.end(), found.begin(), found.end());
    }

    bool all_need(int group, const std::vector<int>& places, int name) {
        return std::all_of(places.begin(), places.end(), [&](int place) {
            const auto& names = reached_.needed_names(reached_.package(group, place));
            return std::binary_search(names.begin(), names.end(), name) || !is_possible(group, place);
        });
    }

    // Whether some answer that keeps all choices takes the package.
    bool is_possible(int group, int place) {
        if (at_hand_.at(group) == place) return true;
        if (!search_.is_left(group, place)) return false;
        const auto keeps_choices = [&](const Answer& witness) {
            return std::all_of(pinned_.begin(), pinned_.end(), [&](const auto& pin) {
                const auto taken = witness.find(pin.first);
                return taken != witness.end() &&
                       std::find(pin.second.begin(), pin.second.end(), taken->second) != pin.second.end();
            });
        };
        const auto package = search_.package(group, place);
        auto& witness = witnesses_[package.variable()];
        if (!witness.empty() && keeps_choices(witness)) return true;
        if (search({package})) {
            witness = answer();
            return true;
        }
        adopt(~package);
        return false;
    }

    // Places that facts leave, best first.
    std::vector<int> left(int group) {
        if (!search_.settle_facts()) throw Error(ErrorKind::Bug, "the resolver's choices contradict each other");
        search_.load(group);
        // What is no worse than what is at hand counts as left only where its own needs leave it.
        if (const auto taken = at_hand_.find(group); taken != at_hand_.end()) {
            search_.consider(group, taken->second);
            if (!search_.settle_facts()) throw Error(ErrorKind::Bug, "the resolver's choices contradict each other");
        }
        std::vector<int> places;
        for (int place = 0; place < search_.group_size(group); ++place) {
            if (search_.is_left(group, place)) places.push_back(place);
        }
        return places;
    }

    [[nodiscard]] bool same_block(int group, int a, int b, Grain grain) {
        if (a == b || grain == Grain::Package) return a == b;
        return universe_.same_block(reached_.package(group, a), reached_.package(group, b), grain == Grain::Version);
    }

    // Leaves of the group only its best block for which an answer exists.
    void pin(int group, Grain grain) {
        while (true) {
            const auto places = left(group);
            const auto in_hand = std::find(places.begin(), places.end(), at_hand_.at(group));
            const auto end_of_block = [&](auto first) {
                return std::find_if(first, places.end(),
                                    [&](int place) { return !same_block(group, *first, place, grain); });
            };
            const auto end = end_of_block(places.begin());
            const std::vector<int> block(places.begin(), end);
            const bool agrees = in_hand < end;
            if (agrees && block.size() == places.size()) {
                pinned_[group] = block;
                return;
            }
            const auto best = choice(group, block);
            if (agrees || improve(best)) {
                pinned_[group] = block;
                adopt(best);
                return;
            }
            adopt(~best);
            // The best block is impossible. Whether anything better than what is at hand exists is one question more.
            const auto current =
                std::find_if(end, places.end(), [&](int place) { return same_block(group, *in_hand, place, grain); });
            const std::vector<int> between(end, current);
            if (between.empty()) continue;
            const auto better = choice(group, between);
            if (!improve(better)) adopt(~better);
        }
    }

    Literal choice(int group, const std::vector<int>& places) {
        if (places.size() == 1) return search_.package(group, places.front());
        return Literal::yes(search_.add_choice(group, places));
    }

    void adopt(Literal fact) { search_.add_fact(fact); }

    // Looks for an answer in which this holds; it is at hand from then on.
    bool improve(Literal wanted) {
        if (!search({wanted})) return false;
        at_hand_ = answer();
        return true;
    }

    bool search(const std::vector<Literal>& assumptions) {
        cancel_.throw_if_cancelled();
        ++searches_;
        return search_.solve(assumptions, cancel_);
    }

    [[nodiscard]] Answer answer() const {
        Answer taken;
        for (const auto group : search_.answer_groups()) taken[group] = search_.answer(group);
        return taken;
    }

    Universe& universe_;
    ReachedRequest& reached_;
    CdclSearch& search_;
    const CancelToken& cancel_;
    std::vector<int> chosen_;   // groups that have their class, in the order in which they chose
    std::vector<int> waiting_;  // necessary ones, in the order in which they became so
    std::size_t waiting_from_ = 0, untied_ = 0;
    std::set<int> met_;      // chosen or waiting
    std::set<int> settled_;  // of which one package is left, whose needs are met
    std::unordered_map<int, std::vector<int>> pinned_;
    std::unordered_map<int, Answer> witnesses_;  // by package variable
    Answer at_hand_;
    std::size_t searches_ = 0;
};

}  // namespace

std::optional<BestAnswer> find_best(Universe& universe, ReachedRequest& reached,
                                    const std::vector<std::string>& requested, const CancelToken& cancel) {
    return Optimizer(universe, reached, cancel).run(requested);
}

}  // namespace envbuild::solve
