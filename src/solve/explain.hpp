// Why a request has no answer, for people. Internal to solve/.
#pragma once

#include "base/cancel.hpp"
#include "solve/problem.hpp"

namespace envbuild::solve {

// An Error(Unsatisfiable). Its first line names the fewest specs, constraints and options that cannot be had together;
// a tree below says why: asked -> needs -> what it conflicts with. The hint says what can be done. Runs searches: the
// request must have no answer.
[[nodiscard]] Error explain(Universe& universe, const CancelToken& cancel);

// Whether these parts of the request have an answer.
[[nodiscard]] bool is_satisfiable(Universe& universe, const ProblemParts& parts, const CancelToken& cancel);

}  // namespace envbuild::solve
