// What an answer must not depend on: records that nothing reaches, and the order in which a channel lists its records.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "solve/bad_channel_support.hpp"
#include "solve/records_support.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    int below(int end) { return std::uniform_int_distribution(0, end - 1)(random_); }

    std::string name() { return std::string(1, "abcde"[below(5)]); }
    std::string list() {
        std::string text;
        for (int i = below(3); i > 0; --i)
            text += (text.empty() ? "\"" : ",\"") + random_demand(name(), [this](int end) { return below(end); }) + '"';
        return '[' + text + ']';
    }
    // A record of `name`, in the file "<number>.conda": what is equal otherwise differs in that.
    std::string record(const std::string& name, int number) {
        return record_text({{"name", '"' + name + '"'},
                            {"version", '"' + std::to_string(1 + below(3)) + '"'},
                            {"build", below(2) == 0 ? R"("x_0")" : R"("y_0")"},
                            {"build_number", std::to_string(below(2))},
                            {"timestamp", std::to_string(1 + below(3))},
                            {"track_features", below(6) == 0 ? R"("f")" : ""},
                            {"depends", list()},
                            {"constrains", below(3) == 0 ? list() : "[]"}},
                           std::to_string(number) + ".conda");
    }
    void shuffle(std::vector<std::string>& records) { std::shuffle(records.begin(), records.end(), random_); }

  private:
    std::mt19937 random_;
};

}  // namespace

TEST_CASE("an answer and an explanation stay the same with records that nothing reaches, in any order") {
    int satisfiable = 0, unsatisfiable = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        Maker maker(seed);
        std::vector<std::string> records;
        for (int i = 0; i < 14; ++i) records.push_back(maker.record(maker.name(), i));
        std::vector<std::string> asked;
        for (int i = 1 + maker.below(3); i > 0; --i)
            asked.push_back(random_demand(maker.name(), [&](int end) { return maker.below(end); }));
        const auto expected = answer(asked, repodata_text(records));
        ++(expected.front().starts_with("no answer") ? unsatisfiable : satisfiable);

        auto shuffled = records;
        maker.shuffle(shuffled);
        CHECK(answer(asked, repodata_text(shuffled)) == expected);
        // They need what is reached, and each other, but nothing needs them.
        for (int i = 0; i < 10; ++i)
            shuffled.push_back(maker.record(i % 2 == 0 ? "unreached-one" : "unreached-two", 100 + i));
        maker.shuffle(shuffled);
        CHECK(answer(asked, repodata_text(shuffled)) == expected);
        // In a channel of lower priority, or in noarch, they matter as little.
        std::vector<std::string> others(shuffled.begin(), shuffled.end());
        std::erase_if(others, [](const auto& text) { return text.find("unreached") == std::string::npos; });
        auto beside = provider_of({read(repodata_text(records)), read(repodata_text(others), "noarch")});
        CHECK(answer(asked, beside) == expected);
        auto behind = provider_of(
            {{read(repodata_text(records))}, {read(repodata_text(others), "linux-64", "https://channel.test/other")}},
            ChannelPriority::Disabled);
        CHECK(answer(asked, behind) == expected);
    }
    CHECK(satisfiable > 80);
    CHECK(unsatisfiable > 80);
}
