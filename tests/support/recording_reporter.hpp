// A reporter that keeps what users are warned of.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.hpp"

namespace envbuild::testing {

// Thread-safe.
class RecordingReporter : public Reporter {
  public:
    void warn(std::string_view message) override {
        const std::lock_guard lock(mutex_);
        warnings_.emplace_back(message);
    }
    void note(std::string_view /*message*/) override {}
    void debug(std::string_view /*message*/) override {}
    void log(std::string_view /*line*/) override {}
    std::unique_ptr<Progress> start(std::string_view title, Unit unit, std::uint64_t total) override {
        return silent_reporter().start(title, unit, total);
    }
    [[nodiscard]] std::vector<std::string> warnings() const {
        const std::lock_guard lock(mutex_);
        return warnings_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> warnings_;
};

}  // namespace envbuild::testing
