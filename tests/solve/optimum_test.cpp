// The solver against brute force on small random channels: it finds an answer exactly where there is one, and the one
// that is documented (docs/resolver.md): the requested names' versions in order, then their classes.
#include <algorithm>
#include <optional>
#include <random>

#include "solve/preference.hpp"
#include "solve/records_support.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

using Choice = std::vector<const conda::PackageRecord*>;  // one or none for each name

struct Channel {
    std::vector<std::string> names;
    std::vector<conda::PackageRecord> records;
};

class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

    std::string demand(const std::string& name) {
        return random_demand(name, [this](int limit) { return below(limit); });
    }

    Channel channel() {
        Channel made;
        const auto count = 3 + below(3);
        for (int i = 0; i < count; ++i)
            made.names.push_back(i == 2 ? "python" : std::string(1, static_cast<char>('a' + i)));
        for (const auto& name : made.names) {
            const auto versions = 1 + below(3);
            for (int version = 1; version <= versions; ++version) {
                for (int build = 0; build < 1 + below(2); ++build) {
                    std::vector<std::string> depends, constrains;
                    for (const auto& other : made.names) {
                        if (other == name) continue;
                        if (below(100) < 30) depends.push_back(demand(other));
                        if (below(100) < 12) constrains.push_back(demand(other));
                    }
                    made.records.push_back(record(name + "-" + std::to_string(version) + "-" +
                                                      (build == 0 ? "x" : "y") + "_" + std::to_string(below(2)),
                                                  depends, constrains));
                    made.records.back().timestamp = below(3);
                    if (below(8) == 0) made.records.back().track_features = {"slow"};
                }
            }
        }
        return made;
    }

    std::vector<std::string> request(const Channel& channel) {
        std::vector<std::string> texts;
        for (const auto& name : channel.names) {
            if (below(2) == 0) texts.push_back(below(3) == 0 ? demand(name) : name);
        }
        return texts;
    }

  private:
    std::mt19937 random_;
};

bool has_match(const Choice& choice, const std::string& text, bool absent_is_fine) {
    const auto wanted = value_or_throw(conda::MatchSpec::parse(text));
    for (const auto* record : choice) {
        if (record != nullptr && record->name == wanted.name()) return wanted.matches(*record);
    }
    return absent_is_fine;
}

bool is_valid(const Choice& choice, const std::vector<std::string>& request) {
    const auto met = [&](const std::string& text) { return has_match(choice, text, false); };
    if (!std::all_of(request.begin(), request.end(), met)) return false;
    return std::all_of(choice.begin(), choice.end(), [&](const auto* record) {
        return record == nullptr || (std::all_of(record->depends.begin(), record->depends.end(), met) &&
                                     std::all_of(record->constrains.begin(), record->constrains.end(),
                                                 [&](const auto& text) { return has_match(choice, text, true); }));
    });
}

std::vector<Choice> all_valid(const Channel& channel, const std::vector<std::string>& request) {
    std::vector<Choice> found, open = {{}};
    for (const auto& name : channel.names) {
        std::vector<Choice> next;
        for (const auto& choice : open) {
            next.push_back(choice);
            next.back().push_back(nullptr);
            for (const auto& record : channel.records) {
                if (record.name != name) continue;
                next.push_back(choice);
                next.back().push_back(&record);
            }
        }
        open = std::move(next);
    }
    for (auto& choice : open) {
        if (is_valid(choice, request)) found.push_back(std::move(choice));
    }
    return found;
}

const conda::PackageRecord* of_name(const Choice& choice, const std::string& name) {
    for (const auto* record : choice) {
        if (record != nullptr && record->name == name) return record;
    }
    return nullptr;
}

// Leaves only the choices that are best for the name by `compare` (less is better).
template <class Compare>
void keep_best(std::vector<Choice>& choices, const std::string& name, Compare compare) {
    const auto best = *std::min_element(choices.begin(), choices.end(), [&](const auto& a, const auto& b) {
        return compare(*of_name(a, name), *of_name(b, name)) < 0;
    });
    std::erase_if(choices,
                  [&](const auto& choice) { return compare(*of_name(choice, name), *of_name(best, name)) != 0; });
}

