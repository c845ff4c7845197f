#include "solve/pip_solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/strings.hpp"
#include "solve/pip_explain.hpp"
#include "solve/pip_reached.hpp"

namespace envbuild::solve {

namespace {

using Kind = PipReached::Kind;

struct Taken {
    int group = 0, place = 0;
};

// An answer is at hand all the time, and a choice that it agrees with costs no search. What is chosen becomes a fact of
// the search, as does what turns out to be impossible: choices are never taken back.
class PipOptimizer {
  public:
    PipOptimizer(PipProjects& projects, PipReached& reached, const CancelToken& cancel)
        : projects_(projects), reached_(reached), search_(reached.search()), cancel_(cancel) {}

    // In the order in which they chose.
    std::optional<std::vector<Taken>> run() {
        if (!improve({})) return std::nullopt;
        std::vector<int> asked;
        for (const auto& line : projects_.asked()) {
            const auto project = projects_.spec_project(line.need.spec);
            asked.push_back(reached_.group_id({.project = project}));
            for (const auto& extra : line.need.extras)
                asked.push_back(reached_.group_id({.kind = Kind::Extra, .project = project, .extra = extra}));
        }
        add(asked);
        for (std::size_t next = 0; next < waiting_.size();) {
            const auto group = waiting_[next++];
            const auto place = pin(group);
            chosen_.push_back({group, place});
            add(reached_.needed_groups(group, place));
        }
        return std::move(chosen_);
    }

    [[nodiscard]] std::size_t searches() const { return searches_; }

  private:
    void add(const std::vector<int>& groups) {
        std::vector<int> fresh;
        for (const auto group : groups) {
            if (met_.insert(group).second) fresh.push_back(group);
        }
        std::ranges::sort(fresh, {}, [&](int group) { return reached_.order_of(group); });
        waiting_.insert(waiting_.end(), fresh.begin(), fresh.end());
    }

    // The best package of the group for which an answer exists.
    int pin(int group) {
        while (true) {
            const auto best = first_left(group);
            if (best == at_hand_.at(group) || improve({search_.package(group, best)})) {
                search_.add_fact(search_.package(group, best));
                return best;
            }
            search_.add_fact(~search_.package(group, best));
        }
    }

    int first_left(int group) {
        search_.load(group);
        for (int place = 0; place < search_.group_size(group); ++place) {
            settle();
            if (!search_.is_left(group, place)) continue;
            search_.consider(group, place);
            settle();
            if (search_.is_left(group, place)) return place;
        }
        throw Error(ErrorKind::Bug, "nothing is left of a project that the answer has");
    }

    void settle() {
        if (!search_.settle_facts()) throw Error(ErrorKind::Bug, "the resolver's choices contradict each other");
    }

    // Looks for an answer in which these hold; it is at hand from then on.
    bool improve(const std::vector<Literal>& wanted) {
        cancel_.throw_if_cancelled();
        ++searches_;
        if (!search_.solve(wanted, cancel_)) return false;
        at_hand_.clear();
        for (const auto group : search_.answer_groups()) at_hand_[group] = search_.answer(group);
        return true;
    }

    PipProjects& projects_;
    PipReached& reached_;
    CdclSearch& search_;
    const CancelToken& cancel_;
    std::vector<int> waiting_;
    std::set<int> met_;
    std::unordered_map<int, int> at_hand_;  // group -> place
    std::vector<Taken> chosen_;
    std::size_t searches_ = 0;
};

// What pip asks of lines once one of them has a hash: each pins its version and has hashes.
void check_hashes(const PipRequest& request) {
    for (const auto& line : request.lines) {
        const auto& requirement = line.requirement;
        if (!value_or_throw(requirement.marker.evaluate(request.environment))) continue;
        if (std::ranges::find(request.provided, requirement.name, &PipProvided::name) != request.provided.end())
            continue;
        const auto& clauses = requirement.specifier.clauses();
        const bool pinned = std::ranges::any_of(clauses, [](const auto& clause) {
            return clause.op == "===" || (clause.op == "==" && !clause.version.ends_with(".*"));
        });
        if (pinned && !line.hashes.empty()) continue;
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("'{}' {}, and others or --require-hashes ask for it of each line",
                                requirement.to_string(), pinned ? "has no hash" : "does not pin its version by =="))
            .with_hint("leave the hashes out: the lock pins every file by its hash");
    }
}

Error hash_missing(const std::vector<PipChoice>& packages) {
    std::vector<std::string> lines;
    for (const auto& package : packages) {
        const auto& sha256 = package.file->file.sha256;
        lines.push_back(fmt::format("{}=={}{}", package.name, package.version.to_string(),
                                    sha256 ? " --hash=" + sha256->to_string() : ""));
    }
    return Error(ErrorKind::InvalidInput,
                 fmt::format("lines with hashes need {} further package{}, which no line gives a hash for: {}",
                             packages.size(), packages.size() == 1 ? "" : "s", join(lines, ", ")))
        .with_hint("add these lines, or leave the hashes out: the lock pins every file by its hash");
}

// Why a line's hashes say more than index pages do, which are read for sha256 alone: only pip compares the others, with
// the files. "" where none does.
std::string other_hashes(const PipRequest& request) {
    for (const auto* lines : {&request.lines, &request.constraints}) {
        for (const auto& line : *lines) {
            const auto other = [](const auto& hash) { return !hash.starts_with("sha256:"); };
            const auto found = std::ranges::find_if(line.hashes, other);
            const auto& name = line.requirement.name;
            if (found == line.hashes.end()) continue;
            if (!value_or_throw(line.requirement.marker.evaluate(request.environment))) continue;
            if (std::ranges::find(request.provided, name, &PipProvided::name) != request.provided.end()) continue;
            return fmt::format("{} has a --hash by {}", name, found->substr(0, found->find(':')));
        }
    }
    return "";
}

class Answer {
  public:
    Answer(PipProjects& projects, const PipReached& reached, const std::vector<Taken>& taken) : projects_(projects) {
        for (const auto& [group, place] : taken) add(reached.group(group), place);
        std::ranges::sort(solution_.packages, {}, &PipChoice::name);
    }
    PipSolution take() { return std::move(solution_); }

