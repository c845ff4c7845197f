// How long each stage of a run took.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace envbuild::build {

// Not thread-safe: the stages of one run follow each other.
class Stages {
  public:
    // Runs `work` and adds its time under `name`, also when it throws.
    template <class Work>
    auto time(std::string name, Work&& work) {
        struct Timer {
            Stages& stages;
            std::string name;
            std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
            ~Timer() {
                stages.add(std::move(name),
                           std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
            }
        };
        const Timer timer{*this, std::move(name)};
        return std::forward<Work>(work)();
    }

    void add(std::string name, double seconds) { seconds_.emplace_back(std::move(name), seconds); }
    // {"resolve": 0.123, …, "total": 1.5}, in the order in which stages ran, in seconds with milliseconds.
    [[nodiscard]] Json to_json() const;

  private:
    std::vector<std::pair<std::string, double>> seconds_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace envbuild::build
