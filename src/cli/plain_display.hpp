// Plain lines: for logs, CI and pipes. A piece of work writes a line when it ends, and before that one after a second
// (at once where `starts` is set) and one every few seconds.
#pragma once

#include <mutex>

#include "cli/display.hpp"

namespace envbuild::cli {

class PlainDisplay final : public Reporter {
  public:
    PlainDisplay(const DisplayOptions& options, std::FILE* stream) : options_(options), stream_(stream) {}

    void warn(std::string_view message) override;
    void note(std::string_view message) override;
    void debug(std::string_view message) override;
    void log(std::string_view line) override;
    [[nodiscard]] std::unique_ptr<Progress> start(std::string_view title, Unit unit, std::uint64_t total) override;

  private:
    class Work;
    void write_line(std::string_view prefix, std::string_view text);

    const DisplayOptions options_;
    std::FILE* stream_;
    std::mutex mutex_;
};

// "105 MB", "4 steps", "3/7".
[[nodiscard]] std::string format_amount(Reporter::Unit unit, std::uint64_t done, std::uint64_t total);
[[nodiscard]] std::string format_seconds(double seconds);

}  // namespace envbuild::cli
