#include "solve/libsolv_support.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// A field of libsolv's Solvable has a name that became a keyword in C++20.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define requires requires_
extern "C" {
#include <solv/pool.h>
#include <solv/poolarch.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solver.h>
}
#undef requires
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

namespace envbuild::solve::test {

namespace {

struct FreePool {
    void operator()(Pool* pool) const { pool_free(pool); }
};
struct FreeSolver {
    void operator()(Solver* solver) const { solver_free(solver); }
};

class IdQueue {
  public:
    IdQueue() { queue_init(&queue_); }
    ~IdQueue() { queue_free(&queue_); }
    IdQueue(const IdQueue&) = delete;
    IdQueue& operator=(const IdQueue&) = delete;
    void push(Id id) { queue_push(&queue_, id); }
    void clear() { queue_empty(&queue_); }
    [[nodiscard]] Queue* get() { return &queue_; }
    [[nodiscard]] int count() const { return queue_.count; }
    [[nodiscard]] Id operator[](int i) const { return queue_.elements[i]; }

  private:
    Queue queue_;
};

class LibsolvSolver : public SatSolver {
  public:
    explicit LibsolvSolver(const Problem& problem) : pool_(pool_create()) {
        pool_setdisttype(pool_.get(), DISTTYPE_RPM);
        for (const auto& group : problem.groups) {
            if (group.is_virtual) roots_.push_back(group.packages);
        }
        for (const auto root : problem.roots) roots_.push_back(problem.sets[static_cast<std::size_t>(root)].packages);
        add_packages(problem);
        pool_createwhatprovides(pool_.get());
        for (const auto& [id, packages] : provided_) {
            IdQueue queue;
            for (const auto package : packages) queue.push(solvable_of(package));
            pool_set_whatprovides(pool_.get(), id, pool_queuetowhatprovides(pool_.get(), queue.get()));
        }
        provided_.clear();
    }

    std::optional<std::vector<int>> solve(const std::vector<std::vector<int>>& demands) override {
        IdQueue jobs;
        for (const auto* list : {static_cast<const std::vector<std::vector<int>>*>(&roots_), &demands}) {
            for (const auto& packages : *list) {
                if (packages.empty()) return std::nullopt;  // libsolv takes an empty choice for one that is met
                IdQueue choice;
                for (const auto package : packages) choice.push(solvable_of(package));
                jobs.push(SOLVER_INSTALL | SOLVER_SOLVABLE_ONE_OF);
                jobs.push(pool_queuetowhatprovides(pool_.get(), choice.get()));
            }
        }
        const std::unique_ptr<Solver, FreeSolver> solver(solver_create(pool_.get()));
        if (solver_solve(solver.get(), jobs.get()) != 0) return std::nullopt;
        IdQueue decisions;
        solver_get_decisionqueue(solver.get(), decisions.get());
        std::vector<int> taken;
        for (int i = 0; i < decisions.count(); ++i) {
            if (decisions[i] > SYSTEMSOLVABLE) taken.push_back(decisions[i] - first_);
        }
        return taken;
    }

  private:
    [[nodiscard]] Id solvable_of(int package) const { return first_ + package; }

    // Ids of names, sets and complements must never coincide, hence their first letters.
    Id make_id(char kind, std::size_t index) {
        return pool_str2id(pool_.get(), (kind + std::to_string(index)).c_str(), 1);
    }

    void add_packages(const Problem& problem) {
        auto* repo = repo_create(pool_.get(), "candidates");
        if (problem.size() > 0) first_ = repo_add_solvable_block(repo, static_cast<int>(problem.size()));
        std::vector<Id> set_ids(problem.sets.size()), complement_ids(problem.sets.size(), 0);
        const auto nothing = make_id('x', 0);  // that no package gives
        provided_.emplace_back(nothing, std::vector<int>());
        for (std::size_t i = 0; i < problem.sets.size(); ++i) {
            set_ids[i] = make_id('s', i);
            provided_.emplace_back(set_ids[i], problem.sets[i].packages);
        }
        for (std::size_t g = 0; g < problem.groups.size(); ++g) {
            const auto& group = problem.groups[g];
            const auto name = make_id('n', g);
            for (std::size_t rank = 0; rank < group.packages.size(); ++rank) {
                auto* solvable = pool_id2solvable(pool_.get(), solvable_of(group.packages[rank]));
                solvable->name = name;
                // The higher the better to libsolv: the rank, counted from the worst, stands for the version.
                solvable->evr = pool_str2id(pool_.get(), std::to_string(group.packages.size() - rank).c_str(), 1);
                solvable->arch = ARCH_NOARCH;
            }
            provided_.emplace_back(name, group.packages);
        }
        for (std::size_t i = 0; i < problem.size(); ++i) {
            auto* solvable = pool_id2solvable(pool_.get(), solvable_of(static_cast<int>(i)));
            if (problem.excluded[i] != Problem::Excluded::No) {
                solvable->requires_ = repo_addid_dep(repo, solvable->requires_, nothing, 0);
            }
            for (const auto set : problem.needs[i]) {
                solvable->requires_ =
                    repo_addid_dep(repo, solvable->requires_, set_ids[static_cast<std::size_t>(set)], 0);
            }
            for (const auto set : problem.bars[i]) {
                auto& id = complement_ids[static_cast<std::size_t>(set)];
                if (id == 0) {
                    id = make_id('c', static_cast<std::size_t>(set));
                    provided_.emplace_back(id, complement(problem, set));
                }
                solvable->conflicts = repo_addid_dep(repo, solvable->conflicts, id, 0);
            }
        }
    }

    static std::vector<int> complement(const Problem& problem, int index) {
        const auto& set = problem.sets[static_cast<std::size_t>(index)];
        std::vector<char> inside(problem.size(), 0);
        for (const auto package : set.packages) inside[static_cast<std::size_t>(package)] = 1;
        std::vector<int> outside;
        for (const auto package : problem.groups[static_cast<std::size_t>(set.group)].packages) {
            if (inside[static_cast<std::size_t>(package)] == 0) outside.push_back(package);
        }
        return outside;
    }

    std::unique_ptr<Pool, FreePool> pool_;
    Id first_ = 0;
    std::vector<std::vector<int>> roots_;
    std::vector<std::pair<Id, std::vector<int>>> provided_;
};

}  // namespace

std::unique_ptr<SatSolver> make_libsolv_solver(const Problem& problem) {
    return std::make_unique<LibsolvSolver>(problem);
}

}  // namespace envbuild::solve::test
