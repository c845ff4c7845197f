// EarlierLock: a lock of the same environment from before, to change no more of than must.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "lock/lock.hpp"
#include "solve/solver.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::build {

struct EarlierLock {
    lock::Lock lock;
    std::vector<std::string> update;  // names, of conda or pip packages, that get their newest version all the same

    [[nodiscard]] bool updates(std::string_view name) const;
};

// InvalidInput, with the nearest name, for an update of what no spec asks for and no earlier lock has: one of each for
// a platform.
void check_updates(const std::vector<std::string>& update, std::span<const lock::Lock> earlier,
                   std::span<const spec::EnvironmentSpec> specs);

// The request's answer, with the earlier lock's packages wherever it allows them. Updated names choose before all
// others, those too that nobody asks for by name: they get the newest version with which they are still needed. One
// that cannot be had any more takes nothing from the others. Throws as solve::solve.
[[nodiscard]] solve::Solution solve_from(const EarlierLock& earlier, solve::Request request,
                                         solve::CandidateProvider& provider, const CancelToken& cancel = {});

// pip's half: constraints that hold pip to the earlier versions of all but what is updated.
[[nodiscard]] spec::EnvironmentSpec with_pins(spec::EnvironmentSpec spec, const EarlierLock& earlier);

}  // namespace envbuild::build