  private:
    void add(const PipReached::Group& group, int place) {
        if (group.kind == Kind::ExtraNeeds) return;
        const auto& project = projects_.project(group.project);
        const auto& version = project.versions[static_cast<std::size_t>(place)];
        const auto text = project.name + " " + version.version.to_string();
        const auto note_pip = [&](const std::string& why) {
            if (!why.empty() && solution_.needs_pip.empty()) solution_.needs_pip = text + " " + why;
        };
        note_pip(version.needs_pip);
        if (group.kind == Kind::Extra) {
            if (const auto extra = version.extras.find(group.extra); extra != version.extras.end())
                note_pip(extra->second.needs_pip);
            const auto& known = version.metadata;
            if (known && std::ranges::find(known->provides_extra, group.extra) == known->provides_extra.end())
                solution_.notes.push_back(fmt::format("{} has no extra '{}'", text, group.extra));
            return;
        }
        if (project.source == PipProjects::Source::Provided) return;
        PipChoice choice;
        choice.name = project.name;
        choice.version = version.version;
        choice.requested = project.is_asked;
        choice.metadata = version.metadata;
        if (project.source == PipProjects::Source::Direct) {
            choice.direct = project.index;
        } else {
            choice.file = *version.file->file;
            if (version.yanked)
                solution_.notes.push_back(
                    fmt::format("{} was yanked by its authors: {}", text, *version.file->file->file.yanked));
            note_left_out(project, place, text);
        }
        solution_.packages.push_back(std::move(choice));
    }

    // Better versions that cannot be used: nobody would guess it.
    void note_left_out(const PipProjects::Project& project, int place, const std::string& text) {
        for (int better = 0; better < place; ++better) {
            const auto& version = project.versions[static_cast<std::size_t>(better)];
            if (!version.read || version.fault.empty() || !version.code.empty()) continue;
            solution_.notes.push_back(
                fmt::format("{} is taken, and {} left out: {}", text, version.version.to_string(), version.fault));
            return;
        }
    }

    PipProjects& projects_;
    PipSolution solution_;
};

void check_all_hashed(PipProjects& projects, const PipSolution& solution) {
    std::vector<PipChoice> without;
    for (const auto& choice : solution.packages) {
        if (choice.file && !projects.project(projects.project_id(choice.name)).hashed) without.push_back(choice);
    }
    if (!without.empty()) throw hash_missing(without);
}

}  // namespace

PipSolution solve_pip(const PipRequest& request, PipProvider& provider, const CancelToken& cancel) {
    const bool hashes = request.require_hashes ||
                        std::ranges::any_of(request.lines, [](const auto& line) { return !line.hashes.empty(); });
    if (hashes) check_hashes(request);
    if (auto why = other_hashes(request); !why.empty())
        return {.packages = {}, .needs_pip = std::move(why), .notes = {}, .statistics = {}};
    PipProjects projects(request, provider);
    projects.prefetch(cancel);
    std::size_t searches = 0, conflicts = 0;
    while (true) {
        PipReached reached(projects);
        PipOptimizer optimizer(projects, reached, cancel);
        const auto taken = optimizer.run();
        searches += optimizer.searches();
        conflicts += reached.search().counts().conflicts;
        if (!taken) {
            if (projects.widen(reached.specs())) continue;
            throw explain_pip(projects, cancel).to_error();
        }
        auto solution = Answer(projects, reached, *taken).take();
        if (hashes) check_all_hashed(projects, solution);
        std::size_t loaded = 0;
        for (std::size_t id = 0; id < projects.size(); ++id) loaded += projects.is_loaded(static_cast<int>(id)) ? 1 : 0;
        solution.statistics = {loaded, projects.metadata_read(), searches, conflicts};
        return solution;
    }
}

}  // namespace envbuild::solve
