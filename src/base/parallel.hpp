// Runs independent pieces of work on a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace envbuild {

// Calls work(i) once for each i in [0, count), on up to `threads` threads (0: one a core). The first exception stops
// further pieces from starting and is thrown after those that run have ended.
void parallel_for(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace envbuild
