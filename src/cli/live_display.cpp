#include "cli/live_display.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <chrono>

#include "base/strings.hpp"
#include "cli/plain_display.hpp"

namespace envbuild::cli {

using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kFrame = std::chrono::milliseconds(100);
constexpr std::size_t kTailLines = 5;

std::size_t terminal_columns(std::FILE* stream) {
    winsize size{};
    if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
    return 80;
}

// Cut to `columns`, without splitting a UTF-8 sequence. Wide characters are rare here and counted as one.
std::string clip(std::string_view text, std::size_t columns) {
    std::size_t shown = 0;
    std::size_t end = 0;
    while (end < text.size() && shown < columns) {
        ++end;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
        ++shown;
    }
    return std::string(text.substr(0, end));
}

}  // namespace

struct LiveDisplay::Row {
    std::string title, detail;
    Unit unit;
    std::uint64_t total = 0, done = 0;
    Clock::time_point begun = Clock::now();
    [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - begun).count(); }
};

class LiveDisplay::Work final : public Progress {
  public:
    Work(LiveDisplay& display, std::list<Row>::iterator row) : display_(display), row_(row) {}
    ~Work() override {
        const std::scoped_lock lock(display_.mutex_);
        const double seconds = row_->seconds();
        std::string line = display_.paint("32", "✓ ") + row_->title;
        if (row_->done > 0) line += ": " + format_amount(row_->unit, row_->done, row_->done);
        line += display_.paint("2", fmt::format("  {}", format_seconds(seconds)));
        display_.rows_.erase(row_);
        display_.scroll(std::move(line));
    }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    void advance(std::uint64_t amount) override {
        const std::scoped_lock lock(display_.mutex_);
        row_->done += amount;
    }
    void set_total(std::uint64_t total) override {
        const std::scoped_lock lock(display_.mutex_);
        row_->total = total;
    }
    void set_detail(std::string_view detail) override {
        const std::scoped_lock lock(display_.mutex_);
        row_->detail = detail;
    }

  private:
    LiveDisplay& display_;
    std::list<Row>::iterator row_;
};

LiveDisplay::LiveDisplay(const DisplayOptions& options, std::FILE* stream)
    : options_(options), stream_(stream), ticker_([this](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
              if (!rows_.empty()) draw();
              wake_.wait_for(lock, stop, kFrame, [] { return false; });
          }
      }) {}

LiveDisplay::~LiveDisplay() {
    ticker_.request_stop();
    ticker_.join();
    const std::scoped_lock lock(mutex_);
    rows_.clear();
    tail_.clear();
    draw();
}

std::string LiveDisplay::paint(std::string_view code, std::string_view text) const {
    return options_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string LiveDisplay::render(const Row& row, std::size_t columns) const {
    const double seconds = row.seconds();
    std::string right = format_amount(row.unit, row.done, row.total);
    if (row.unit == Unit::Bytes && seconds > 0.5 && row.done > 0) {
        const double rate = static_cast<double>(row.done) / seconds;
        right += fmt::format("  {}/s", human_bytes(static_cast<std::uint64_t>(rate)));
        if (row.total > row.done)
            right += fmt::format("  {} left", format_seconds(static_cast<double>(row.total - row.done) / rate));
    }
    if (row.done == 0 && row.total == 0) right.clear();
    right += fmt::format("{}{}", right.empty() ? "" : "  ", format_seconds(seconds));
    std::string bar;
    if (row.total > 0) {
        constexpr std::size_t kWidth = 20;
        const auto filled =
            static_cast<std::size_t>(static_cast<double>(kWidth) * static_cast<double>(std::min(row.done, row.total)) /
                                     static_cast<double>(row.total));
        for (std::size_t i = 0; i < kWidth; ++i) bar += i < filled ? "━" : "╌";
        bar = paint("36", bar) + " ";
    }
    const std::string detail = row.detail.empty() ? "" : "  " + row.detail;
    const std::size_t taken = 30 + right.size() + (row.total > 0 ? 21 : 0) + 4;
    const std::size_t room = columns > taken ? columns - taken : 0;
    return fmt::format("{} {:<28} {}{}{}", paint("36", "›"), clip(row.title, 28), bar, right,
                       paint("2", clip(detail, room)));
}

void LiveDisplay::draw() {
    std::string out;
    if (drawn_ > 0) out += fmt::format("\x1b[{}A", drawn_);
    out += "\r\x1b[J";
    const std::size_t columns = terminal_columns(stream_);
    drawn_ = 0;
    for (const auto& line : tail_) {
        out += paint("2", "  │ " + clip(line, columns - 5)) + "\n";
        ++drawn_;
    }
    for (const auto& row : rows_) {
        out += render(row, columns) + "\n";
        ++drawn_;
    }
    write_best_effort(stream_, out);
}

void LiveDisplay::scroll(std::string line) {
    std::string out;
    if (drawn_ > 0) out += fmt::format("\x1b[{}A", drawn_);
    out += "\r\x1b[J" + line + "\n";
    drawn_ = 0;
    write_best_effort(stream_, out);
    if (rows_.empty()) tail_.clear();
    draw();
}

void LiveDisplay::warn(std::string_view message) {
    const std::scoped_lock lock(mutex_);
    scroll(paint("33", "warning: ") + replace_all(message, "\n", "\n  "));
}

void LiveDisplay::note(std::string_view message) {
    const std::scoped_lock lock(mutex_);
    scroll(std::string(message));
}

void LiveDisplay::debug(std::string_view message) {
    if (options_.verbosity == 0) return;
    const std::scoped_lock lock(mutex_);
    scroll(paint("2", message));
}

void LiveDisplay::log(std::string_view line) {
    const std::scoped_lock lock(mutex_);
    if (options_.verbosity > 0) return scroll(paint("2", "  │ " + std::string(line)));
    tail_.emplace_back(line);
    if (tail_.size() > kTailLines) tail_.pop_front();
}

std::unique_ptr<Progress> LiveDisplay::start(std::string_view title, Unit unit, std::uint64_t total) {
    const std::scoped_lock lock(mutex_);
    rows_.push_back(Row{.title = std::string(title), .detail = "", .unit = unit, .total = total});
    return std::make_unique<Work>(*this, std::prev(rows_.end()));
}

}  // namespace envbuild::cli