Candidate candidate(const conda::PackageRecord& record) {
    return {LazyRecord(record), 0};
}

// Whether everything in the answer is asked for or needed by something that is.
bool has_nothing_superfluous(const std::vector<conda::PackageRecord>& packages,
                             const std::vector<std::string>& request) {
    std::vector<std::string> open, needed;
    for (const auto& text : request) open.push_back(spec(text).name());
    while (!open.empty()) {
        const auto name = open.back();
        open.pop_back();
        if (std::find(needed.begin(), needed.end(), name) != needed.end()) continue;
        needed.push_back(name);
        for (const auto& package : packages) {
            if (package.name != name) continue;
            for (const auto& text : package.depends) open.push_back(spec(text).name());
        }
    }
    return std::all_of(packages.begin(), packages.end(), [&](const auto& package) {
        return std::find(needed.begin(), needed.end(), package.name) != needed.end();
    });
}

}  // namespace

TEST_CASE("the answer is the documented optimum") {
    int satisfiable = 0, unsatisfiable = 0;
    for (unsigned seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        Maker maker(seed);
        const auto made = maker.channel();
        const auto texts = maker.request(made);
        auto valid = all_valid(made, texts);
        auto provider = channel(made.records);
        std::optional<Solution> solution;
        std::string why;
        try {
            solution = solve::solve(request(texts), provider);
        } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::Unsatisfiable);
            why = error.to_string();
        }
        CAPTURE(why);
        REQUIRE(solution.has_value() == !valid.empty());
        if (!solution) {
            ++unsatisfiable;
            CHECK_FALSE(why.empty());
            continue;
        }
        ++satisfiable;
        Choice taken;
        for (const auto& package : solution->packages) taken.push_back(&package);
        CHECK(is_valid(taken, texts));
        CHECK(has_nothing_superfluous(solution->packages, texts));

        std::vector<std::string> names;
        for (const auto& text : texts) names.push_back(spec(text).name());
        names = order_of_names(names);
        for (const auto& name : names) {
            keep_best(valid, name, [](const auto& a, const auto& b) { return b.version <=> a.version; });
        }
        for (const auto& name : names) {
            keep_best(valid, name, [](const auto& a, const auto& b) {
                return compare_class(candidate(a), candidate(b), ChannelPriority::Strict);
            });
        }
        for (const auto& name : names) {
            const auto* expected = of_name(valid.front(), name);
            const auto* got = of_name(taken, name);
            REQUIRE(got != nullptr);
            CHECK(got->version.to_string() == expected->version.to_string());
            CHECK(std::is_eq(compare_class(candidate(*got), candidate(*expected), ChannelPriority::Strict)));
        }

        auto shuffled = texts;
        std::reverse(shuffled.begin(), shuffled.end());
        auto records = made.records;
        std::reverse(records.begin(), records.end());
        auto again = channel(records);
        CHECK(dists(solve::solve(request(shuffled), again)) == dists(*solution));
    }
    // Both kinds occur often enough to mean something.
    CHECK(satisfiable > 100);
    CHECK(unsatisfiable > 40);
}

TEST_CASE("the specs that an explanation names cannot be had together, and any fewer can") {
    int explained = 0;
    for (unsigned seed = 1000; seed < 1200; ++seed) {
        CAPTURE(seed);
        Maker maker(seed);
        const auto made = maker.channel();
        const auto texts = maker.request(made);
        auto provider = channel(made.records);
        const auto text = why_not(request(texts), provider);
        if (text.empty()) continue;
        ++explained;
        const auto head = text.substr(0, text.find('\n'));
        std::vector<std::string> named;
        for (const auto& one : texts) {
            if (head.find("'" + one + "'") != std::string::npos) named.push_back(one);
        }
        CAPTURE(text);
        REQUIRE_FALSE(named.empty());
        CHECK(all_valid(made, named).empty());
        for (std::size_t i = 0; i < named.size(); ++i) {
            auto fewer = named;
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
            CHECK_FALSE(all_valid(made, fewer).empty());
        }
    }
    CHECK(explained > 20);
}
