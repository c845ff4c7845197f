#include "cli/plain_display.hpp"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <system_error>
#include <thread>

#include "base/strings.hpp"

namespace envbuild::cli {

using Clock = std::chrono::steady_clock;

namespace {
constexpr auto kSoon = std::chrono::seconds(1);
}

std::string format_amount(Reporter::Unit unit, std::uint64_t done, std::uint64_t total) {
    if (unit == Reporter::Unit::Steps && total == 0) return fmt::format("{} step{}", done, done == 1 ? "" : "s");
    if (unit == Reporter::Unit::Bytes) {
        return total > done ? fmt::format("{} of {}", human_bytes(done), human_bytes(total)) : human_bytes(done);
    }
    return total > 0 ? fmt::format("{}/{}", done, total) : fmt::format("{}", done);
}

std::string format_seconds(double seconds) {
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    if (seconds < 60) return fmt::format("{:.0f} s", seconds);
    const auto whole = static_cast<std::int64_t>(seconds);
    return fmt::format("{} min {} s", whole / 60, whole % 60);
}

class PlainDisplay::Work final : public Progress {
  public:
    Work(PlainDisplay& display, std::string_view title, Unit unit, std::uint64_t total)
        : display_(display), title_(title), unit_(unit), total_(total) {
        if (display.options_.starts) {
            announce();
            return;
        }
        try {
            starter_ = std::jthread([this](const std::stop_token& stop) { announce_later(stop); });
        } catch (const std::system_error&) {
            announce();  // no further thread is to be had
        }
    }
    ~Work() override {
        starter_.request_stop();
        if (starter_.joinable()) starter_.join();
        display_.write_line(
            "", fmt::format("{}: {} in {}", title_, done_ > 0 ? format_amount(unit_, done_, total_) : "done",
                            format_seconds(elapsed())));
    }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    void advance(std::uint64_t amount) override {
        const std::scoped_lock lock(mutex_);
        done_ += amount;
        say_now_and_then();
    }
    void set_total(std::uint64_t total) override {
        const std::scoped_lock lock(mutex_);
        total_ = total;
    }
    void set_detail(std::string_view detail) override {
        const std::scoped_lock lock(mutex_);
        detail_ = detail;
        say_now_and_then();
    }

  private:
    [[nodiscard]] double elapsed() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }

    void announce() {
        display_.write_line("", title_ + (total_ > 0 ? fmt::format(": {}", format_amount(unit_, total_, total_)) : ""));
    }

    // What is done at once needs one line, the last.
    void announce_later(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, kSoon, [] { return false; });
        if (!stop.stop_requested()) announce();
    }

    void say_now_and_then() {
        if (Clock::now() - said_ < std::chrono::seconds(5)) return;
        said_ = Clock::now();
        display_.write_line("", fmt::format("{}: {}{}", title_, format_amount(unit_, done_, total_),
                                            detail_.empty() ? "" : ", " + detail_));
    }

    PlainDisplay& display_;
    std::mutex mutex_;
    std::string title_, detail_;
    Unit unit_;
    std::uint64_t total_, done_ = 0;
    Clock::time_point begun_ = Clock::now(), said_ = begun_;
    std::condition_variable_any wake_;
    std::jthread starter_;
};

void PlainDisplay::write_line(std::string_view prefix, std::string_view text) {
    if (options_.quiet) return;
    const std::scoped_lock lock(mutex_);
    write_best_effort(stream_, fmt::format("{}{}\n", prefix, text));
}

void PlainDisplay::warn(std::string_view message) {
    write_line(options_.color ? "\x1b[33mwarning:\x1b[0m " : "warning: ", replace_all(message, "\n", "\n  "));
}
void PlainDisplay::note(std::string_view message) {
    write_line("", message);
}
void PlainDisplay::debug(std::string_view message) {
    if (options_.verbosity > 0) write_line("debug: ", message);
}
void PlainDisplay::log(std::string_view line) {
    write_line("  | ", line);
}

std::unique_ptr<Progress> PlainDisplay::start(std::string_view title, Unit unit, std::uint64_t total) {
    return std::make_unique<Work>(*this, title, unit, total);
}

}  // namespace envbuild::cli
