// Small random worlds, solved by trying everything.
#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "solve/pip_support.hpp"

using namespace envbuild;
using namespace envbuild::testing;

namespace {

constexpr int kProjects = 5, kVersions = 3;

// Which versions, as bits; and whether with the extra "x".
struct Need {
    int project = 0;
    unsigned versions = 0;
    bool extra = false;
};

struct Version {
    std::vector<Need> needs, extra_needs;
};

struct World {
    std::vector<std::vector<Version>> projects;
    std::vector<Need> asked, constraints;
};

std::string name_of(int project) {
    return std::string(1, static_cast<char>('a' + project));
}

// "b[x]!=2": every set of versions can be said by leaving out the others.
std::string text_of(const Need& need) {
    std::vector<std::string> out;
    for (int version = 0; version < kVersions; ++version) {
        if ((need.versions >> static_cast<unsigned>(version) & 1U) == 0)
            out.push_back(fmt::format("!={}", version + 1));
    }
    return name_of(need.project) + (need.extra ? "[x]" : "") + join(out, ",");
}

World random_world(std::mt19937& random) {
    const auto upto = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const auto need = [&] {
        Need made{upto(kProjects), 0, upto(4) == 0};
        while (made.versions == 0) made.versions = static_cast<unsigned>(upto(1 << kVersions));
        return made;
    };
    World world;
    for (int project = 0; project < kProjects; ++project) {
        auto& versions = world.projects.emplace_back(static_cast<std::size_t>(1 + upto(kVersions)));
        for (auto& version : versions) {
            for (int i = upto(4); i > 0; --i) version.needs.push_back(need());
            for (int i = upto(2); i > 0; --i) version.extra_needs.push_back(need());
        }
    }
    for (int i = 1 + upto(3); i > 0; --i) world.asked.push_back(need());
    for (int i = upto(2); i > 0; --i) {
        world.constraints.push_back(need());
        world.constraints.back().extra = false;
    }
    return world;
}

PipWorld index_of(const World& world) {
    PipWorld index;
    for (int project = 0; project < kProjects; ++project) {
        for (std::size_t version = 0; version < world.projects[static_cast<std::size_t>(project)].size(); ++version) {
            const auto& offered = world.projects[static_cast<std::size_t>(project)][version];
            PipOffer offer{.extras = {"x"}};
            for (const auto& need : offered.needs) offer.needs.push_back(text_of(need));
            for (const auto& need : offered.extra_needs) offer.needs.push_back(text_of(need) + "; extra == 'x'");
            index.offer(name_of(project), std::to_string(version + 1), offer);
        }
    }
    return index;
}

using Answer = std::vector<int>;  // by project: the version, or -1

// Whether the answer is sound and holds nothing that nothing needs.
bool is_sound(const World& world, const Answer& answer) {
    std::vector<Need> queue = world.asked;
    std::set<std::pair<int, bool>> seen;
    for (std::size_t i = 0; i < queue.size(); ++i) {
        const auto need = queue[i];
        const auto version = answer[static_cast<std::size_t>(need.project)];
        if (version < 0 || (need.versions >> static_cast<unsigned>(version) & 1U) == 0) return false;
        const auto& taken = world.projects[static_cast<std::size_t>(need.project)][static_cast<std::size_t>(version)];
        if (seen.emplace(need.project, false).second) queue.insert(queue.end(), taken.needs.begin(), taken.needs.end());
        if (need.extra && seen.emplace(need.project, true).second)
            queue.insert(queue.end(), taken.extra_needs.begin(), taken.extra_needs.end());
    }
    for (int project = 0; project < kProjects; ++project) {
        const auto version = answer[static_cast<std::size_t>(project)];
        if (version < 0) continue;
        if (!seen.contains({project, false})) return false;
        for (const auto& constraint : world.constraints) {
            if (constraint.project == project && (constraint.versions >> static_cast<unsigned>(version) & 1U) == 0)
                return false;
        }
    }
    return true;
}

std::vector<Answer> all_answers(const World& world) {
    std::vector<Answer> answers;
    Answer answer(kProjects, -1);
    while (true) {
        if (is_sound(world, answer)) answers.push_back(answer);
        int project = 0;
        for (; project < kProjects; ++project) {
            auto& version = answer[static_cast<std::size_t>(project)];
            if (++version < static_cast<int>(world.projects[static_cast<std::size_t>(project)].size())) break;
            version = -1;
        }
        if (project == kProjects) return answers;
    }
}

// By the words of docs/resolver.md: projects choose one after the other, what is asked first, then what became
// necessary; a step's by name, a project before its extra, and what an extra needs a step later.
std::optional<Answer> best_answer(const World& world) {
    auto answers = all_answers(world);
    if (answers.empty()) return std::nullopt;
    using Step = std::pair<int, int>;  // project; 0 itself, 1 its extra, 2 what that needs
    std::vector<Step> queue;
    std::set<Step> met;
    const auto add = [&](const std::vector<Need>& needs) {
        std::set<Step> fresh;
        for (const auto& need : needs) {
            if (met.emplace(need.project, 0).second) fresh.emplace(need.project, 0);
            if (need.extra && met.emplace(need.project, 1).second) fresh.emplace(need.project, 1);
        }
        queue.insert(queue.end(), fresh.begin(), fresh.end());
    };
    add(world.asked);
    for (std::size_t i = 0; i < queue.size(); ++i) {
        const auto [project, kind] = queue[i];
        const auto at = static_cast<std::size_t>(project);
        const auto highest = std::ranges::max(answers, {}, [&](const Answer& answer) { return answer[at]; })[at];
        std::erase_if(answers, [&](const Answer& answer) { return answer[at] != highest; });
        const auto& taken = world.projects[at][static_cast<std::size_t>(highest)];
        if (kind == 0) add(taken.needs);
        if (kind == 1 && met.emplace(project, 2).second) queue.emplace_back(project, 2);
        if (kind == 2) add(taken.extra_needs);
    }
    REQUIRE(answers.size() == 1);
    return answers.front();
}

std::string text_of(const Answer& answer) {
    std::vector<std::string> texts;
    for (int project = 0; project < kProjects; ++project) {
        const auto version = answer[static_cast<std::size_t>(project)];
        if (version >= 0) texts.push_back(fmt::format("{} {}", name_of(project), version + 1));
    }
    return join(texts, ", ");
}

// What an explanation names has no answer, and has one without any of it.
void check_core(const World& world, const solve::PipRequest& request, PipWorld& index) {
    Json told;
    try {
        (void)solve::solve_pip(request, index);
        FAIL("there is no answer, and one was found");
    } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::Unsatisfiable);
        told = value_or_throw(Json::parse(error.details()));
    }
    const auto named = [&](const std::vector<Need>& needs, const char* member) {
        std::vector<Need> found;
        std::set<std::string> texts;
        for (const auto& text : told[member].as_array()) texts.insert(text.as_string());
        for (const auto& need : needs) {
            if (texts.erase(text_of(need)) > 0) found.push_back(need);
        }
        REQUIRE(texts.empty());
        return found;
    };
    auto core = world;
    core.asked = named(world.asked, "specs");
    core.constraints = named(world.constraints, "constraints");
    REQUIRE(all_answers(core).empty());
    for (std::size_t i = 0; i < core.asked.size() && core.asked.size() + core.constraints.size() > 1; ++i) {
        auto less = core;
        less.asked.erase(less.asked.begin() + static_cast<std::ptrdiff_t>(i));
        REQUIRE_FALSE(all_answers(less).empty());
    }
    for (std::size_t i = 0; i < core.constraints.size(); ++i) {
        auto less = core;
        less.constraints.erase(less.constraints.begin() + static_cast<std::ptrdiff_t>(i));
        REQUIRE_FALSE(all_answers(less).empty());
    }
}

}  // namespace

TEST_CASE("pip: random worlds have the answer that trying everything finds") {
    std::mt19937 random(20261124);
    int with = 0, without = 0;
    for (int round = 0; round < 3000; ++round) {
        const auto world = random_world(random);
        auto index = index_of(world);
        std::vector<std::string> lines, constraints;
        for (const auto& need : world.asked) lines.push_back(text_of(need));
        for (const auto& need : world.constraints) constraints.push_back(text_of(need));
        const auto expected = best_answer(world);
        (expected ? with : without) += 1;
        INFO("round " << round << ": " << join(lines, " ") << " with " << join(constraints, " "));
        if (expected) {
            REQUIRE(pip_answer(pip_request(lines, constraints), index) == text_of(*expected));
        } else {
            check_core(world, pip_request(lines, constraints), index);
        }
    }
    CHECK(with > 500);
    CHECK(without > 300);
}
