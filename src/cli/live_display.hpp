// The live display: finished lines scroll up, running work stays below them with a bar, a rate and the time left.
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "cli/display.hpp"

namespace envbuild::cli {

class LiveDisplay final : public Reporter {
  public:
    LiveDisplay(const DisplayOptions& options, std::FILE* stream);
    ~LiveDisplay() override;
    LiveDisplay(const LiveDisplay&) = delete;
    LiveDisplay& operator=(const LiveDisplay&) = delete;

    void warn(std::string_view message) override;
    void note(std::string_view message) override;
    void debug(std::string_view message) override;
    void log(std::string_view line) override;
    [[nodiscard]] std::unique_ptr<Progress> start(std::string_view title, Unit unit, std::uint64_t total) override;

  private:
    struct Row;
    class Work;

    void scroll(std::string line);  // mutex_ held
    void draw();                    // mutex_ held: erases the rows below and writes them anew
    [[nodiscard]] std::string render(const Row& row, std::size_t columns) const;
    [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const;

    const DisplayOptions options_;
    std::FILE* stream_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::list<Row> rows_;
    std::deque<std::string> tail_;  // the last lines of a build's own output
    std::size_t drawn_ = 0;         // rows on the screen below the scrolled lines
    std::jthread ticker_;
};

}  // namespace envbuild::cli
