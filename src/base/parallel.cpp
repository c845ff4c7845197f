#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace envbuild {

void parallel_for(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work) {
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    threads = std::min(threads, count);
    if (threads <= 1) {
        for (std::size_t i = 0; i < count; ++i) work(i);
        return;
    }
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::exception_ptr first;
    const auto run = [&] {
        for (std::size_t i = next++; i < count; i = next++) {
            try {
                work(i);
            } catch (...) {
                const std::scoped_lock lock(mutex);
                if (!first) first = std::current_exception();
                next = count;
            }
        }
    };
    {
        std::vector<std::jthread> pool;
        pool.reserve(threads);
        try {
            for (std::size_t t = 0; t < threads; ++t) pool.emplace_back(run);
        } catch (const std::system_error&) {
            run();  // a machine that gives no further thread is slower, and no reason to fail
        }
    }
    if (first) std::rethrow_exception(first);
}

}  // namespace envbuild
